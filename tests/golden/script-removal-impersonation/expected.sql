-- Removes Redoubt's integration wh.

-- First send `integration.deleted`, or switch the functions off. Revoke what you let the system account read.

-- Part 1 of 2: as "immuta_system_account", connected to database "immuta"
-- In psql: \connect "immuta"

-- Step: procedures
-- «does not exist» is no failure here.
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

-- Step: policy views, in one transaction
BEGIN;
CREATE SCHEMA IF NOT EXISTS "immuta_procedures";
CREATE OR REPLACE PROCEDURE "immuta_procedures"."remove_views"(p_schema VARCHAR(128))
AS $redoubt$
DECLARE
  v_view RECORD;
BEGIN
  FOR v_view IN
    SELECT CAST(v.schemaname AS VARCHAR(128)) AS schemaname, CAST(v.viewname AS VARCHAR(128)) AS viewname
    FROM pg_catalog.pg_views AS v
    WHERE LOWER(CAST(v.schemaname AS VARCHAR(128))) = LOWER(p_schema) AND v.viewowner = CURRENT_USER
  LOOP
    EXECUTE 'DROP VIEW ' || QUOTE_IDENT(v_view.schemaname) || '.' || QUOTE_IDENT(v_view.viewname) || ' RESTRICT';
  END LOOP;
END;
$redoubt$ LANGUAGE plpgsql;
CALL "immuta_procedures"."remove_views"('governed');
DROP PROCEDURE "immuta_procedures"."remove_views"(VARCHAR);
DROP SCHEMA IF EXISTS "governed" RESTRICT;
COMMIT;

-- Step: secure views
-- «does not exist» is no failure here.
DROP VIEW IF EXISTS "immuta_system"."data_source_health" RESTRICT;
DROP VIEW IF EXISTS "immuta_system"."unmask_key" RESTRICT;
DROP VIEW IF EXISTS "immuta_system"."user_entitlement" RESTRICT;
DROP VIEW IF EXISTS "immuta_system"."user_profile" RESTRICT;
DROP VIEW IF EXISTS "immuta_system"."reader" RESTRICT;

-- Step: tables
-- «does not exist» is no failure here.
DROP TABLE IF EXISTS "immuta_system"."data_source" RESTRICT;
DROP TABLE IF EXISTS "immuta_system"."policy" RESTRICT;
DROP TABLE IF EXISTS "immuta_system"."masking_key" RESTRICT;
DROP TABLE IF EXISTS "immuta_system"."profile_entitlement" RESTRICT;
DROP TABLE IF EXISTS "immuta_system"."profile" RESTRICT;
DROP TABLE IF EXISTS "immuta_system"."mutex" RESTRICT;
DROP TABLE IF EXISTS "immuta_system"."impersonation_log" RESTRICT;
DROP TABLE IF EXISTS "immuta_system"."impersonation" RESTRICT;
DROP TABLE IF EXISTS "immuta_system"."impersonator" RESTRICT;

-- Step: default privileges
-- «does not exist» is no failure here.
ALTER DEFAULT PRIVILEGES IN SCHEMA "immuta_functions" REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA "immuta_procedures" REVOKE EXECUTE ON PROCEDURES FROM "immuta_system_account";

-- Step: schemas
-- «does not exist» is no failure here.
DROP SCHEMA IF EXISTS "immuta_procedures" RESTRICT;
DROP SCHEMA IF EXISTS "immuta_functions" RESTRICT;
DROP SCHEMA IF EXISTS "immuta_system" RESTRICT;

-- Part 2 of 2: as an administrator, connected to database "immuta"
-- In psql: \connect "immuta"

-- Step: database grants
-- «does not exist» is no failure here.
REVOKE CREATE ON DATABASE "immuta" FROM "immuta_system_account";
REVOKE TEMP ON DATABASE "immuta" FROM "immuta_system_account";
REVOKE USAGE ON DATABASE "immuta" FROM "immuta_system_account";

-- Step: account
-- «does not exist» is no failure here.
DROP USER IF EXISTS "immuta_system_account";
