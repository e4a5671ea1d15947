-- `accepted_risks`: `external_schema_usage` becomes `none`.
-- `external_schemas`: `lake, old "lake"` becomes `lake`.
-- The system account makes its objects again where they are. Nothing is closed meanwhile.
-- Every view is rendered anew, each in a transaction of its own.
-- External schema `old "lake"` is dropped; its database in the catalog stays.
-- step `external schemas closed` (System, Each, tolerates Gone)
REVOKE USAGE ON SCHEMA "lake" FROM PUBLIC;
REVOKE USAGE ON SCHEMA "old ""lake""" FROM PUBLIC;
-- step `external schemas defined anew` (System, Each, tolerates Gone)
DROP SCHEMA IF EXISTS "lake" RESTRICT;
-- step `schemas`: as in setup-multi-database
-- step `tables`: as in setup-multi-database
-- step `secure views`: as in setup-multi-database
-- step `procedures`: as in setup-multi-database
-- step `grants`: as in setup-multi-database
-- step `external schemas` (System, Each, tolerates Nothing)
-- MustBeNone { refuse: "found a schema called `lake` that belongs to another account, expected none, or one that `immuta_system_account` owns" }
-- SELECT COUNT(*) FROM pg_catalog.pg_namespace AS n LEFT JOIN pg_catalog.pg_user AS u ON u.usesysid = n.nspowner WHERE (u.usename IS NULL OR u.usename <> 'immuta_system_account') AND LOWER(CAST(n.nspname AS VARCHAR(128))) IN (LOWER('lake'))
CREATE EXTERNAL SCHEMA IF NOT EXISTS "lake" FROM DATA CATALOG DATABASE 'raw' REGION 'eu-west-1' IAM_ROLE default;
-- step `former external schemas` (System, Each, tolerates Gone)
DROP SCHEMA IF EXISTS "old ""lake""" RESTRICT;
