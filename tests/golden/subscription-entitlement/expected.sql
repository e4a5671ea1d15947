-- data source `orders`
CREATE OR REPLACE VIEW "governed"."orders" AS
SELECT /* redoubt {"fingerprint":"37fd623eafc2aad4d2538274512eeb1f","source":"orders"} */
  s."o_orderkey"
FROM "tpch"."public"."orders" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('finance')) THEN 1 ELSE 0 END) AS e1, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('support')) THEN 1 ELSE 0 END) AS e2, MAX(CASE WHEN (e.kind = 'attribute') AND (e.name = 'country') AND (e.value IN ('DE', 'FR')) THEN 1 ELSE 0 END) AS e3, MAX(CASE WHEN (e.kind = 'purpose') AND (e.name = 'office') AND (e.value IN ('billing')) THEN 1 ELSE 0 END) AS e4, MAX(CASE WHEN (e.kind = 'attribute') AND (e.name = 'clearance') AND (e.value IN ('high')) THEN 1 ELSE 0 END) AS e5 FROM "immuta_system"."user_entitlement" AS e CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u) AS p
WHERE (p.known > 0) AND ((p.e1 = 1) OR ((p.e2 = 1) AND (p.e3 = 1) AND ((p.e4 = 1) OR (p.e5 = 1))))
WITH NO SCHEMA BINDING;
