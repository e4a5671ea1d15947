-- data source `customer`
CREATE OR REPLACE VIEW "governed"."customer" AS
SELECT /* redoubt {"fingerprint":"fb33fd5b528e48c93557921918983cc2","source":"customer"} */
  CAST('nobody' AS VARCHAR(25)) AS "c_name",
  CAST(CASE WHEN LENGTH(s."c_phone") > 2 THEN REPEAT('*', LENGTH(s."c_phone") - 2) || RIGHT(s."c_phone", 2) ELSE REPEAT('*', LENGTH(s."c_phone")) END AS VARCHAR(15)) AS "c_phone",
  CAST(CASE WHEN LENGTH(s."C_Address") > 1 THEN LEFT(s."C_Address", 1) || REPEAT('*', LENGTH(s."C_Address") - 1) ELSE REPEAT('*', LENGTH(s."C_Address")) END AS VARCHAR(40)) AS "C_Address",
  CAST(SHA2(p.salt || s."c_comment", 256) AS VARCHAR(117)) AS "c_comment",
  CAST(NULL AS INTEGER) AS "n_regionkey"
FROM "tpch"."public"."customer" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(k.salt) AS salt FROM (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'customer') AND (m.column_name = '*')) AS k) AS p
WHERE p.known > 0
WITH NO SCHEMA BINDING;
-- column `c_name`: `by-tag` by tag `pii` lost to `by-name` by name `c_name`
-- column `c_name`: `everything` by no condition lost to `by-name` by name `c_name`
-- column `c_phone`: `by-pattern` by a name like `C_(addr.*|phone)` lost to `by-tag` by tag `pii`
-- column `c_phone`: `everything` by no condition lost to `by-tag` by tag `pii`
-- column `C_Address`: `untagged` by no tag lost to `by-pattern` by a name like `C_(addr.*|phone)`
-- column `C_Address`: `everything` by no condition lost to `by-pattern` by a name like `C_(addr.*|phone)`
-- column `c_comment`: `everything` by no condition lost to `untagged` by no tag
-- policy `nothing`: no column has a name like `x.*`
