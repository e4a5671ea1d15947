-- step `procedures` (System, Each, tolerates Gone)
DROP PROCEDURE "immuta_procedures"."drop_view"(VARCHAR, BIGINT, VARCHAR, VARCHAR);
DROP PROCEDURE "immuta_procedures"."apply_view"(VARCHAR, BIGINT, BIGINT, VARCHAR, VARCHAR, VARCHAR, VARCHAR, VARCHAR);
DROP PROCEDURE "immuta_procedures"."finish_view"(VARCHAR, BIGINT, BIGINT, VARCHAR, VARCHAR, VARCHAR, VARCHAR);
DROP PROCEDURE "immuta_procedures"."begin_view"(VARCHAR, BIGINT, BIGINT, VARCHAR, VARCHAR, VARCHAR);
DROP PROCEDURE "immuta_procedures"."prepare_project"(VARCHAR, VARCHAR);
DROP PROCEDURE "immuta_procedures"."prepare_view"(VARCHAR, VARCHAR);
DROP PROCEDURE "immuta_procedures"."drop_policy"(VARCHAR, BIGINT);
DROP PROCEDURE "immuta_procedures"."put_policy"(VARCHAR, BIGINT, VARCHAR, VARCHAR);
DROP PROCEDURE "immuta_procedures"."merge_profiles"();
DROP PROCEDURE "immuta_procedures"."revoke_impersonation"(VARCHAR);
DROP PROCEDURE "immuta_procedures"."grant_impersonation"(VARCHAR);
DROP PROCEDURE "immuta_procedures"."impersonate_user"(VARCHAR);
-- step `policy views`: as in removal-multi-database
-- step `preflight`: as in removal-multi-database
-- step `secure views` (System, Each, tolerates Gone)
DROP VIEW IF EXISTS "immuta_system"."data_source_health" RESTRICT;
DROP VIEW IF EXISTS "immuta_system"."unmask_key" RESTRICT;
DROP VIEW IF EXISTS "immuta_system"."user_entitlement" RESTRICT;
DROP VIEW IF EXISTS "immuta_system"."user_profile" RESTRICT;
DROP VIEW IF EXISTS "immuta_system"."reader" RESTRICT;
-- step `tables` (System, Each, tolerates Gone)
DROP TABLE IF EXISTS "immuta_system"."data_source" RESTRICT;
DROP TABLE IF EXISTS "immuta_system"."policy" RESTRICT;
DROP TABLE IF EXISTS "immuta_system"."masking_key" RESTRICT;
DROP TABLE IF EXISTS "immuta_system"."profile_entitlement" RESTRICT;
DROP TABLE IF EXISTS "immuta_system"."profile" RESTRICT;
DROP TABLE IF EXISTS "immuta_system"."mutex" RESTRICT;
DROP TABLE IF EXISTS "immuta_system"."impersonation_log" RESTRICT;
DROP TABLE IF EXISTS "immuta_system"."impersonation" RESTRICT;
DROP TABLE IF EXISTS "immuta_system"."impersonator" RESTRICT;
-- step `default privileges`: as in removal-multi-database
-- step `schemas`: as in removal-multi-database
-- step `database grants`: as in removal-multi-database-existing
-- step `account`: as in removal-single-database
