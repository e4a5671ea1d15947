-- data source `orders`
CREATE OR REPLACE VIEW "governed"."orders" AS
SELECT /* redoubt {"fingerprint":"bf088187a7cdcb1f0e4d993e11aa18d2","source":"orders"} */
  s."o_orderkey"
FROM "tpch"."public"."orders" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u
CROSS JOIN (SELECT MAX(CASE WHEN (e.kind = 'purpose') AND (e.value IN ('billing', 'fraud')) THEN 1 ELSE 0 END) AS e1, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('audit')) THEN 1 ELSE 0 END) AS e2, MAX(CASE WHEN (e.kind = 'purpose') AND (e.value IN ('research')) THEN 1 ELSE 0 END) AS e3 FROM "immuta_system"."user_entitlement" AS e) AS p
WHERE (u.known > 0) AND (p.e1 = 1) AND ((p.e2 = 1) OR (p.e3 = 1))
WITH NO SCHEMA BINDING;
