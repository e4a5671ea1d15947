-- data source `orders`
CREATE OR REPLACE VIEW "governed"."orders" AS
SELECT /* redoubt {"fingerprint":"e653d97795836e6b67445e379b24b517","source":"orders"} */
  s."o_orderkey",
  s."region",
  s."placed_at"
FROM "tpch"."public"."orders" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('audit')) THEN 1 ELSE 0 END) AS e1, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('contractors')) THEN 1 ELSE 0 END) AS e2, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('support')) THEN 1 ELSE 0 END) AS e3, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('analysts')) THEN 1 ELSE 0 END) AS e4, MAX(CASE WHEN (e.kind = 'purpose') AND (e.name = 'office') AND (e.value IN ('billing')) THEN 1 ELSE 0 END) AS e5, MAX(k.salt) AS salt FROM "immuta_system"."user_entitlement" AS e CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'orders') AND (m.column_name = '*')) AS k) AS p
LEFT JOIN (SELECT DISTINCT e.value AS value FROM "immuta_system"."user_entitlement" AS e WHERE (e.kind = 'attribute') AND (e.name = 'region')) AS r1 ON r1.value = s."region"
WHERE (p.known > 0) AND (CASE WHEN p.e1 = 1 THEN 1 WHEN p.e2 = 1 THEN 0 WHEN p.e3 = 1 THEN CASE WHEN r1.value IS NOT NULL THEN 1 ELSE 0 END WHEN p.e4 = 1 THEN CASE WHEN MOD(STRTOL(SUBSTRING(SHA2(p.salt || CAST(s."o_orderkey" AS VARCHAR(40)), 256), 1, 15), 16), 10000) < 2550 THEN 1 ELSE 0 END WHEN p.e5 = 1 THEN CASE WHEN p.e5 = 1 THEN 1 ELSE 0 END ELSE CASE WHEN s."placed_at" > (GETDATE() - INTERVAL '30 days') THEN 1 ELSE 0 END END = 1) AND (p.e1 = 1)
WITH NO SCHEMA BINDING;
