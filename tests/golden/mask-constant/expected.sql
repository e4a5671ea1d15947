-- data source `types`
CREATE OR REPLACE VIEW "governed"."types" AS
SELECT /* redoubt {"fingerprint":"e3c9b41cd8b5089116c6cf914347e43d","source":"types"} */
  CAST('-1' AS SMALLINT) AS "smallint",
  CAST('0' AS INTEGER) AS "integer",
  CAST('9223372036854775807' AS BIGINT) AS "bigint",
  CAST('12.5' AS DECIMAL(12,2)) AS "decimal",
  CAST('-0.5' AS REAL) AS "real",
  CAST('3' AS DOUBLE PRECISION) AS "double",
  CAST('false' AS BOOLEAN) AS "boolean",
  CAST('REDACTED' AS CHAR(8)) AS "char",
  CAST('' AS VARCHAR(8)) AS "varchar",
  CAST('1970-01-01' AS DATE) AS "date",
  CAST('12:00:00' AS TIME) AS "time",
  CAST('1970-01-01 00:00:00' AS TIMESTAMP) AS "timestamp",
  CAST('1970-01-01 00:00:00' AS TIMESTAMPTZ) AS "timestamptz"
FROM "tpch"."public"."types" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS p
WHERE p.known > 0
WITH NO SCHEMA BINDING;
