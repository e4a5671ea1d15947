-- data source `orders`
CREATE OR REPLACE VIEW "governed"."orders" AS
SELECT /* redoubt {"fingerprint":"a79b0d643200626cd67f5c24e6c9e14a","source":"orders"} */
  s."o_orderkey",
  s."o_owner",
  s."o_region",
  s."o_tenant",
  s."o_total",
  s."o_date"
FROM "tpch"."public"."orders" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(u.account) AS account, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('clerks')) THEN 1 ELSE 0 END) AS e1, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('audit')) THEN 1 ELSE 0 END) AS e2, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('sales', 'support')) THEN 1 ELSE 0 END) AS e3, MAX(CASE WHEN (e.kind = 'attribute') AND (e.name = 'clearance') AND (e.value IN ('high', 'high.top')) THEN 1 ELSE 0 END) AS e4, MAX(CASE WHEN (e.kind = 'purpose') AND (e.name = 'office') AND (e.value IN ('billing')) THEN 1 ELSE 0 END) AS e5 FROM "immuta_system"."user_entitlement" AS e CROSS JOIN (SELECT COUNT(*) AS known, MAX(f."immuta__userid") AS account FROM "immuta_system"."user_profile" AS f) AS u) AS p
LEFT JOIN (SELECT DISTINCT e.value AS value FROM "immuta_system"."user_entitlement" AS e WHERE (e.kind = 'attribute') AND (e.name = 'region')) AS r1 ON r1.value = s."o_region"
LEFT JOIN (SELECT DISTINCT e.value AS value FROM "immuta_system"."user_entitlement" AS e WHERE e.kind = 'group') AS r2 ON r2.value = CAST(s."o_tenant" AS VARCHAR(40))
LEFT JOIN (SELECT DISTINCT e.value AS value FROM "immuta_system"."user_entitlement" AS e WHERE (e.kind = 'purpose') AND (e.name IN ('office'))) AS r3 ON r3.value = s."o_region"
WHERE (p.known > 0) AND (CASE WHEN p.e1 = 1 THEN CASE WHEN (s."o_total" < 100.00) AND (s."o_date" >= CAST('2026-01-01' AS DATE)) THEN 1 ELSE 0 END ELSE CASE WHEN (CAST(s."o_date" AS TIMESTAMP) < GETDATE()) AND (r1.value IS NOT NULL) THEN 1 ELSE 0 END END = 1) AND ((p.account = s."o_owner") OR (s."o_owner" IS NULL)) AND ((p.e2 = 1) OR ((r1.value IS NOT NULL) AND ((p.e3 = 1) OR (p.e4 = 1) OR (p.e5 = 1) OR (r2.value IS NOT NULL) OR (r3.value IS NOT NULL))))
WITH NO SCHEMA BINDING;
