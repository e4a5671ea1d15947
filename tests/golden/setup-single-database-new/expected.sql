-- step `account`: as in setup-multi-database
-- step `database`: as in setup-multi-database
-- step `database grants`: as in setup-multi-database
-- step `schemas`: as in setup-multi-database
-- step `tables`: as in setup-multi-database
-- step `secure views`: as in setup-multi-database
-- step `procedures`: as in setup-multi-database
-- step `grants`: as in setup-multi-database
-- step `external schemas` (System, Each, tolerates Nothing)
-- MustBeNone { refuse: "found a schema called `lake` or `old \"lake\"` that belongs to another account, expected none, or one that `immuta_system_account` owns" }
-- SELECT COUNT(*) FROM pg_catalog.pg_namespace AS n LEFT JOIN pg_catalog.pg_user AS u ON u.usesysid = n.nspowner WHERE (u.usename IS NULL OR u.usename <> 'immuta_system_account') AND LOWER(CAST(n.nspname AS VARCHAR(128))) IN (LOWER('lake'), LOWER('old "lake"'))
CREATE EXTERNAL SCHEMA IF NOT EXISTS "lake" FROM DATA CATALOG DATABASE 'raw' IAM_ROLE default;
CREATE EXTERNAL SCHEMA IF NOT EXISTS "old ""lake""" FROM DATA CATALOG DATABASE 'raw-2019' REGION 'eu-west-1' IAM_ROLE 'arn:aws:iam::123456789012:role/lake';
-- step `external schema usage` (System, Each, tolerates Nothing)
GRANT USAGE ON SCHEMA "lake" TO PUBLIC;
GRANT USAGE ON SCHEMA "old ""lake""" TO PUBLIC;
