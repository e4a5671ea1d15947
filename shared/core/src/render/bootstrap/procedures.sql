CREATE OR REPLACE PROCEDURE {procedures}."merge_profiles"()
AS $redoubt$
BEGIN
  DELETE FROM redoubt_stage_profile
    USING {system}."profile" AS p
    WHERE redoubt_stage_profile.userid = p.{userid} AND redoubt_stage_profile.revision <= p.{revision};
  DELETE FROM {system}."profile_entitlement"
    WHERE {userid} IN (SELECT s.userid FROM redoubt_stage_profile AS s);
  DELETE FROM {system}."profile"
    WHERE {userid} IN (SELECT s.userid FROM redoubt_stage_profile AS s);
  INSERT INTO {system}."profile_entitlement" ({userid}, kind, name, value)
    SELECT s.userid, e.kind, e.name, e.value
    FROM redoubt_stage_profile AS s
    JOIN redoubt_stage_held AS h ON h.place = s.place
    JOIN redoubt_stage_entitlement AS e ON e.entitlement = h.entitlement
    WHERE s.active;
  INSERT INTO {system}."profile" ({userid}, {revision}, active, project, updated_at)
    SELECT s.userid, s.revision, s.active, s.project, GETDATE() FROM redoubt_stage_profile AS s;
END;
$redoubt$ LANGUAGE plpgsql;;
CREATE OR REPLACE PROCEDURE {procedures}."put_policy"(
  p_policy VARCHAR(128), p_revision BIGINT, p_status VARCHAR(16), p_definition VARCHAR(65535))
AS $redoubt$
DECLARE
  v_known BIGINT;
BEGIN
  SELECT INTO v_known MAX(p.revision) FROM {system}."policy" AS p WHERE p.policy = p_policy;
  IF v_known >= p_revision THEN
    RETURN;
  END IF;
  DELETE FROM {system}."policy" WHERE policy = p_policy;
  INSERT INTO {system}."policy" (policy, revision, status, definition, updated_at)
    VALUES (p_policy, p_revision, p_status, p_definition, GETDATE());
END;
$redoubt$ LANGUAGE plpgsql;;
CREATE OR REPLACE PROCEDURE {procedures}."drop_policy"(p_policy VARCHAR(128), p_revision BIGINT)
AS $redoubt$
BEGIN
  CALL {procedures}."put_policy"(p_policy, p_revision, NULL, NULL);
END;
$redoubt$ LANGUAGE plpgsql;;
CREATE OR REPLACE PROCEDURE {procedures}."prepare_view"(p_source VARCHAR(128), p_seed VARCHAR(64))
AS $redoubt$
DECLARE
  v_count BIGINT;
BEGIN
  SELECT INTO v_count COUNT(*) FROM {system}."data_source" AS d WHERE d.source = p_source;
  IF v_count = 0 THEN
    INSERT INTO {system}."data_source" (source, revision, claim, state, updated_at)
      VALUES (p_source, 0, 0, 'pending', GETDATE());
  END IF;
  SELECT INTO v_count COUNT(*) FROM {system}."masking_key" AS m WHERE m.source = p_source AND m.column_name = '*';
  IF v_count = 0 THEN
    INSERT INTO {system}."masking_key" (source, column_name, salt, token)
      VALUES (p_source, '*',
        SHA2(p_seed || ':salt:' || CAST(RANDOM() AS VARCHAR(40)) || CAST(RANDOM() AS VARCHAR(40))
          || CAST(RANDOM() AS VARCHAR(40)) || CAST(GETDATE() AS VARCHAR(40)), 256),
        SHA2(p_seed || ':token:' || CAST(RANDOM() AS VARCHAR(40)) || CAST(RANDOM() AS VARCHAR(40))
          || CAST(RANDOM() AS VARCHAR(40)) || CAST(GETDATE() AS VARCHAR(40)), 256));
  END IF;
END;
$redoubt$ LANGUAGE plpgsql;;
CREATE OR REPLACE PROCEDURE {procedures}."prepare_project"(p_project VARCHAR(128), p_seed VARCHAR(64))
AS $redoubt$
DECLARE
  v_count BIGINT;
BEGIN
  SELECT INTO v_count COUNT(*) FROM {system}."masking_key" AS m
    WHERE m.source = p_project AND m.column_name = '@project';
  IF v_count = 0 THEN
    INSERT INTO {system}."masking_key" (source, column_name, salt)
      VALUES (p_project, '@project', SHA2(p_seed || ':salt:' || CAST(RANDOM() AS VARCHAR(40))
        || CAST(RANDOM() AS VARCHAR(40)) || CAST(RANDOM() AS VARCHAR(40)) || CAST(GETDATE() AS VARCHAR(40)), 256));
  END IF;
END;
$redoubt$ LANGUAGE plpgsql;;
CREATE OR REPLACE PROCEDURE {procedures}."begin_view"(
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
  SELECT INTO v_known MAX(d.revision) FROM {system}."data_source" AS d WHERE d.source = p_source;
  IF v_known IS NULL THEN
    RAISE EXCEPTION 'redoubt: not prepared';
  END IF;
  SELECT INTO v_claim MAX(d.claim) FROM {system}."data_source" AS d
    WHERE d.view_schema = p_schema AND d.view_name = p_view AND d.source <> p_source;
  IF v_known >= p_revision OR v_claim > p_claim THEN
    RAISE EXCEPTION 'redoubt: superseded';
  END IF;
  SELECT INTO v_schema, v_view, v_shape d.view_schema, d.view_name, d.shape FROM {system}."data_source" AS d
    WHERE d.source = p_source ORDER BY d.revision DESC LIMIT 1;
  IF v_view IS NOT NULL AND (v_view <> p_view OR v_schema <> p_schema) THEN
    SELECT INTO v_others COUNT(*) FROM {system}."data_source" AS d
      WHERE d.view_schema = v_schema AND d.view_name = v_view AND d.source <> p_source;
    IF v_others = 0 THEN
      EXECUTE 'DROP VIEW IF EXISTS ' || QUOTE_IDENT(v_schema) || '.' || QUOTE_IDENT(v_view) || ' CASCADE';
    END IF;
  END IF;
  IF v_claim IS NOT NULL OR (v_view = p_view AND v_schema = p_schema AND v_shape <> p_shape) THEN
    EXECUTE 'DROP VIEW IF EXISTS ' || QUOTE_IDENT(p_schema) || '.' || QUOTE_IDENT(p_view) || ' CASCADE';
  END IF;
END;
$redoubt$ LANGUAGE plpgsql;;
CREATE OR REPLACE PROCEDURE {procedures}."finish_view"(
  p_source VARCHAR(128), p_revision BIGINT, p_claim BIGINT, p_fingerprint VARCHAR(64), p_shape VARCHAR(64),
  p_schema VARCHAR(128), p_view VARCHAR(128))
AS $redoubt$
DECLARE
  v_known BIGINT;
  v_digest VARCHAR(32);
BEGIN
  SELECT INTO v_known MAX(d.revision) FROM {system}."data_source" AS d WHERE d.source = p_source;
  IF v_known >= p_revision THEN
    RAISE EXCEPTION 'redoubt: superseded';
  END IF;
  SELECT INTO v_digest MAX(MD5(w.definition)) FROM pg_catalog.pg_views AS w
    WHERE LOWER(CAST(w.schemaname AS VARCHAR(128))) = LOWER(p_schema)
      AND LOWER(CAST(w.viewname AS VARCHAR(128))) = LOWER(p_view);
  EXECUTE 'GRANT SELECT ON ' || QUOTE_IDENT(p_schema) || '.' || QUOTE_IDENT(p_view) || ' TO PUBLIC';
  UPDATE {system}."data_source"
    SET view_schema = NULL, view_name = NULL, state = 'withdrawn', reason = 'another data source took the name of its view'
    WHERE view_schema = p_schema AND view_name = p_view AND source <> p_source;
  DELETE FROM {system}."data_source" WHERE source = p_source;
  INSERT INTO {system}."data_source"
    (source, revision, claim, fingerprint, shape, definition_digest, view_schema, view_name, state, updated_at)
    VALUES (p_source, p_revision, p_claim, p_fingerprint, p_shape, v_digest, p_schema, p_view, 'applied', GETDATE());
END;
$redoubt$ LANGUAGE plpgsql;;
CREATE OR REPLACE PROCEDURE {procedures}."apply_view"(
  p_source VARCHAR(128), p_revision BIGINT, p_claim BIGINT, p_fingerprint VARCHAR(64), p_shape VARCHAR(64),
  p_schema VARCHAR(128), p_view VARCHAR(128), p_definition VARCHAR(65535))
AS $redoubt$
DECLARE
  v_known BIGINT;
BEGIN
  SELECT INTO v_known MAX(d.revision) FROM {system}."data_source" AS d WHERE d.source = p_source;
  IF v_known >= p_revision THEN
    RETURN;
  END IF;
  CALL {procedures}."begin_view"(p_source, p_revision, p_claim, p_shape, p_schema, p_view);
  EXECUTE p_definition;
  CALL {procedures}."finish_view"(p_source, p_revision, p_claim, p_fingerprint, p_shape, p_schema, p_view);
END;
$redoubt$ LANGUAGE plpgsql;;
CREATE OR REPLACE PROCEDURE {procedures}."drop_view"(
  p_source VARCHAR(128), p_revision BIGINT, p_state VARCHAR(16), p_reason VARCHAR(1024))
AS $redoubt$
DECLARE
  v_known BIGINT;
  v_schema VARCHAR(128);
  v_view VARCHAR(128);
  v_others BIGINT;
BEGIN
  SELECT INTO v_known MAX(d.revision) FROM {system}."data_source" AS d WHERE d.source = p_source;
  IF v_known >= p_revision THEN
    RETURN;
  END IF;
  SELECT INTO v_schema, v_view d.view_schema, d.view_name FROM {system}."data_source" AS d
    WHERE d.source = p_source ORDER BY d.revision DESC LIMIT 1;
  IF v_view IS NOT NULL THEN
    SELECT INTO v_others COUNT(*) FROM {system}."data_source" AS d
      WHERE d.view_schema = v_schema AND d.view_name = v_view AND d.source <> p_source;
    IF v_others = 0 THEN
      EXECUTE 'DROP VIEW IF EXISTS ' || QUOTE_IDENT(v_schema) || '.' || QUOTE_IDENT(v_view) || ' CASCADE';
    END IF;
  END IF;
  DELETE FROM {system}."data_source" WHERE source = p_source;
  INSERT INTO {system}."data_source" (source, revision, claim, state, reason, updated_at)
    VALUES (p_source, p_revision, 0, p_state, p_reason, GETDATE());
END;
$redoubt$ LANGUAGE plpgsql
