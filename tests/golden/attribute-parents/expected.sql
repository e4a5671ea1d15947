-- data source `orders`
CREATE OR REPLACE VIEW "governed"."orders" AS
SELECT /* redoubt {"fingerprint":"04da260200673f7280a5caca6212c39e","source":"orders"} */
  s."o_orderkey"
FROM "tpch"."public"."orders" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(CASE WHEN (e.kind = 'attribute') AND (e.name = 'department') AND (e.value IN ('Engineering', 'Engineering.Backend', 'Engineering.Backend.Search', 'Sales')) THEN 1 ELSE 0 END) AS e1 FROM "immuta_system"."user_entitlement" AS e CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u) AS p
WHERE (p.known > 0) AND (p.e1 = 1)
WITH NO SCHEMA BINDING;
