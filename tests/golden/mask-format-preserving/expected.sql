-- data source `types`
CREATE OR REPLACE VIEW "governed"."types" AS
SELECT /* redoubt {"fingerprint":"899c3d9b6a677138091d1f462e2ddb99","source":"types"} */
  s."key",
  CAST(NULL AS SMALLINT) AS "smallint",
  CAST("immuta_functions"."mask_format_preserving_number"(CAST(s."integer" AS VARCHAR(40)), p.token, 'types', 'integer', '2147483647') AS INTEGER) AS "integer",
  CAST("immuta_functions"."mask_format_preserving_number"(CAST(s."bigint" AS VARCHAR(40)), p.token, 'types', 'bigint', '9223372036854775807') AS BIGINT) AS "bigint",
  CAST("immuta_functions"."mask_format_preserving_number"(CAST(s."decimal" AS VARCHAR(40)), p.token, 'types', 'decimal', '999999999999') AS DECIMAL(12,2)) AS "decimal",
  CAST("immuta_functions"."mask_format_preserving_number"(CAST(s."longest_decimal" AS VARCHAR(40)), p.token, 'types', 'longest_decimal', '99999999999999999999999999999999999999') AS DECIMAL(38,0)) AS "longest_decimal",
  CAST(NULL AS DECIMAL(5,0)) AS "short_decimal",
  CAST(NULL AS REAL) AS "real",
  CAST(NULL AS DOUBLE PRECISION) AS "double",
  CAST(NULL AS BOOLEAN) AS "boolean",
  CAST("immuta_functions"."mask_format_preserving"(CAST(s."char" AS VARCHAR(10)), p.token, 'types', 'char', '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz') AS CHAR(10)) AS "char",
  CAST("immuta_functions"."mask_format_preserving"(s."varchar", p.token, 'types', 'varchar', '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz') AS VARCHAR(25)) AS "varchar",
  CAST("immuta_functions"."mask_format_preserving"(s."longest_varchar", p.token, 'types', 'longest_varchar', '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz') AS VARCHAR(65535)) AS "longest_varchar",
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
