-- data source `types`
CREATE OR REPLACE VIEW "governed"."types" AS
SELECT /* redoubt {"fingerprint":"18e9a2cb1ba1c13f8fe3b2d1dae10cea","source":"types"} */
  CAST(NULL AS SMALLINT) AS "smallint",
  CAST(MOD(STRTOL(SUBSTRING(SHA2(p.salt || CAST(s."integer" AS VARCHAR(40)), 256), 1, 15), 16), 2147483647) AS INTEGER) AS "integer",
  CAST(STRTOL(SUBSTRING(SHA2(p.salt || CAST(s."bigint" AS VARCHAR(40)), 256), 1, 15), 16) AS BIGINT) AS "bigint",
  CAST(NULL AS DECIMAL(12,2)) AS "decimal",
  CAST(MOD(STRTOL(SUBSTRING(SHA2(p.salt || CAST(s."whole_decimal" AS VARCHAR(40)), 256), 1, 15), 16), 1000000000000) AS DECIMAL(12,0)) AS "whole_decimal",
  CAST(STRTOL(SUBSTRING(SHA2(p.salt || CAST(s."longest_decimal" AS VARCHAR(40)), 256), 1, 15), 16) AS DECIMAL(38,0)) AS "longest_decimal",
  CAST(NULL AS DECIMAL(5,0)) AS "short_decimal",
  CAST(NULL AS REAL) AS "real",
  CAST(NULL AS DOUBLE PRECISION) AS "double",
  CAST(NULL AS BOOLEAN) AS "boolean",
  CAST(SHA2(p.salt || CAST(s."char" AS VARCHAR(10)), 256) AS VARCHAR(64)) AS "char",
  CAST(SHA2(p.salt || s."varchar", 256) AS VARCHAR(64)) AS "varchar",
  CAST(SHA2(p.salt || s."long_varchar", 256) AS VARCHAR(200)) AS "long_varchar",
  CAST(NULL AS DATE) AS "date",
  CAST(NULL AS TIME) AS "time",
  CAST(NULL AS TIMETZ) AS "timetz",
  CAST(NULL AS TIMESTAMP) AS "timestamp",
  CAST(NULL AS TIMESTAMPTZ) AS "timestamptz",
  CAST(NULL AS SUPER) AS "super",
  CAST(NULL AS VARBYTE(16)) AS "varbyte"
FROM "tpch"."public"."types" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(k.salt) AS salt FROM (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'types') AND (m.column_name = '*')) AS k) AS p
WHERE p.known > 0
WITH NO SCHEMA BINDING;
