-- data source `types`
CREATE OR REPLACE VIEW "governed"."types" AS
SELECT /* redoubt {"fingerprint":"1eb662810eca51bfa52cf568cf19dfb6","source":"types"} */
  CAST(s."smallint" - MOD(s."smallint", 1000) AS SMALLINT) AS "smallint",
  CAST(s."integer" - MOD(s."integer", 1000) AS INTEGER) AS "integer",
  CAST(s."bigint" - MOD(s."bigint", 1000) AS BIGINT) AS "bigint",
  CAST(s."decimal" - MOD(s."decimal", 1000) AS DECIMAL(12,2)) AS "decimal",
  CAST(s."whole_decimal" - MOD(s."whole_decimal", 1000) AS DECIMAL(12,0)) AS "whole_decimal",
  CAST(s."longest_decimal" - MOD(s."longest_decimal", 1000) AS DECIMAL(38,0)) AS "longest_decimal",
  CAST(s."short_decimal" - MOD(s."short_decimal", 1000) AS DECIMAL(5,0)) AS "short_decimal",
  CAST(CASE WHEN ABS(CAST(s."real" AS DOUBLE PRECISION)) < 1000 THEN CAST(0 AS REAL) WHEN ABS(CAST(s."real" AS DOUBLE PRECISION)) < CAST('1e300' AS DOUBLE PRECISION) THEN CAST(TRUNC(CAST(s."real" AS DOUBLE PRECISION) / 1000) * 1000 AS REAL) ELSE CAST(NULL AS REAL) END AS REAL) AS "real",
  CAST(CASE WHEN ABS(CAST(s."double" AS DOUBLE PRECISION)) < 1000 THEN CAST(0 AS DOUBLE PRECISION) WHEN ABS(CAST(s."double" AS DOUBLE PRECISION)) < CAST('1e300' AS DOUBLE PRECISION) THEN CAST(TRUNC(CAST(s."double" AS DOUBLE PRECISION) / 1000) * 1000 AS DOUBLE PRECISION) ELSE CAST(NULL AS DOUBLE PRECISION) END AS DOUBLE PRECISION) AS "double",
  CAST(NULL AS BOOLEAN) AS "boolean",
  CAST(NULL AS CHAR(10)) AS "char",
  CAST(NULL AS VARCHAR(25)) AS "varchar",
  CAST(NULL AS VARCHAR(200)) AS "long_varchar",
  CAST(NULL AS DATE) AS "date",
  CAST(NULL AS TIME) AS "time",
  CAST(NULL AS TIMETZ) AS "timetz",
  CAST(NULL AS TIMESTAMP) AS "timestamp",
  CAST(NULL AS TIMESTAMPTZ) AS "timestamptz",
  CAST(NULL AS SUPER) AS "super",
  CAST(NULL AS VARBYTE(16)) AS "varbyte"
FROM "tpch"."public"."types" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS p
WHERE p.known > 0
WITH NO SCHEMA BINDING;
