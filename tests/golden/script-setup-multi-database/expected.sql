-- Sets up Redoubt's integration wh.

-- Part 1 of 3: as an administrator, connected to database "dev"
-- In psql: \connect "dev"
-- :'password_digest' stands for the digest of the system account's password, sha256|digest|salt. In psql:
-- \set password_digest 'sha256|…|…'
-- In a query editor write it in its place, between single quotes.

-- Step: account
-- Leave this step out if this does not give 0:
-- SELECT COUNT(*) FROM pg_catalog.pg_user AS u WHERE u.usename = 'immuta_system_account'
CREATE USER "immuta_system_account" PASSWORD :'password_digest';

-- Step: database
-- Stop if this does not give 0: database `immuta` is there already and was not made by this integration: set `new_database` to false to use it, or name another `database`.
-- SELECT COUNT(*) FROM pg_catalog.pg_database AS d WHERE LOWER(CAST(d.datname AS VARCHAR(128))) = LOWER('immuta')
CREATE DATABASE "immuta";

-- Part 2 of 3: as an administrator, connected to database "immuta"
-- In psql: \connect "immuta"

-- Step: database grants, in one transaction
BEGIN;
GRANT CREATE ON DATABASE "immuta" TO "immuta_system_account";
GRANT TEMP ON DATABASE "immuta" TO "immuta_system_account";
GRANT USAGE ON DATABASE "immuta" TO "immuta_system_account";
GRANT USAGE ON DATABASE "immuta" TO PUBLIC;
GRANT TEMP ON DATABASE "immuta" TO PUBLIC;
COMMIT;

-- Step: mask language
GRANT USAGE ON LANGUAGE exfunc TO "immuta_system_account";

-- Part 3 of 3: as "immuta_system_account", connected to database "immuta"
-- In psql: \connect "immuta"

-- Step: schemas, in one transaction
-- Stop if this does not give 0: found a schema called `immuta_system` or `immuta_functions` or `immuta_procedures` or `governed` that belongs to another account, expected none, or one that `immuta_system_account` owns.
-- SELECT COUNT(*) FROM pg_catalog.pg_namespace AS n LEFT JOIN pg_catalog.pg_user AS u ON u.usesysid = n.nspowner WHERE (u.usename IS NULL OR u.usename <> 'immuta_system_account') AND LOWER(CAST(n.nspname AS VARCHAR(128))) IN (LOWER('immuta_system'), LOWER('immuta_functions'), LOWER('immuta_procedures'), LOWER('governed'))
BEGIN;
CREATE SCHEMA IF NOT EXISTS "immuta_system";
CREATE SCHEMA IF NOT EXISTS "immuta_functions";
CREATE SCHEMA IF NOT EXISTS "immuta_procedures";
CREATE SCHEMA IF NOT EXISTS "governed";
COMMIT;

-- Step: tables, in one transaction
BEGIN;
CREATE TABLE IF NOT EXISTS "immuta_system"."mutex" (held_by VARCHAR(128));
CREATE TABLE IF NOT EXISTS "immuta_system"."profile" (
  "immuta__userid" VARCHAR(128) NOT NULL,
  "immuta__revision" BIGINT NOT NULL,
  active BOOLEAN NOT NULL,
  project VARCHAR(128),
  updated_at TIMESTAMP NOT NULL
) SORTKEY ("immuta__userid");
CREATE TABLE IF NOT EXISTS "immuta_system"."profile_entitlement" (
  "immuta__userid" VARCHAR(128) NOT NULL,
  kind VARCHAR(16) NOT NULL,
  name VARCHAR(512),
  value VARCHAR(512) NOT NULL
) SORTKEY ("immuta__userid");
CREATE TABLE IF NOT EXISTS "immuta_system"."masking_key" (
  source VARCHAR(128) NOT NULL,
  column_name VARCHAR(128) NOT NULL,
  salt VARCHAR(64),
  token VARCHAR(64)
) SORTKEY (source);
CREATE TABLE IF NOT EXISTS "immuta_system"."policy" (
  policy VARCHAR(128) NOT NULL,
  revision BIGINT NOT NULL,
  status VARCHAR(16),
  definition VARCHAR(65535),
  updated_at TIMESTAMP NOT NULL
) SORTKEY (policy);
CREATE TABLE IF NOT EXISTS "immuta_system"."data_source" (
  source VARCHAR(128) NOT NULL,
  revision BIGINT NOT NULL,
  claim BIGINT NOT NULL,
  fingerprint VARCHAR(64),
  shape VARCHAR(64),
  definition_digest VARCHAR(32),
  view_schema VARCHAR(128),
  view_name VARCHAR(128),
  state VARCHAR(16),
  reason VARCHAR(1024),
  updated_at TIMESTAMP NOT NULL
) SORTKEY (source);
COMMIT;

-- Step: secure views, in one transaction
BEGIN;
CREATE OR REPLACE VIEW "immuta_system"."user_profile" AS
SELECT p."immuta__userid", p."immuta__revision", p.project, p.updated_at
FROM "immuta_system"."profile" AS p
WHERE p.active
  AND p."immuta__userid" = CURRENT_USER
  AND OCTET_LENGTH(p."immuta__userid") = OCTET_LENGTH(CAST(CURRENT_USER AS VARCHAR(128)));
CREATE OR REPLACE VIEW "immuta_system"."user_entitlement" AS
SELECT e."immuta__userid", e.kind, e.name, e.value
FROM "immuta_system"."profile_entitlement" AS e
WHERE e."immuta__userid" = CURRENT_USER
  AND OCTET_LENGTH(e."immuta__userid") = OCTET_LENGTH(CAST(CURRENT_USER AS VARCHAR(128)));
CREATE OR REPLACE VIEW "immuta_system"."unmask_key" AS
SELECT m.source, SHA2(m.token || ':unmask', 256) AS handle
FROM "immuta_system"."masking_key" AS m
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile") AS u
WHERE u.known > 0 AND m.column_name = '*' AND m.token IS NOT NULL;
CREATE OR REPLACE VIEW "immuta_system"."data_source_health" AS
SELECT d.source, d.state, d.reason, d.revision, d.view_schema, d.view_name, d.updated_at
FROM (
  SELECT h.source, h.state, h.reason, h.revision, h.view_schema, h.view_name, h.updated_at,
    ROW_NUMBER() OVER (PARTITION BY h.source ORDER BY h.revision DESC, h.updated_at DESC) AS place
  FROM "immuta_system"."data_source" AS h
) AS d
WHERE d.place = 1;
COMMIT;

-- Step: procedures, in one transaction
BEGIN;
CREATE OR REPLACE PROCEDURE "immuta_procedures"."merge_profiles"()
AS $redoubt$
BEGIN
  DELETE FROM redoubt_stage_profile
    USING "immuta_system"."profile" AS p
    WHERE redoubt_stage_profile.userid = p."immuta__userid" AND redoubt_stage_profile.revision <= p."immuta__revision";
  DELETE FROM "immuta_system"."profile_entitlement"
    WHERE "immuta__userid" IN (SELECT s.userid FROM redoubt_stage_profile AS s);
  DELETE FROM "immuta_system"."profile"
    WHERE "immuta__userid" IN (SELECT s.userid FROM redoubt_stage_profile AS s);
  INSERT INTO "immuta_system"."profile_entitlement" ("immuta__userid", kind, name, value)
    SELECT s.userid, e.kind, e.name, e.value
    FROM redoubt_stage_profile AS s
    JOIN redoubt_stage_held AS h ON h.place = s.place
    JOIN redoubt_stage_entitlement AS e ON e.entitlement = h.entitlement
    WHERE s.active;
  INSERT INTO "immuta_system"."profile" ("immuta__userid", "immuta__revision", active, project, updated_at)
    SELECT s.userid, s.revision, s.active, s.project, GETDATE() FROM redoubt_stage_profile AS s;
END;
$redoubt$ LANGUAGE plpgsql;
CREATE OR REPLACE PROCEDURE "immuta_procedures"."put_policy"(
  p_policy VARCHAR(128), p_revision BIGINT, p_status VARCHAR(16), p_definition VARCHAR(65535))
AS $redoubt$
DECLARE
  v_known BIGINT;
BEGIN
  SELECT INTO v_known MAX(p.revision) FROM "immuta_system"."policy" AS p WHERE p.policy = p_policy;
  IF v_known >= p_revision THEN
    RETURN;
  END IF;
  DELETE FROM "immuta_system"."policy" WHERE policy = p_policy;
  INSERT INTO "immuta_system"."policy" (policy, revision, status, definition, updated_at)
    VALUES (p_policy, p_revision, p_status, p_definition, GETDATE());
END;
$redoubt$ LANGUAGE plpgsql;
CREATE OR REPLACE PROCEDURE "immuta_procedures"."drop_policy"(p_policy VARCHAR(128), p_revision BIGINT)
AS $redoubt$
BEGIN
  CALL "immuta_procedures"."put_policy"(p_policy, p_revision, NULL, NULL);
END;
$redoubt$ LANGUAGE plpgsql;
CREATE OR REPLACE PROCEDURE "immuta_procedures"."prepare_view"(p_source VARCHAR(128), p_seed VARCHAR(64))
AS $redoubt$
DECLARE
  v_count BIGINT;
BEGIN
  SELECT INTO v_count COUNT(*) FROM "immuta_system"."data_source" AS d WHERE d.source = p_source;
  IF v_count = 0 THEN
    INSERT INTO "immuta_system"."data_source" (source, revision, claim, state, updated_at)
      VALUES (p_source, 0, 0, 'pending', GETDATE());
  END IF;
  SELECT INTO v_count COUNT(*) FROM "immuta_system"."masking_key" AS m WHERE m.source = p_source AND m.column_name = '*';
  IF v_count = 0 THEN
    INSERT INTO "immuta_system"."masking_key" (source, column_name, salt, token)
      VALUES (p_source, '*',
        SHA2(p_seed || ':salt:' || CAST(RANDOM() AS VARCHAR(40)) || CAST(RANDOM() AS VARCHAR(40))
          || CAST(RANDOM() AS VARCHAR(40)) || CAST(GETDATE() AS VARCHAR(40)), 256),
        SHA2(p_seed || ':token:' || CAST(RANDOM() AS VARCHAR(40)) || CAST(RANDOM() AS VARCHAR(40))
          || CAST(RANDOM() AS VARCHAR(40)) || CAST(GETDATE() AS VARCHAR(40)), 256));
  END IF;
END;
$redoubt$ LANGUAGE plpgsql;
CREATE OR REPLACE PROCEDURE "immuta_procedures"."prepare_project"(p_project VARCHAR(128), p_seed VARCHAR(64))
AS $redoubt$
DECLARE
  v_count BIGINT;
BEGIN
  SELECT INTO v_count COUNT(*) FROM "immuta_system"."masking_key" AS m
    WHERE m.source = p_project AND m.column_name = '@project';
  IF v_count = 0 THEN
    INSERT INTO "immuta_system"."masking_key" (source, column_name, salt)
      VALUES (p_project, '@project', SHA2(p_seed || ':salt:' || CAST(RANDOM() AS VARCHAR(40))
        || CAST(RANDOM() AS VARCHAR(40)) || CAST(RANDOM() AS VARCHAR(40)) || CAST(GETDATE() AS VARCHAR(40)), 256));
  END IF;
END;
$redoubt$ LANGUAGE plpgsql;
CREATE OR REPLACE PROCEDURE "immuta_procedures"."begin_view"(
  p_source VARCHAR(128), p_revision BIGINT, p_claim BIGINT, p_shape VARCHAR(64), p_schema VARCHAR(128), p_view VARCHAR(128))
AS $redoubt$
DECLARE
  v_known BIGINT;
  v_claim BIGINT;
  v_schema VARCHAR(128);
  v_view VARCHAR(128);
  v_shape VARCHAR(64);
  v_others BIGINT;
BEGIN
  SELECT INTO v_known MAX(d.revision) FROM "immuta_system"."data_source" AS d WHERE d.source = p_source;
  IF v_known IS NULL THEN
    RAISE EXCEPTION 'redoubt: not prepared';
  END IF;
  SELECT INTO v_claim MAX(d.claim) FROM "immuta_system"."data_source" AS d
    WHERE d.view_schema = p_schema AND d.view_name = p_view AND d.source <> p_source;
  IF v_known >= p_revision OR v_claim > p_claim THEN
    RAISE EXCEPTION 'redoubt: superseded';
  END IF;
  SELECT INTO v_schema, v_view, v_shape d.view_schema, d.view_name, d.shape FROM "immuta_system"."data_source" AS d
    WHERE d.source = p_source ORDER BY d.revision DESC LIMIT 1;
  IF v_view IS NOT NULL AND (v_view <> p_view OR v_schema <> p_schema) THEN
    SELECT INTO v_others COUNT(*) FROM "immuta_system"."data_source" AS d
      WHERE d.view_schema = v_schema AND d.view_name = v_view AND d.source <> p_source;
    IF v_others = 0 THEN
      EXECUTE 'DROP VIEW IF EXISTS ' || QUOTE_IDENT(v_schema) || '.' || QUOTE_IDENT(v_view) || ' CASCADE';
    END IF;
  END IF;
  IF v_claim IS NOT NULL OR (v_view = p_view AND v_schema = p_schema AND v_shape <> p_shape) THEN
    EXECUTE 'DROP VIEW IF EXISTS ' || QUOTE_IDENT(p_schema) || '.' || QUOTE_IDENT(p_view) || ' CASCADE';
  END IF;
END;
$redoubt$ LANGUAGE plpgsql;
CREATE OR REPLACE PROCEDURE "immuta_procedures"."finish_view"(
  p_source VARCHAR(128), p_revision BIGINT, p_claim BIGINT, p_fingerprint VARCHAR(64), p_shape VARCHAR(64),
  p_schema VARCHAR(128), p_view VARCHAR(128))
AS $redoubt$
DECLARE
  v_known BIGINT;
  v_digest VARCHAR(32);
BEGIN
  SELECT INTO v_known MAX(d.revision) FROM "immuta_system"."data_source" AS d WHERE d.source = p_source;
  IF v_known >= p_revision THEN
    RAISE EXCEPTION 'redoubt: superseded';
  END IF;
  SELECT INTO v_digest MAX(MD5(w.definition)) FROM pg_catalog.pg_views AS w
    WHERE LOWER(CAST(w.schemaname AS VARCHAR(128))) = LOWER(p_schema)
      AND LOWER(CAST(w.viewname AS VARCHAR(128))) = LOWER(p_view);
  EXECUTE 'GRANT SELECT ON ' || QUOTE_IDENT(p_schema) || '.' || QUOTE_IDENT(p_view) || ' TO PUBLIC';
  UPDATE "immuta_system"."data_source"
    SET view_schema = NULL, view_name = NULL, state = 'withdrawn', reason = 'another data source took the name of its view'
    WHERE view_schema = p_schema AND view_name = p_view AND source <> p_source;
  DELETE FROM "immuta_system"."data_source" WHERE source = p_source;
  INSERT INTO "immuta_system"."data_source"
    (source, revision, claim, fingerprint, shape, definition_digest, view_schema, view_name, state, updated_at)
    VALUES (p_source, p_revision, p_claim, p_fingerprint, p_shape, v_digest, p_schema, p_view, 'applied', GETDATE());
END;
$redoubt$ LANGUAGE plpgsql;
CREATE OR REPLACE PROCEDURE "immuta_procedures"."apply_view"(
  p_source VARCHAR(128), p_revision BIGINT, p_claim BIGINT, p_fingerprint VARCHAR(64), p_shape VARCHAR(64),
  p_schema VARCHAR(128), p_view VARCHAR(128), p_definition VARCHAR(65535))
AS $redoubt$
DECLARE
  v_known BIGINT;
BEGIN
  SELECT INTO v_known MAX(d.revision) FROM "immuta_system"."data_source" AS d WHERE d.source = p_source;
  IF v_known >= p_revision THEN
    RETURN;
  END IF;
  CALL "immuta_procedures"."begin_view"(p_source, p_revision, p_claim, p_shape, p_schema, p_view);
  EXECUTE p_definition;
  CALL "immuta_procedures"."finish_view"(p_source, p_revision, p_claim, p_fingerprint, p_shape, p_schema, p_view);
END;
$redoubt$ LANGUAGE plpgsql;
CREATE OR REPLACE PROCEDURE "immuta_procedures"."drop_view"(
  p_source VARCHAR(128), p_revision BIGINT, p_state VARCHAR(16), p_reason VARCHAR(1024))
AS $redoubt$
DECLARE
  v_known BIGINT;
  v_schema VARCHAR(128);
  v_view VARCHAR(128);
  v_others BIGINT;
BEGIN
  SELECT INTO v_known MAX(d.revision) FROM "immuta_system"."data_source" AS d WHERE d.source = p_source;
  IF v_known >= p_revision THEN
    RETURN;
  END IF;
  SELECT INTO v_schema, v_view d.view_schema, d.view_name FROM "immuta_system"."data_source" AS d
    WHERE d.source = p_source ORDER BY d.revision DESC LIMIT 1;
  IF v_view IS NOT NULL THEN
    SELECT INTO v_others COUNT(*) FROM "immuta_system"."data_source" AS d
      WHERE d.view_schema = v_schema AND d.view_name = v_view AND d.source <> p_source;
    IF v_others = 0 THEN
      EXECUTE 'DROP VIEW IF EXISTS ' || QUOTE_IDENT(v_schema) || '.' || QUOTE_IDENT(v_view) || ' CASCADE';
    END IF;
  END IF;
  DELETE FROM "immuta_system"."data_source" WHERE source = p_source;
  INSERT INTO "immuta_system"."data_source" (source, revision, claim, state, reason, updated_at)
    VALUES (p_source, p_revision, 0, p_state, p_reason, GETDATE());
END;
$redoubt$ LANGUAGE plpgsql;
COMMIT;

-- Step: grants, in one transaction
BEGIN;
GRANT USAGE ON SCHEMA "immuta_system" TO PUBLIC;
GRANT USAGE ON SCHEMA "immuta_functions" TO PUBLIC;
GRANT USAGE ON SCHEMA "immuta_procedures" TO PUBLIC;
GRANT USAGE ON SCHEMA "governed" TO PUBLIC;
GRANT SELECT ON "immuta_system"."user_profile" TO PUBLIC;
GRANT SELECT ON "immuta_system"."user_entitlement" TO PUBLIC;
GRANT SELECT ON "immuta_system"."unmask_key" TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA "immuta_functions" GRANT EXECUTE ON FUNCTIONS TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA "immuta_procedures" GRANT EXECUTE ON PROCEDURES TO "immuta_system_account";
COMMIT;

-- Step: masking functions, in one transaction
BEGIN;
CREATE OR REPLACE EXTERNAL FUNCTION "immuta_functions"."mask_regex"(VARCHAR(65535), VARCHAR(512), VARCHAR(512), VARCHAR(8))
RETURNS VARCHAR(65535) STABLE LAMBDA 'redoubt-mask' IAM_ROLE default MAX_BATCH_SIZE 2 MB;
CREATE OR REPLACE EXTERNAL FUNCTION "immuta_functions"."mask_reversible"(
  VARCHAR(65535), VARCHAR(64), VARCHAR(128), VARCHAR(128))
RETURNS VARCHAR(65535) STABLE LAMBDA 'redoubt-mask' IAM_ROLE default MAX_BATCH_SIZE 4 MB;
CREATE OR REPLACE EXTERNAL FUNCTION "immuta_functions"."unmask"(
  VARCHAR(65535), VARCHAR(64), VARCHAR(128), VARCHAR(128))
RETURNS VARCHAR(65535) STABLE LAMBDA 'redoubt-mask' IAM_ROLE default MAX_BATCH_SIZE 4 MB;
CREATE OR REPLACE EXTERNAL FUNCTION "immuta_functions"."mask_format_preserving"(
  VARCHAR(65535), VARCHAR(64), VARCHAR(128), VARCHAR(128), VARCHAR(4096))
RETURNS VARCHAR(65535) STABLE LAMBDA 'redoubt-mask' IAM_ROLE default MAX_BATCH_SIZE 4 MB;
CREATE OR REPLACE EXTERNAL FUNCTION "immuta_functions"."mask_format_preserving_number"(
  VARCHAR(64), VARCHAR(64), VARCHAR(128), VARCHAR(128), VARCHAR(64))
RETURNS VARCHAR(64) STABLE LAMBDA 'redoubt-mask' IAM_ROLE default MAX_BATCH_SIZE 5 MB;
CREATE OR REPLACE EXTERNAL FUNCTION "immuta_functions"."caller"(VARCHAR(1))
RETURNS VARCHAR(128) STABLE LAMBDA 'redoubt-mask' IAM_ROLE default MAX_BATCH_SIZE 1 MB;
COMMIT;

-- Then let the system account read the raw tables, store its password in the secret, and send the integration without `setup`.
