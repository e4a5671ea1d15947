-- step `schemas`: as in setup-multi-database
-- step `tables`: as in setup-multi-database
-- step `secure views`: as in setup-multi-database
-- step `procedures`: as in setup-multi-database
-- step `grants`: as in setup-multi-database
-- step `impersonation` (System, Together, tolerates Nothing)
CREATE TABLE IF NOT EXISTS "immuta_system"."impersonator" (
  account VARCHAR(128) NOT NULL,
  granted_by VARCHAR(128) NOT NULL,
  granted_at TIMESTAMP NOT NULL
) SORTKEY (account);
CREATE TABLE IF NOT EXISTS "immuta_system"."impersonation" (
  token VARCHAR(64) NOT NULL,
  account VARCHAR(128) NOT NULL,
  "immuta__userid" VARCHAR(128) NOT NULL,
  began_at TIMESTAMP NOT NULL,
  ends_at TIMESTAMP NOT NULL
) SORTKEY (account);
CREATE TABLE IF NOT EXISTS "immuta_system"."impersonation_log" (
  happened_at TIMESTAMP NOT NULL,
  action VARCHAR(16) NOT NULL,
  account VARCHAR(128) NOT NULL,
  "immuta__userid" VARCHAR(128),
  done_by VARCHAR(128) NOT NULL
) SORTKEY (happened_at);
CREATE OR REPLACE VIEW "immuta_system"."reader" AS
SELECT COALESCE(f."immuta__userid", CAST(CURRENT_USER AS VARCHAR(128))) AS "immuta__userid"
FROM (
  SELECT MAX(i."immuta__userid") AS "immuta__userid"
  FROM "immuta_system"."impersonation" AS i
  JOIN "immuta_system"."impersonator" AS g ON g.account = i.account AND OCTET_LENGTH(g.account) = OCTET_LENGTH(i.account)
  WHERE i.token = CURRENT_SETTING('redoubt.impersonation', FALSE)
    AND i.account = CURRENT_USER
    AND OCTET_LENGTH(i.account) = OCTET_LENGTH(CAST(CURRENT_USER AS VARCHAR(128)))
    AND i.ends_at > GETDATE()
) AS f;
CREATE OR REPLACE VIEW "immuta_system"."user_profile" AS
SELECT p."immuta__userid", p."immuta__revision", p.project, p.updated_at
FROM "immuta_system"."profile" AS p
CROSS JOIN "immuta_system"."reader" AS r
WHERE p.active
  AND p."immuta__userid" = r."immuta__userid"
  AND OCTET_LENGTH(p."immuta__userid") = OCTET_LENGTH(r."immuta__userid");
CREATE OR REPLACE VIEW "immuta_system"."user_entitlement" AS
SELECT e."immuta__userid", e.kind, e.name, e.value
FROM "immuta_system"."profile_entitlement" AS e
CROSS JOIN "immuta_system"."reader" AS r
WHERE e."immuta__userid" = r."immuta__userid"
  AND OCTET_LENGTH(e."immuta__userid") = OCTET_LENGTH(r."immuta__userid");
CREATE OR REPLACE PROCEDURE "immuta_procedures"."impersonate_user"(p_user VARCHAR(128))
AS $redoubt$
DECLARE
  v_account VARCHAR(128);
  v_token VARCHAR(64);
  v_count BIGINT;
BEGIN
  SELECT INTO v_account SESSION_USER;
  SELECT INTO v_token CURRENT_SETTING('redoubt.impersonation', FALSE);
  INSERT INTO "immuta_system"."impersonation_log" (happened_at, action, account, "immuta__userid", done_by)
    SELECT CASE WHEN i.ends_at <= GETDATE() THEN i.ends_at ELSE GETDATE() END,
      CASE WHEN i.ends_at <= GETDATE() THEN 'expired' ELSE 'ended' END, i.account, i."immuta__userid", v_account
    FROM "immuta_system"."impersonation" AS i
    WHERE i.ends_at <= GETDATE()
      OR (i.token = v_token AND i.account = v_account AND OCTET_LENGTH(i.account) = OCTET_LENGTH(v_account));
  DELETE FROM "immuta_system"."impersonation"
    WHERE ends_at <= GETDATE()
      OR (token = v_token AND account = v_account AND OCTET_LENGTH(account) = OCTET_LENGTH(v_account));
  IF p_user IS NULL THEN
    SELECT INTO v_token SET_CONFIG('redoubt.impersonation', '', FALSE);
    RETURN;
  END IF;
  SELECT INTO v_count COUNT(*) FROM "immuta_system"."impersonator" AS g
    WHERE g.account = v_account AND OCTET_LENGTH(g.account) = OCTET_LENGTH(v_account);
  IF v_count = 0 THEN
    RAISE EXCEPTION 'redoubt: this account is no impersonator';
  END IF;
  SELECT INTO v_count COUNT(*) FROM "immuta_system"."profile" AS p
    WHERE p.active AND p."immuta__userid" = p_user AND OCTET_LENGTH(p."immuta__userid") = OCTET_LENGTH(p_user);
  IF v_count = 0 THEN
    RAISE EXCEPTION 'redoubt: no user has this account';
  END IF;
  SELECT INTO v_count COUNT(*) FROM pg_catalog.pg_user AS u
    WHERE u.usesuper AND CAST(u.usename AS VARCHAR(128)) = p_user;
  IF v_count > 0 THEN
    RAISE EXCEPTION 'redoubt: a superuser is not impersonated';
  END IF;
  SELECT INTO v_token SHA2(CAST(RANDOM() AS VARCHAR(40)) || CAST(RANDOM() AS VARCHAR(40)) || CAST(RANDOM() AS VARCHAR(40))
    || CAST(RANDOM() AS VARCHAR(40)) || CAST(GETDATE() AS VARCHAR(40)) || CAST(PG_BACKEND_PID() AS VARCHAR(40)), 256);
  INSERT INTO "immuta_system"."impersonation" (token, account, "immuta__userid", began_at, ends_at)
    VALUES (v_token, v_account, p_user, GETDATE(), GETDATE() + INTERVAL '8 hours');
  INSERT INTO "immuta_system"."impersonation_log" (happened_at, action, account, "immuta__userid", done_by)
    VALUES (GETDATE(), 'began', v_account, p_user, v_account);
  SELECT INTO v_token SET_CONFIG('redoubt.impersonation', v_token, FALSE);
END;
$redoubt$ LANGUAGE plpgsql SECURITY DEFINER SET search_path TO pg_catalog;
CREATE OR REPLACE PROCEDURE "immuta_procedures"."grant_impersonation"(p_account VARCHAR(128))
AS $redoubt$
DECLARE
  v_by VARCHAR(128);
  v_count BIGINT;
BEGIN
  SELECT INTO v_by SESSION_USER;
  SELECT INTO v_count COUNT(*) FROM pg_catalog.pg_user AS u
    WHERE CAST(u.usename AS VARCHAR(128)) = p_account
      AND OCTET_LENGTH(CAST(u.usename AS VARCHAR(128))) = OCTET_LENGTH(p_account);
  IF v_count = 0 OR LOWER(p_account) = 'public' THEN
    RAISE EXCEPTION 'redoubt: there is no such account';
  END IF;
  DELETE FROM "immuta_system"."impersonator"
    WHERE account = p_account AND OCTET_LENGTH(account) = OCTET_LENGTH(p_account);
  INSERT INTO "immuta_system"."impersonator" (account, granted_by, granted_at) VALUES (p_account, v_by, GETDATE());
  INSERT INTO "immuta_system"."impersonation_log" (happened_at, action, account, done_by)
    VALUES (GETDATE(), 'granted', p_account, v_by);
  EXECUTE 'GRANT EXECUTE ON PROCEDURE "immuta_procedures"."impersonate_user"(VARCHAR) TO ' || QUOTE_IDENT(p_account);
END;
$redoubt$ LANGUAGE plpgsql SECURITY DEFINER SET search_path TO pg_catalog;
CREATE OR REPLACE PROCEDURE "immuta_procedures"."revoke_impersonation"(p_account VARCHAR(128))
AS $redoubt$
DECLARE
  v_by VARCHAR(128);
  v_count BIGINT;
BEGIN
  SELECT INTO v_by SESSION_USER;
  SELECT INTO v_count COUNT(*) FROM "immuta_system"."impersonator" AS g
    WHERE g.account = p_account AND OCTET_LENGTH(g.account) = OCTET_LENGTH(p_account);
  IF v_count = 0 THEN
    RAISE EXCEPTION 'redoubt: this account is no impersonator';
  END IF;
  INSERT INTO "immuta_system"."impersonation_log" (happened_at, action, account, "immuta__userid", done_by)
    SELECT GETDATE(), 'ended', i.account, i."immuta__userid", v_by
    FROM "immuta_system"."impersonation" AS i
    WHERE i.account = p_account AND OCTET_LENGTH(i.account) = OCTET_LENGTH(p_account);
  DELETE FROM "immuta_system"."impersonation"
    WHERE account = p_account AND OCTET_LENGTH(account) = OCTET_LENGTH(p_account);
  DELETE FROM "immuta_system"."impersonator"
    WHERE account = p_account AND OCTET_LENGTH(account) = OCTET_LENGTH(p_account);
  INSERT INTO "immuta_system"."impersonation_log" (happened_at, action, account, done_by)
    VALUES (GETDATE(), 'revoked', p_account, v_by);
  SELECT INTO v_count COUNT(*) FROM pg_catalog.pg_user AS u
    WHERE CAST(u.usename AS VARCHAR(128)) = p_account
      AND OCTET_LENGTH(CAST(u.usename AS VARCHAR(128))) = OCTET_LENGTH(p_account);
  IF v_count > 0 THEN
    EXECUTE 'REVOKE EXECUTE ON PROCEDURE "immuta_procedures"."impersonate_user"(VARCHAR) FROM ' || QUOTE_IDENT(p_account);
  END IF;
END;
$redoubt$ LANGUAGE plpgsql SECURITY DEFINER SET search_path TO pg_catalog;
