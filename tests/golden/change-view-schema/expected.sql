-- `view_schema`: `governed` becomes `policies`.
-- `view_name`: `{table}` becomes `{schema}_{table}`.
-- The system account makes its objects again where they are. Nothing is closed meanwhile.
-- Every view is rendered anew, each in a transaction of its own.
-- Schema `governed` is dropped once no view is left in it.
-- step `schemas` (System, Together, tolerates Nothing)
-- MustBeNone { refuse: "found a schema called `immuta_system` or `immuta_functions` or `immuta_procedures` or `policies` that belongs to another account, expected none, or one that `immuta_system_account` owns" }
-- SELECT COUNT(*) FROM pg_catalog.pg_namespace AS n LEFT JOIN pg_catalog.pg_user AS u ON u.usesysid = n.nspowner WHERE (u.usename IS NULL OR u.usename <> 'immuta_system_account') AND LOWER(CAST(n.nspname AS VARCHAR(128))) IN (LOWER('immuta_system'), LOWER('immuta_functions'), LOWER('immuta_procedures'), LOWER('policies'))
CREATE SCHEMA IF NOT EXISTS "immuta_system";
CREATE SCHEMA IF NOT EXISTS "immuta_functions";
CREATE SCHEMA IF NOT EXISTS "immuta_procedures";
CREATE SCHEMA IF NOT EXISTS "policies";
-- step `tables`: as in setup-multi-database
-- step `secure views`: as in setup-multi-database
-- step `procedures`: as in setup-multi-database
-- step `grants` (System, Together, tolerates Nothing)
GRANT USAGE ON SCHEMA "immuta_system" TO PUBLIC;
GRANT USAGE ON SCHEMA "immuta_functions" TO PUBLIC;
GRANT USAGE ON SCHEMA "immuta_procedures" TO PUBLIC;
GRANT USAGE ON SCHEMA "policies" TO PUBLIC;
GRANT SELECT ON "immuta_system"."user_profile" TO PUBLIC;
GRANT SELECT ON "immuta_system"."user_entitlement" TO PUBLIC;
GRANT SELECT ON "immuta_system"."unmask_key" TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA "immuta_functions" GRANT EXECUTE ON FUNCTIONS TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA "immuta_procedures" GRANT EXECUTE ON PROCEDURES TO "immuta_system_account";
-- step `former view schema` (System, Each, tolerates Nothing)
DROP SCHEMA IF EXISTS "governed" RESTRICT;
