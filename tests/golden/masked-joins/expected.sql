-- data source `customer`
CREATE OR REPLACE VIEW "governed"."customer" AS
SELECT /* redoubt {"fingerprint":"bbe3d2d63d7c9b597c020a7367fceb91","source":"customer"} */
  CAST(STRTOL(SUBSTRING(SHA2(COALESCE(CASE WHEN p.e1 = 1 THEN j1.salt ELSE NULL END, k.salt) || CAST(s."c_custkey" AS VARCHAR(40)), 256), 1, 15), 16) AS BIGINT) AS "c_custkey"
FROM "tpch"."public"."customer" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u
CROSS JOIN (SELECT MAX(CASE WHEN (e.kind = 'project') AND (e.value IN ('churn')) THEN 1 ELSE 0 END) AS e1 FROM "immuta_system"."user_entitlement" AS e) AS p
CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'customer') AND (m.column_name = '*')) AS k
CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'churn') AND (m.column_name = '@project')) AS j1
WHERE u.known > 0
WITH NO SCHEMA BINDING;

-- data source `orders`
CREATE OR REPLACE VIEW "governed"."orders" AS
SELECT /* redoubt {"fingerprint":"afcec8fe4c317ffe4639b750587959b6","source":"orders"} */
  CAST(STRTOL(SUBSTRING(SHA2(COALESCE(CASE WHEN p.e1 = 1 THEN j1.salt WHEN p.e2 = 1 THEN j2.salt ELSE NULL END, k.salt) || CAST(s."o_custkey" AS VARCHAR(40)), 256), 1, 15), 16) AS BIGINT) AS "o_custkey"
FROM "tpch"."public"."orders" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u
CROSS JOIN (SELECT MAX(CASE WHEN (e.kind = 'project') AND (e.value IN ('churn')) THEN 1 ELSE 0 END) AS e1, MAX(CASE WHEN (e.kind = 'project') AND (e.value IN ('ledger')) THEN 1 ELSE 0 END) AS e2 FROM "immuta_system"."user_entitlement" AS e) AS p
CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'orders') AND (m.column_name = '*')) AS k
CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'churn') AND (m.column_name = '@project')) AS j1
CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'ledger') AND (m.column_name = '@project')) AS j2
WHERE u.known > 0
WITH NO SCHEMA BINDING;

-- data source `supplier`
CREATE OR REPLACE VIEW "governed"."supplier" AS
SELECT /* redoubt {"fingerprint":"73c2e991a26783281ab0e5aaaea00059","source":"supplier"} */
  CAST(STRTOL(SUBSTRING(SHA2(k.salt || CAST(s."s_suppkey" AS VARCHAR(40)), 256), 1, 15), 16) AS BIGINT) AS "s_suppkey"
FROM "tpch"."public"."supplier" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u
CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'supplier') AND (m.column_name = '*')) AS k
WHERE u.known > 0
WITH NO SCHEMA BINDING;
