-- data source `orders`
CREATE OR REPLACE VIEW "governed"."orders" AS
SELECT /* redoubt {"fingerprint":"da20fcd720a6ae94a5719807f517a61c","source":"orders"} */
  s."region",
  s."country",
  s."tenant",
  s."team"
FROM "tpch"."public"."orders" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS p
WHERE (p.known > 0) AND (s."region" IN (SELECT e.value AS value FROM "immuta_system"."user_entitlement" AS e WHERE (e.kind = 'attribute') AND (e.name = 'region'))) AND (CAST(s."tenant" AS VARCHAR(40)) IN (SELECT e.value AS value FROM "immuta_system"."user_entitlement" AS e WHERE (e.kind = 'attribute') AND (e.name = 'tenant'))) AND (CAST(s."country" AS VARCHAR(2)) IN (SELECT e.value AS value FROM "immuta_system"."user_entitlement" AS e WHERE (e.kind = 'attribute') AND (e.name = 'country'))) AND (s."team" IN (SELECT e.value AS value FROM "immuta_system"."user_entitlement" AS e WHERE e.kind = 'group'))
WITH NO SCHEMA BINDING;
