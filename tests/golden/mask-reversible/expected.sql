-- data source `types`
CREATE OR REPLACE VIEW "governed"."types" AS
SELECT /* redoubt {"fingerprint":"7cd32b0755efd56b8510eda0d672e096","source":"types"} */
  s."key",
  CAST(NULL AS SMALLINT) AS "smallint",
  CAST(NULL AS INTEGER) AS "integer",
  CAST(NULL AS BIGINT) AS "bigint",
  CAST(NULL AS DECIMAL(12,2)) AS "decimal",
  CAST(NULL AS DECIMAL(38,0)) AS "longest_decimal",
  CAST(NULL AS DECIMAL(5,0)) AS "short_decimal",
  CAST(NULL AS REAL) AS "real",
  CAST(NULL AS DOUBLE PRECISION) AS "double",
  CAST(NULL AS BOOLEAN) AS "boolean",
  CAST("immuta_functions"."mask_reversible"(CAST(s."char" AS VARCHAR(10)), p.token, 'types', 'char') AS VARCHAR(36)) AS "char",
  CAST("immuta_functions"."mask_reversible"(s."varchar", p.token, 'types', 'varchar') AS VARCHAR(56)) AS "varchar",
  CAST(NULL AS VARCHAR(65535)) AS "longest_varchar",
  CAST(NULL AS DATE) AS "date",
  CAST(NULL AS TIME) AS "time",
  CAST(NULL AS TIMESTAMP) AS "timestamp",
  CAST(NULL AS TIMESTAMPTZ) AS "timestamptz",
  CAST(NULL AS SUPER) AS "super",
  CAST(NULL AS VARBYTE(16)) AS "varbyte"
FROM "tpch"."public"."types" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(k.token) AS token FROM (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u CROSS JOIN (SELECT MAX(m.token) AS token FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'types') AND (m.column_name = '*')) AS k) AS p
WHERE p.known > 0
WITH NO SCHEMA BINDING;
