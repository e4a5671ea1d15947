-- data source `orders`
CREATE OR REPLACE VIEW "governed"."orders" AS
SELECT /* redoubt {"fingerprint":"87d152078acdfe73bee33d58bd3ff5e2","source":"orders"} */
  s."region",
  s."country",
  s."team"
FROM "tpch"."public"."orders" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS p
LEFT JOIN (SELECT DISTINCT e.value AS value FROM "immuta_system"."user_entitlement" AS e WHERE (e.kind = 'attribute') AND (e.name = 'region')) AS r1 ON r1.value = s."region"
LEFT JOIN (SELECT DISTINCT e.value AS value FROM "immuta_system"."user_entitlement" AS e WHERE e.kind = 'group') AS r2 ON r2.value = s."team"
LEFT JOIN (SELECT DISTINCT e.value AS value FROM "immuta_system"."user_entitlement" AS e WHERE (e.kind = 'attribute') AND (e.name = 'country')) AS r3 ON r3.value = s."country"
LEFT JOIN (SELECT DISTINCT e.value AS value FROM "immuta_system"."user_entitlement" AS e WHERE e.kind = 'group') AS r4 ON r4.value = s."country"
WHERE (p.known > 0) AND ((s."region" IN (SELECT e.value AS value FROM "immuta_system"."user_entitlement" AS e WHERE (e.kind = 'attribute') AND (e.name = 'region'))) AND (s."team" IN (SELECT e.value AS value FROM "immuta_system"."user_entitlement" AS e WHERE e.kind = 'group'))) AND ((r1.value IS NOT NULL) OR (r2.value IS NOT NULL)) AND ((s."region" IN (SELECT e.value AS value FROM "immuta_system"."user_entitlement" AS e WHERE (e.kind = 'attribute') AND (e.name = 'region'))) AND ((r3.value IS NOT NULL) OR (r4.value IS NOT NULL)))
WITH NO SCHEMA BINDING;
