-- data source `orders`
CREATE OR REPLACE VIEW "governed"."orders" AS
SELECT /* redoubt {"fingerprint":"ddd25b9a0d5182d6ecfce82a42414c58","source":"orders"} */
  s."o_orderkey"
FROM "tpch"."public"."orders" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u
CROSS JOIN (SELECT MAX(CASE WHEN (e.kind = 'user') AND (e.value IN ('ada', 'bob', 'cyd@example.com')) THEN 1 ELSE 0 END) AS e1 FROM "immuta_system"."user_entitlement" AS e) AS p
WHERE (u.known > 0) AND (p.e1 = 1)
WITH NO SCHEMA BINDING;
