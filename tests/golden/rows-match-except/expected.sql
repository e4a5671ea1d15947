-- data source `orders`
CREATE OR REPLACE VIEW "governed"."orders" AS
SELECT /* redoubt {"fingerprint":"dec66170862dddd8f8b1db3380ebd94c","source":"orders"} */
  s."region",
  s."tenant"
FROM "tpch"."public"."orders" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('audit')) THEN 1 ELSE 0 END) AS e1, MAX(CASE WHEN (e.kind = 'purpose') AND (e.name = 'office') AND (e.value IN ('billing')) THEN 1 ELSE 0 END) AS e2 FROM "immuta_system"."user_entitlement" AS e CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u) AS p
LEFT JOIN (SELECT DISTINCT e.value AS value FROM "immuta_system"."user_entitlement" AS e WHERE (e.kind = 'attribute') AND (e.name = 'region')) AS r1 ON r1.value = s."region"
LEFT JOIN (SELECT DISTINCT e.value AS value FROM "immuta_system"."user_entitlement" AS e WHERE e.kind = 'group') AS r2 ON r2.value = CAST(s."tenant" AS VARCHAR(40))
WHERE (p.known > 0) AND (((p.e1 = 1) OR (p.e2 = 1)) OR (r1.value IS NOT NULL)) AND ((p.e1 = 1) OR (r2.value IS NOT NULL))
WITH NO SCHEMA BINDING;
