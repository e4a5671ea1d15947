-- data source `customer`
CREATE OR REPLACE VIEW "governed"."customer" AS
SELECT /* redoubt {"fingerprint":"fe72ea7f09b822bf81406f15d69edb93","source":"customer"} */
  CAST(STRTOL(SUBSTRING(SHA2(COALESCE(CASE WHEN p.e1 = 1 THEN p.salt1 ELSE NULL END, p.salt) || CAST(s."c_custkey" AS VARCHAR(40)), 256), 1, 15), 16) AS BIGINT) AS "c_custkey"
FROM "tpch"."public"."customer" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(CASE WHEN (e.kind = 'project') AND (e.value IN ('churn')) THEN 1 ELSE 0 END) AS e1, MAX(k.salt) AS salt, MAX(j1.salt) AS salt1 FROM "immuta_system"."user_entitlement" AS e CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'customer') AND (m.column_name = '*')) AS k CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'churn') AND (m.column_name = '@project')) AS j1) AS p
WHERE p.known > 0
WITH NO SCHEMA BINDING;

-- data source `orders`
CREATE OR REPLACE VIEW "governed"."orders" AS
SELECT /* redoubt {"fingerprint":"f638e5376235bd3d3b6cbbbad33e41c0","source":"orders"} */
  CAST(STRTOL(SUBSTRING(SHA2(COALESCE(CASE WHEN p.e1 = 1 THEN p.salt1 WHEN p.e2 = 1 THEN p.salt2 ELSE NULL END, p.salt) || CAST(s."o_custkey" AS VARCHAR(40)), 256), 1, 15), 16) AS BIGINT) AS "o_custkey"
FROM "tpch"."public"."orders" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(CASE WHEN (e.kind = 'project') AND (e.value IN ('churn')) THEN 1 ELSE 0 END) AS e1, MAX(CASE WHEN (e.kind = 'project') AND (e.value IN ('ledger')) THEN 1 ELSE 0 END) AS e2, MAX(k.salt) AS salt, MAX(j1.salt) AS salt1, MAX(j2.salt) AS salt2 FROM "immuta_system"."user_entitlement" AS e CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'orders') AND (m.column_name = '*')) AS k CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'churn') AND (m.column_name = '@project')) AS j1 CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'ledger') AND (m.column_name = '@project')) AS j2) AS p
WHERE p.known > 0
WITH NO SCHEMA BINDING;

-- data source `supplier`
CREATE OR REPLACE VIEW "governed"."supplier" AS
SELECT /* redoubt {"fingerprint":"542354d019f0014f09035f92d4d01897","source":"supplier"} */
  CAST(STRTOL(SUBSTRING(SHA2(p.salt || CAST(s."s_suppkey" AS VARCHAR(40)), 256), 1, 15), 16) AS BIGINT) AS "s_suppkey"
FROM "tpch"."public"."supplier" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(k.salt) AS salt FROM (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'supplier') AND (m.column_name = '*')) AS k) AS p
WHERE p.known > 0
WITH NO SCHEMA BINDING;
