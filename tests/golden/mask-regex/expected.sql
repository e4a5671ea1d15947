-- data source `types`
CREATE OR REPLACE VIEW "governed"."types" AS
SELECT /* redoubt {"fingerprint":"20c796a6c792556308cd566d99886643","source":"types"} */
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
  CAST("immuta_functions"."mask_regex"(CAST(s."char" AS VARCHAR(10)), '([0-9]+)-([0-9]+)', '\\2-\\1', 'gi') AS CHAR(10)) AS "char",
  CAST("immuta_functions"."mask_regex"(s."varchar", '([0-9]+)-([0-9]+)', '\\2-\\1', 'gi') AS VARCHAR(25)) AS "varchar",
  CAST("immuta_functions"."mask_regex"(s."longest_varchar", '([0-9]+)-([0-9]+)', '\\2-\\1', 'gi') AS VARCHAR(65535)) AS "longest_varchar",
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
