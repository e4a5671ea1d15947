-- data source `shipments`
CREATE OR REPLACE VIEW "governed"."shipments" AS
SELECT /* redoubt {"fingerprint":"5c6fab79780ebe02bfb818719314a612","source":"shipments"} */
  s."from_country",
  s."to_country",
  s."city"
FROM "tpch"."public"."shipments" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('audit')) THEN 1 ELSE 0 END) AS e1 FROM "immuta_system"."user_entitlement" AS e CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u) AS p
LEFT JOIN (SELECT DISTINCT e.value AS value FROM "immuta_system"."user_entitlement" AS e WHERE (e.kind = 'attribute') AND (e.name = 'country')) AS r1 ON r1.value = s."from_country"
LEFT JOIN (SELECT DISTINCT e.value AS value FROM "immuta_system"."user_entitlement" AS e WHERE (e.kind = 'attribute') AND (e.name = 'country')) AS r2 ON r2.value = s."to_country"
WHERE (p.known > 0) AND ((s."from_country" IN (SELECT e.value AS value FROM "immuta_system"."user_entitlement" AS e WHERE (e.kind = 'attribute') AND (e.name = 'country'))) AND (s."to_country" IN (SELECT e.value AS value FROM "immuta_system"."user_entitlement" AS e WHERE (e.kind = 'attribute') AND (e.name = 'country')))) AND ((p.e1 = 1) OR ((r1.value IS NOT NULL) AND (r2.value IS NOT NULL)))
WITH NO SCHEMA BINDING;
