-- Faults, system relations, and users made by those who are no superusers.

-- Whether the warehouse has this fault. The stand-in keeps them in a setting of all sessions.
CREATE OR REPLACE FUNCTION redshift_internal.fault(name text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(name = ANY (string_to_array(current_setting('redshift.faults', false), ',')), false)
$$;

SET LOCAL allow_system_table_mods = on;

CREATE OR REPLACE FUNCTION pg_catalog.is_large_string_enabled() RETURNS boolean
LANGUAGE sql STABLE AS $$ SELECT redshift_internal.fault('large_strings') $$;

-- Superusers see the isolation level of every database here, others see nothing of it.
CREATE OR REPLACE VIEW pg_catalog.stv_db_isolation_level AS
SELECT datname::character(128) AS db_name,
    CASE WHEN redshift_internal.fault('isolation') THEN 'Read Committed' ELSE 'Snapshot Isolation' END::character(20)
        AS isolation_level
FROM pg_database
WHERE datallowconn AND datname NOT IN ('postgres', 'template1', 'redoubt_catalog');
REVOKE ALL ON pg_catalog.stv_db_isolation_level FROM PUBLIC;
GRANT SELECT ON pg_catalog.stv_db_isolation_level TO "redshift:access system table";

CREATE OR REPLACE VIEW pg_catalog.svv_redshift_databases AS
SELECT datname::character varying(128) AS database_name, datdba::integer AS database_owner,
    'local'::character varying(32) AS database_type, datacl::text::character varying(128) AS database_acl,
    NULL::character varying(128) AS database_options,
    CASE WHEN redshift_internal.fault('isolation') THEN 'Read Committed' ELSE 'Snapshot Isolation' END
        ::character varying(128) AS database_isolation_level
FROM pg_database
WHERE datallowconn AND datname NOT IN ('postgres', 'template1', 'redoubt_catalog');
GRANT SELECT ON pg_catalog.svv_redshift_databases TO PUBLIC;

SET LOCAL allow_system_table_mods = off;

-- What a member of a role with the permission asks for. It is told what to do and not how, since it runs with every
-- right there is. Whoever has no right to create databases gives none.
CREATE OR REPLACE FUNCTION redshift_internal.manage_permitted_users(
    caller_name text, caller_proof text, command jsonb
) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    user_name text;
    known record;
    options text := '';
BEGIN
    IF caller_proof IS DISTINCT FROM redshift_internal.proof(caller_name)
        OR NOT pg_has_role(caller_name, 'redshift:' || (command ->> 'verb') || ' user', 'USAGE')
    THEN
        RAISE EXCEPTION 'permission denied to % user', command ->> 'verb' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF command ? 'other' THEN
        RAISE EXCEPTION 'option % of a user is not imitated for anyone but superusers (redshift-standin)', command ->> 'other'
            USING ERRCODE = 'feature_not_supported';
    END IF;
    IF (command ->> 'superuser')::boolean THEN
        RAISE EXCEPTION 'must be superuser to create superusers' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF (command ->> 'createdb')::boolean AND NOT (SELECT rolcreatedb FROM pg_roles WHERE rolname = caller_name) THEN
        RAISE EXCEPTION 'permission denied to let a user create databases' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF command ? 'createdb' THEN
        options := options || CASE WHEN (command ->> 'createdb')::boolean THEN ' CREATEDB' ELSE ' NOCREATEDB' END;
    END IF;
    IF command ? 'password' THEN
        options := options || format(' PASSWORD %L', nullif(command ->> 'password', ''));
    END IF;
    IF command ? 'valid_until' THEN
        options := options || format(' VALID UNTIL %L', command ->> 'valid_until');
    END IF;
    IF command ? 'connection_limit' THEN
        options := options || format(' CONNECTION LIMIT %s', (command ->> 'connection_limit')::integer);
    END IF;

    FOR user_name IN SELECT * FROM jsonb_array_elements_text(command -> 'names') LOOP
        IF command ->> 'verb' = 'create' THEN
            EXECUTE format('CREATE ROLE %I LOGIN %s', user_name, options);
        ELSE
            SELECT rolsuper, rolcanlogin INTO known FROM pg_roles WHERE rolname = user_name;
            IF FOUND AND (known.rolsuper OR NOT known.rolcanlogin) THEN
                RAISE EXCEPTION 'must be superuser to % superusers or roles', command ->> 'verb'
                    USING ERRCODE = 'insufficient_privilege';
            END IF;
            IF command ->> 'verb' = 'alter' THEN
                EXECUTE format('ALTER ROLE %I %s', user_name, options);
            ELSIF user_name = caller_name THEN
                RAISE EXCEPTION 'current user cannot be dropped' USING ERRCODE = 'object_in_use';
            ELSIF (command ->> 'if_exists')::boolean THEN
                EXECUTE format('DROP ROLE IF EXISTS %I', user_name);
            ELSE
                EXECUTE format('DROP ROLE %I', user_name);
            END IF;
        END IF;
        IF command ->> 'verb' <> 'drop' AND command ->> 'password' <> '' THEN
            IF command ? 'salt' THEN
                EXECUTE format('ALTER ROLE %I SET redshift.password_salt = %L', user_name, command ->> 'salt');
            ELSE
                EXECUTE format('ALTER ROLE %I RESET redshift.password_salt', user_name);
            END IF;
        END IF;
    END LOOP;
END
$$;

-- CREATE, ALTER or DROP USER: for a superuser, and for whoever has no permission and is told so, what PostgreSQL makes
-- of the statement.
CREATE OR REPLACE PROCEDURE redshift_internal.manage_users(command jsonb, statement text, follow text)
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
        AND pg_catalog.pg_has_role('redshift:' || (command ->> 'verb') || ' user', 'USAGE')
    THEN
        PERFORM redshift_internal.manage_permitted_users(caller.name, caller.proof, command)
        FROM redshift_internal.caller AS caller;
    ELSE
        EXECUTE statement;
        IF follow <> '' THEN
            EXECUTE follow;
        END IF;
    END IF;
END
$$;

GRANT EXECUTE ON FUNCTION redshift_internal.fault(text),
    redshift_internal.manage_permitted_users(text, text, jsonb) TO PUBLIC;
