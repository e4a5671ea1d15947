-- data source `types`
CREATE OR REPLACE VIEW "governed"."types" AS
SELECT /* redoubt {"fingerprint":"245cfd4514f651b3502aed26083f8b33","source":"types"} */
  CAST(NULL AS SMALLINT) AS "smallint",
  CAST(NULL AS INTEGER) AS "integer",
  CAST(NULL AS BIGINT) AS "bigint",
  CAST(NULL AS DECIMAL(12,2)) AS "decimal",
  CAST(NULL AS DECIMAL(12,0)) AS "whole_decimal",
  CAST(NULL AS DECIMAL(38,0)) AS "longest_decimal",
  CAST(NULL AS DECIMAL(5,0)) AS "short_decimal",
  CAST(NULL AS REAL) AS "real",
  CAST(NULL AS DOUBLE PRECISION) AS "double",
  CAST(NULL AS BOOLEAN) AS "boolean",
  CAST(NULL AS CHAR(10)) AS "char",
  CAST(NULL AS VARCHAR(25)) AS "varchar",
  CAST(NULL AS VARCHAR(200)) AS "long_varchar",
  CAST(DATE_TRUNC('month', s."date") AS DATE) AS "date",
  CAST(NULL AS TIME) AS "time",
  CAST(NULL AS TIMETZ) AS "timetz",
  CAST(DATE_TRUNC('month', s."timestamp") AS TIMESTAMP) AS "timestamp",
  CAST(DATE_TRUNC('month', s."timestamptz") AS TIMESTAMPTZ) AS "timestamptz",
  CAST(NULL AS SUPER) AS "super",
  CAST(NULL AS VARBYTE(16)) AS "varbyte"
FROM "tpch"."public"."types" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS p
WHERE p.known > 0
WITH NO SCHEMA BINDING;
