-- step `procedures`: as in removal-multi-database
-- step `policy views`: as in removal-multi-database
-- step `preflight`: as in removal-multi-database
-- step `secure views`: as in removal-multi-database
-- step `masking functions`: as in removal-multi-database
-- step `tables` (System, Each, tolerates Gone)
DROP TABLE IF EXISTS "immuta_system"."data_source" RESTRICT;
DROP TABLE IF EXISTS "immuta_system"."policy" RESTRICT;
DROP TABLE IF EXISTS "immuta_system"."masking_key" RESTRICT;
DROP TABLE IF EXISTS "immuta_system"."mutex" RESTRICT;
-- step `default privileges`: as in removal-multi-database
-- step `kept profiles` (System, Each, tolerates Gone)
REVOKE USAGE ON SCHEMA "immuta_system" FROM PUBLIC;
-- step `schemas` (System, Each, tolerates Gone)
DROP SCHEMA IF EXISTS "immuta_procedures" RESTRICT;
DROP SCHEMA IF EXISTS "immuta_functions" RESTRICT;
-- step `database grants` (Setup, Each, tolerates Gone)
REVOKE CREATE ON DATABASE "immuta" FROM "immuta_system_account";
REVOKE TEMP ON DATABASE "immuta" FROM "immuta_system_account";
REVOKE USAGE ON DATABASE "immuta" FROM PUBLIC;
REVOKE TEMP ON DATABASE "immuta" FROM PUBLIC;
REVOKE USAGE ON LANGUAGE exfunc FROM "immuta_system_account";
