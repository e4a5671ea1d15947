-- Names of three parts: a table of another database is reached through a foreign table of a hidden schema, one schema
-- per database and schema. The rights of whoever reads are checked by the other database, through a user mapping
-- onto the role of the same name.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'dblink') THEN
        CREATE EXTENSION dblink SCHEMA redshift_internal;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'postgres_fdw') THEN
        CREATE EXTENSION postgres_fdw SCHEMA redshift_internal;
    END IF;
END
$$;
-- A session of an ordinary user must not open connections of its own.
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA redshift_internal FROM PUBLIC;
GRANT EXECUTE ON FUNCTION redshift_internal.strtol_any(text, integer), redshift_internal.datepart(text),
    redshift_internal.regexp_flags(text) TO PUBLIC;

CREATE OR REPLACE FUNCTION redshift_internal.connection_string(database_name text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT 'host=127.0.0.1 user=rdsdb port=' || current_setting('port') || ' dbname=' || chr(39)
        || replace(replace(database_name, chr(92), chr(92) || chr(92)), chr(39), chr(92) || chr(39)) || chr(39)
$$;

-- The hidden schema's name. Long ones are hashed: PostgreSQL names have 63 bytes.
CREATE OR REPLACE FUNCTION redshift_internal.hidden_schema(database_name text, schema_name text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN octet_length(database_name) + octet_length(schema_name) <= 50
        THEN 'redshift_x:' || database_name || ':' || schema_name
        ELSE 'redshift_x:' || md5(database_name || ':' || schema_name)
    END
$$;

CREATE OR REPLACE FUNCTION redshift_internal.column_list(relation oid) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT string_agg(quote_ident(attname) || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
    FROM pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped
$$;

-- The columns as they are now in the other database; fails when there is no such relation.
CREATE OR REPLACE FUNCTION redshift_internal.remote_columns(database_name text, schema_name text, relation_name text)
RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    columns text;
    external boolean;
BEGIN
    SELECT list, is_external INTO columns, external FROM redshift_internal.dblink(
        redshift_internal.connection_string(database_name),
        'SELECT redshift_internal.column_list(to_regclass('
            || quote_literal(quote_ident(schema_name) || '.' || quote_ident(relation_name)) || ')), '
            || 'redshift_internal.is_external(' || quote_literal(schema_name) || ')'
    ) AS remote (list text, is_external boolean);
    IF external THEN
        RAISE EXCEPTION 'external table "%.%.%" of another database is not supported', database_name, schema_name,
            relation_name USING ERRCODE = 'feature_not_supported';
    END IF;
    IF columns IS NULL THEN
        RAISE EXCEPTION 'relation "%.%.%" does not exist', database_name, schema_name, relation_name
            USING ERRCODE = 'undefined_table';
    END IF;
    RETURN columns;
END
$$;

-- Creates or renews the foreign table and lets `reader` use it with the rights `reader` has in the other database.
-- An outdated foreign table that views still read is set aside under another name, so that they go on as they were.
CREATE OR REPLACE FUNCTION redshift_internal.prepare_remote(
    database_name text, schema_name text, relation_name text, reader text
) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    server text := 'redshift:' || database_name;
    hidden text := redshift_internal.hidden_schema(database_name, schema_name);
    qualified text := quote_ident(hidden) || '.' || quote_ident(relation_name);
    present oid;
    outdated record;
    columns text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('redshift_internal.prepare_remote'));
    columns := redshift_internal.remote_columns(database_name, schema_name, relation_name);
    IF NOT EXISTS (SELECT FROM pg_foreign_server WHERE srvname = server) THEN
        EXECUTE format(
            'CREATE SERVER %I FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L, fetch_size %L)',
            server, '127.0.0.1', current_setting('port'), database_name, '10000'
        );
    END IF;
    EXECUTE format(
        'CREATE USER MAPPING IF NOT EXISTS FOR %I SERVER %I OPTIONS (user %L, password_required %L)',
        reader, server, reader, 'false'
    );
    EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I', hidden);
    present := to_regclass(qualified);
    IF present IS NOT NULL AND redshift_internal.column_list(present) <> columns THEN
        EXECUTE format('ALTER FOREIGN TABLE %s RENAME TO %I', qualified, 'outdated:' || present);
        present := NULL;
        FOR outdated IN
            SELECT relname FROM pg_class
            WHERE relnamespace = to_regnamespace(quote_ident(hidden)) AND relname LIKE 'outdated:%'
                AND NOT EXISTS (SELECT FROM pg_depend WHERE refobjid = pg_class.oid AND deptype = 'n')
        LOOP
            EXECUTE format('DROP FOREIGN TABLE %I.%I', hidden, outdated.relname);
        END LOOP;
    END IF;
    IF present IS NULL THEN
        EXECUTE format(
            'CREATE FOREIGN TABLE %s (%s) SERVER %I OPTIONS (schema_name %L, table_name %L)',
            qualified, columns, server, schema_name, relation_name
        );
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', hidden, reader);
    EXECUTE format('GRANT SELECT ON %s TO %I', qualified, reader);
END
$$;

-- Makes a relation of another database readable for `reader` and returns the schema to name it by. It never gives
-- `reader` more than the rights that role holds in the other database. The work is done by a session of its own, so
-- that it is committed at once and does not depend on the caller's snapshot.
CREATE OR REPLACE FUNCTION redshift_internal.ensure_remote(
    database_name text, schema_name text, relation_name text, reader text
) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    hidden text := redshift_internal.hidden_schema(database_name, schema_name);
    present oid := to_regclass(quote_ident(hidden) || '.' || quote_ident(relation_name));
BEGIN
    IF present IS NOT NULL
        AND redshift_internal.column_list(present)
            = redshift_internal.remote_columns(database_name, schema_name, relation_name)
        AND has_schema_privilege(reader, hidden, 'USAGE')
        AND has_table_privilege(reader, present, 'SELECT')
        AND EXISTS (
            SELECT FROM pg_user_mappings WHERE srvname = 'redshift:' || database_name AND usename = reader
        )
    THEN
        RETURN hidden;
    END IF;
    PERFORM done FROM redshift_internal.dblink(
        redshift_internal.connection_string(current_database()),
        'SET lock_timeout = ' || quote_literal('5s') || '; SELECT redshift_internal.prepare_remote('
            || concat_ws(
                ', ', quote_literal(database_name), quote_literal(schema_name), quote_literal(relation_name),
                quote_literal(reader)
            ) || ')::text'
    ) AS remote (done text);
    RETURN hidden;
END
$$;
GRANT EXECUTE ON FUNCTION redshift_internal.ensure_remote(text, text, text, text) TO PUBLIC;

-- Takes back what `ensure_remote` gave a role in this database, so that the role can be dropped.
CREATE OR REPLACE FUNCTION redshift_internal.forget_reader(reader text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    item record;
BEGIN
    IF to_regrole(quote_ident(reader)) IS NULL THEN
        RETURN;
    END IF;
    FOR item IN SELECT nspname FROM pg_namespace WHERE nspname LIKE 'redshift_x:%' LOOP
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM %I', item.nspname, reader);
        EXECUTE format('REVOKE ALL ON SCHEMA %I FROM %I', item.nspname, reader);
    END LOOP;
    FOR item IN SELECT srvname FROM pg_user_mappings WHERE srvname LIKE 'redshift:%' AND usename = reader LOOP
        EXECUTE format('DROP USER MAPPING IF EXISTS FOR %I SERVER %I', reader, item.srvname);
    END LOOP;
END
$$;

-- The port may change from one start to the next.
CREATE OR REPLACE FUNCTION redshift_internal.renew_servers() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    item record;
BEGIN
    FOR item IN SELECT srvname FROM pg_foreign_server WHERE srvname LIKE 'redshift:%' LOOP
        EXECUTE format('ALTER SERVER %I OPTIONS (SET port %L)', item.srvname, current_setting('port'));
    END LOOP;
END
$$;
REVOKE EXECUTE ON FUNCTION
    redshift_internal.connection_string(text), redshift_internal.hidden_schema(text, text),
    redshift_internal.column_list(oid), redshift_internal.remote_columns(text, text, text),
    redshift_internal.prepare_remote(text, text, text, text), redshift_internal.forget_reader(text),
    redshift_internal.renew_servers()
FROM PUBLIC;
