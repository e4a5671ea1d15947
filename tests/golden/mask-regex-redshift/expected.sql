-- data source `types`
CREATE OR REPLACE VIEW "governed"."types" AS
SELECT /* redoubt {"fingerprint":"0d6df636be1f8cbafc94c6ee7d8fc5d0","source":"types"} */
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
  CAST(REGEXP_REPLACE(CAST(s."char" AS VARCHAR(10)), '[0-9]{2,}', '#') AS CHAR(10)) AS "char",
  CAST(REGEXP_REPLACE(s."varchar", '[0-9]{2,}', '#') AS VARCHAR(25)) AS "varchar",
  CAST(REGEXP_REPLACE(s."longest_varchar", '[0-9]{2,}', '#') AS VARCHAR(65535)) AS "longest_varchar",
  CAST(NULL AS DATE) AS "date",
  CAST(NULL AS TIME) AS "time",
  CAST(NULL AS TIMESTAMP) AS "timestamp",
  CAST(NULL AS TIMESTAMPTZ) AS "timestamptz",
  CAST(NULL AS SUPER) AS "super",
  CAST(NULL AS VARBYTE(16)) AS "varbyte"
FROM "tpch"."public"."types" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS p
WHERE p.known > 0
WITH NO SCHEMA BINDING;
