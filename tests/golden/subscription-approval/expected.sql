-- data source `sales/orders`
CREATE OR REPLACE VIEW "governed"."orders" AS
SELECT /* redoubt {"fingerprint":"f69bc4fd79d00bb8eae977bdd77eda18","source":"sales\u002forders"} */
  s."o_orderkey"
FROM "tpch"."public"."orders" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(CASE WHEN (e.kind = 'approval') AND (e.value IN ('sales/orders')) THEN 1 ELSE 0 END) AS e1 FROM "immuta_system"."user_entitlement" AS e CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u) AS p
WHERE (p.known > 0) AND (p.e1 = 1)
WITH NO SCHEMA BINDING;
