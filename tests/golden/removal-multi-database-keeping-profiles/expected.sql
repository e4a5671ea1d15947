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
-- step `policy views` (System, Together, tolerates Nothing)
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
-- step `secure views` (System, Each, tolerates Gone)
DROP VIEW IF EXISTS "immuta_system"."data_source_health" RESTRICT;
DROP VIEW IF EXISTS "immuta_system"."unmask_key" RESTRICT;
DROP VIEW IF EXISTS "immuta_system"."user_entitlement" RESTRICT;
DROP VIEW IF EXISTS "immuta_system"."user_profile" RESTRICT;
-- step `masking functions` (System, Each, tolerates Gone)
DROP FUNCTION "immuta_functions"."caller"(VARCHAR) RESTRICT;
DROP FUNCTION "immuta_functions"."mask_format_preserving_number"(VARCHAR, VARCHAR, VARCHAR, VARCHAR, VARCHAR) RESTRICT;
DROP FUNCTION "immuta_functions"."mask_format_preserving"(VARCHAR, VARCHAR, VARCHAR, VARCHAR, VARCHAR) RESTRICT;
DROP FUNCTION "immuta_functions"."unmask"(VARCHAR, VARCHAR, VARCHAR, VARCHAR) RESTRICT;
DROP FUNCTION "immuta_functions"."mask_reversible"(VARCHAR, VARCHAR, VARCHAR, VARCHAR) RESTRICT;
DROP FUNCTION "immuta_functions"."mask_regex"(VARCHAR, VARCHAR, VARCHAR, VARCHAR) RESTRICT;
-- step `tables` (System, Each, tolerates Gone)
DROP TABLE IF EXISTS "immuta_system"."data_source" RESTRICT;
DROP TABLE IF EXISTS "immuta_system"."policy" RESTRICT;
DROP TABLE IF EXISTS "immuta_system"."masking_key" RESTRICT;
DROP TABLE IF EXISTS "immuta_system"."mutex" RESTRICT;
-- step `default privileges` (System, Each, tolerates Gone)
ALTER DEFAULT PRIVILEGES IN SCHEMA "immuta_functions" REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA "immuta_procedures" REVOKE EXECUTE ON PROCEDURES FROM "immuta_system_account";
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
