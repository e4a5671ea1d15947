-- data source `orders`
CREATE OR REPLACE VIEW "governed"."orders" AS
SELECT /* redoubt {"fingerprint":"b56cf173cb0e660eb5633335c1599ea8","source":"orders"} */
  s."o_orderkey",
  s."placed_at"
FROM "tpch"."public"."orders" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('operations')) THEN 1 ELSE 0 END) AS e1 FROM "immuta_system"."user_entitlement" AS e CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u) AS p
WHERE (p.known > 0) AND ((s."placed_at" > (GETDATE() - INTERVAL '36500 days')) AND (s."placed_at" < (GETDATE() - INTERVAL '7 days'))) AND (s."placed_at" > (GETDATE() - INTERVAL '90 days')) AND ((p.e1 = 1) OR (s."placed_at" < (GETDATE() - INTERVAL '1 days')))
WITH NO SCHEMA BINDING;

-- data source `days`
CREATE OR REPLACE VIEW "governed"."days" AS
SELECT /* redoubt {"fingerprint":"a65e60ba883c2e558d1f82ebd1c8affa","source":"days"} */
  s."day"
FROM "tpch"."public"."days" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS p
WHERE (p.known > 0) AND (s."day" > (GETDATE() - INTERVAL '90 days'))
WITH NO SCHEMA BINDING;
