CREATE SCHEMA IF NOT EXISTS {procedures};;
CREATE OR REPLACE PROCEDURE {procedures}."remove_views"(p_schema VARCHAR(128))
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
$redoubt$ LANGUAGE plpgsql;;
CALL {procedures}."remove_views"({views_text});;
DROP PROCEDURE {procedures}."remove_views"(VARCHAR);;
DROP SCHEMA IF EXISTS {views} RESTRICT
