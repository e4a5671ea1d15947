-- begin (System, Own, Transaction)
DROP SCHEMA IF EXISTS "immuta_doctor" CASCADE;
DROP SCHEMA IF EXISTS "immuta_doctor_below" CASCADE;
-- begin (System, Own, Transaction)
CREATE SCHEMA "immuta_doctor";
CREATE SCHEMA "immuta_doctor_below";
CREATE TABLE "immuta_doctor_below"."sample" (value VARCHAR(16));
INSERT INTO "immuta_doctor_below"."sample" (value) VALUES ('a1');
CREATE TABLE "immuta_doctor"."sample" (value VARCHAR(16), one VARCHAR(1));
INSERT INTO "immuta_doctor"."sample" (value, one) VALUES ('a1', 'x');
CREATE TABLE "immuta_doctor"."kept" (mark VARCHAR(16));
CREATE VIEW "immuta_doctor"."below" AS SELECT s.value FROM "immuta_doctor_below"."sample" AS s WITH NO SCHEMA BINDING;
CREATE VIEW "immuta_doctor"."reader" AS SELECT CAST(CURRENT_USER AS VARCHAR(128)) AS reader FROM "immuta_doctor"."sample" AS s
WITH NO SCHEMA BINDING;
CREATE VIEW "immuta_doctor"."cached" AS SELECT CAST(CURRENT_USER AS VARCHAR(128)) AS reader FROM "immuta_doctor"."sample" AS s
WITH NO SCHEMA BINDING;
CREATE VIEW "immuta_doctor"."uncached" AS SELECT CAST(CURRENT_USER AS VARCHAR(128)) AS reader FROM "immuta_doctor"."sample" AS s
WITH NO SCHEMA BINDING;
GRANT USAGE ON SCHEMA "immuta_doctor" TO PUBLIC;
GRANT SELECT ON "immuta_doctor"."below" TO PUBLIC;
GRANT SELECT ON "immuta_doctor"."reader" TO PUBLIC;
GRANT SELECT ON "immuta_doctor"."cached" TO PUBLIC;
GRANT SELECT ON "immuta_doctor"."uncached" TO PUBLIC;
-- people (System, Own, Query)
SELECT CAST(CURRENT_USER AS VARCHAR(128)) AS system_account;
-- people (Reader, Own, Query)
SELECT CAST(CURRENT_USER AS VARCHAR(128)) AS reader;
-- people (Reader, Own, Query)
SELECT u.usesuper FROM pg_catalog.pg_user AS u WHERE u.usename = CURRENT_USER;
-- isolation (System, Own, Query)
SELECT d.database_name, d.database_isolation_level FROM pg_catalog.svv_redshift_databases AS d;
-- isolation (System, Own, Query)
SELECT d.db_name, d.isolation_level FROM pg_catalog.stv_db_isolation_level AS d;
-- isolation (Reader, Own, Query)
SELECT r.db_name, r.isolation_level FROM pg_catalog.stv_db_isolation_level AS r;
-- case_sensitive_identifiers (System, Own, Query)
SHOW enable_case_sensitive_identifier;
-- case_sensitive_identifiers (Reader, Own, Query)
SHOW enable_case_sensitive_identifier;
-- cross_database (System, Elsewhere, Query)
SELECT CAST(CURRENT_USER AS VARCHAR(128)) AS account_elsewhere;
-- cross_database (System, Elsewhere, Query)
SELECT s.value FROM "immuta"."immuta_doctor"."sample" AS s;
-- large_strings (System, Own, Query)
SELECT is_large_string_enabled() AS enabled;
-- metadata_security (System, Own, Query)
SHOW metadata_security;
-- metadata_security (Reader, Own, Query)
SELECT COUNT(*) AS shown FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'immuta_doctor_below' AND c.relname = 'sample';
-- usage_below_views (Reader, Own, Query)
SELECT HAS_SCHEMA_PRIVILEGE('immuta_doctor_below', 'usage') AS may;
-- usage_below_views (Reader, Own, Query)
SELECT b.value FROM "immuta_doctor"."below" AS b;
-- view_reader (Reader, Own, Query)
SELECT r.reader FROM "immuta_doctor"."reader" AS r;
-- result_cache (System, Own, Query)
SELECT c.reader FROM "immuta_doctor"."cached" AS c;
-- result_cache (Reader, Own, Query)
SELECT c.reader FROM "immuta_doctor"."cached" AS c;
-- result_cache (System, Own, Query)
SELECT c.reader FROM "immuta_doctor"."cached" AS c;
-- result_cache (Reader, Own, Query)
SELECT o.reader FROM "immuta_doctor"."uncached" AS o;
-- backslash (System, Own, Query)
SELECT 'a\\b''''c\\' AS value;
-- lambda_reply (System, Own, Query)
SELECT "immuta_functions"."mask_regex"(s.value, '[0-9]', 'x', '') AS masked FROM "immuta_doctor"."sample" AS s;
-- lambda_user (System, Own, Transaction)
CREATE VIEW "immuta_doctor"."told" AS SELECT "immuta_functions"."caller"(s.one) AS told FROM "immuta_doctor"."sample" AS s WITH NO SCHEMA BINDING;
GRANT SELECT ON "immuta_doctor"."told" TO PUBLIC;
-- lambda_user (Reader, Own, Query)
SELECT t.told FROM "immuta_doctor"."told" AS t;
-- auto_commit (System, Own, AutoCommit)
INSERT INTO "immuta_doctor"."kept" (mark) VALUES ('before');
SELECT n.mark FROM "immuta_doctor"."nothing" AS n;
INSERT INTO "immuta_doctor"."kept" (mark) VALUES ('after');
-- auto_commit (System, Own, Query)
SELECT k.mark FROM "immuta_doctor"."kept" AS k;
-- statement_size (System, Own, Query)
-- 100000 bytes: SELECT /* xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx …;
-- end (System, Own, Transaction)
DROP SCHEMA IF EXISTS "immuta_doctor" CASCADE;
DROP SCHEMA IF EXISTS "immuta_doctor_below" CASCADE;
