-- data source `types`
CREATE OR REPLACE VIEW "governed"."types" AS
SELECT /* redoubt {"fingerprint":"397fd191187ede3d928aa7ad79957afb","source":"types"} */
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
  CAST(CASE WHEN LENGTH(s."char") > 3 THEN (LEFT(s."char", 2) || REPEAT('*', LENGTH(s."char") - 3)) || RIGHT(s."char", 1) ELSE REPEAT('*', LENGTH(s."char")) END AS CHAR(10)) AS "char",
  CAST(CASE WHEN LENGTH(s."varchar") > 3 THEN (LEFT(s."varchar", 2) || REPEAT('*', LENGTH(s."varchar") - 3)) || RIGHT(s."varchar", 1) ELSE REPEAT('*', LENGTH(s."varchar")) END AS VARCHAR(25)) AS "varchar",
  CAST(CASE WHEN LENGTH(s."long_varchar") > 3 THEN (LEFT(s."long_varchar", 2) || REPEAT('*', LENGTH(s."long_varchar") - 3)) || RIGHT(s."long_varchar", 1) ELSE REPEAT('*', LENGTH(s."long_varchar")) END AS VARCHAR(200)) AS "long_varchar",
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
