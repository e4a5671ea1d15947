-- data source `orders`
CREATE OR REPLACE VIEW "governed"."orders" AS
SELECT /* redoubt {"fingerprint":"9a9462d574b2b878b60fb0b6c63c60af","source":"orders"} */
  s."o_orderkey"
FROM "tpch"."public"."orders" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(CASE WHEN (e.kind = 'user') AND (e.value IN ('ada', 'bob', 'cyd@example.com')) THEN 1 ELSE 0 END) AS e1 FROM "immuta_system"."user_entitlement" AS e CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u) AS p
WHERE (p.known > 0) AND (p.e1 = 1)
WITH NO SCHEMA BINDING;
