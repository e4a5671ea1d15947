-- data source `sales/orders`
CREATE OR REPLACE VIEW "governed"."orders" AS
SELECT /* redoubt {"fingerprint":"1002004afd4e48f1b69ee6aa3239b484","source":"sales\u002forders"} */
  s."o_orderkey"
FROM "tpch"."public"."orders" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u
CROSS JOIN (SELECT MAX(CASE WHEN (e.kind = 'approval') AND (e.value IN ('sales/orders')) THEN 1 ELSE 0 END) AS e1 FROM "immuta_system"."user_entitlement" AS e) AS p
WHERE (u.known > 0) AND (p.e1 = 1)
WITH NO SCHEMA BINDING;
