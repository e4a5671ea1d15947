-- What lies below late-binding views, and schemas of the data catalog. A database of the server stands for the catalog,
-- each of its schemas for a database of the catalog; an external schema holds foreign tables that reach them.

-- Views made WITH NO SCHEMA BINDING. `translate` says of the view made next whether it is one.
CREATE TABLE IF NOT EXISTS redshift_internal.late_view (view oid NOT NULL);
CREATE TABLE IF NOT EXISTS redshift_internal.external_schema (
    schema oid NOT NULL,
    catalog text NOT NULL, -- the database of the data catalog
    iam_role text NOT NULL
);
GRANT SELECT ON redshift_internal.external_schema TO PUBLIC;

CREATE OR REPLACE FUNCTION redshift_internal.is_external(schema_name text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM redshift_internal.external_schema AS e JOIN pg_namespace AS n ON n.oid = e.schema
        WHERE n.nspname = schema_name
    )
$$;

-- The relations that a view names.
CREATE OR REPLACE FUNCTION redshift_internal.below(view oid) RETURNS SETOF oid
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT DISTINCT d.refobjid FROM pg_rewrite AS r JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
    WHERE r.ev_class = view AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> view
$$;

-- Makes the foreign tables of an external schema what the tables of the catalog are. One that is no more or that has
-- other columns, and that a view still reads, is set aside under another name.
CREATE OR REPLACE FUNCTION redshift_internal.import_external_schema(schema_name text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    item record;
    present oid;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('redshift_internal.external_schema'));
    FOR item IN SELECT * FROM redshift_internal.external_changes(schema_name) LOOP
        present := to_regclass(format('%I.%I', schema_name, item.name));
        IF present IS NOT NULL THEN
            IF EXISTS (SELECT FROM pg_depend WHERE refobjid = present AND deptype = 'n') THEN
                EXECUTE format('ALTER FOREIGN TABLE %I.%I RENAME TO %I', schema_name, item.name, 'outdated:' || present);
            ELSE
                EXECUTE format('DROP FOREIGN TABLE %I.%I', schema_name, item.name);
            END IF;
        END IF;
        CONTINUE WHEN item.columns IS NULL;
        EXECUTE format(
            'CREATE FOREIGN TABLE %I.%I (%s) SERVER "redshift: catalog" OPTIONS (schema_name %L, table_name %L)',
            schema_name, item.name, item.columns, item.catalog, item.name
        );
        EXECUTE format('GRANT SELECT ON %I.%I TO PUBLIC', schema_name, item.name);
        -- The table is the catalog's: it does not keep the schema from being dropped.
        UPDATE pg_depend SET deptype = 'a'
        WHERE classid = 'pg_class'::regclass AND objid = to_regclass(format('%I.%I', schema_name, item.name))
            AND refclassid = 'pg_namespace'::regclass;
    END LOOP;
END
$$;

-- The tables of the catalog that an external schema does not have as they are; no columns: the table is no more.
CREATE OR REPLACE FUNCTION redshift_internal.external_changes(schema_name text)
RETURNS TABLE (catalog text, name text, columns text)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known redshift_internal.external_schema%ROWTYPE;
BEGIN
    SELECT e.* INTO known FROM redshift_internal.external_schema AS e
    WHERE e.schema = to_regnamespace(quote_ident(schema_name));
    RETURN QUERY
    SELECT known.catalog, coalesce(there.name, here.name), there.columns
    FROM redshift_internal.dblink(
            redshift_internal.connection_string('redoubt_catalog'),
            'SELECT relname, redshift_internal.column_list(oid) FROM pg_class WHERE relkind IN ('
                || quote_literal('r') || ', ' || quote_literal('v') || ') AND relnamespace = to_regnamespace('
                || quote_literal(quote_ident(known.catalog)) || ')'
        ) AS there (name text, columns text)
        FULL JOIN (
            SELECT relname::text AS name, redshift_internal.column_list(oid) AS columns FROM pg_class
            WHERE relnamespace = known.schema AND relkind = 'f' AND relname NOT LIKE 'outdated:%'
        ) AS here ON here.name = there.name
    WHERE here.columns IS DISTINCT FROM there.columns;
END
$$;

-- The catalog may have changed since. In a session of its own, so that it does not depend on the caller's snapshot.
CREATE OR REPLACE FUNCTION redshift_internal.renew_external_schemas(names text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    schema_name text;
BEGIN
    FOR schema_name IN
        SELECT n.nspname FROM redshift_internal.external_schema AS e JOIN pg_namespace AS n ON n.oid = e.schema
        WHERE n.nspname = ANY (names)
    LOOP
        IF EXISTS (SELECT FROM redshift_internal.external_changes(schema_name)) THEN
            PERFORM done FROM redshift_internal.dblink(
                redshift_internal.connection_string(current_database()),
                'SET lock_timeout = ' || quote_literal('5s') || '; SELECT redshift_internal.import_external_schema('
                    || quote_literal(schema_name) || ')::text'
            ) AS remote (done text);
        END IF;
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION redshift_internal.make_external_schema(
    caller_name text, caller_proof text, definition jsonb
) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    schema_name text := definition ->> 'name';
    connection text := redshift_internal.connection_string('redoubt_catalog');
    known text := 'to_regnamespace(' || quote_literal(quote_ident(definition ->> 'catalog')) || ')';
BEGIN
    IF caller_proof IS DISTINCT FROM redshift_internal.proof(caller_name)
        OR NOT has_database_privilege(caller_name, current_database(), 'CREATE')
    THEN
        RAISE EXCEPTION 'permission denied for database %', current_database() USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF (definition ->> 'if_not_exists')::boolean AND to_regnamespace(quote_ident(schema_name)) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE SCHEMA %I AUTHORIZATION %I', schema_name, caller_name);
    IF (definition ->> 'create_database')::boolean THEN
        PERFORM redshift_internal.dblink_exec(
            connection, format('CREATE SCHEMA IF NOT EXISTS %I AUTHORIZATION awsuser', definition ->> 'catalog')
        );
    ELSIF NOT (
        SELECT present FROM redshift_internal.dblink(connection, 'SELECT ' || known || ' IS NOT NULL') AS r (present boolean)
    ) THEN
        RAISE EXCEPTION 'database % does not exist in the data catalog (redshift-standin)', quote_ident(definition ->> 'catalog')
            USING ERRCODE = 'invalid_catalog_name';
    END IF;
    INSERT INTO redshift_internal.external_schema (schema, catalog, iam_role)
    VALUES (to_regnamespace(quote_ident(schema_name)), definition ->> 'catalog', definition ->> 'iam_role');
    IF NOT EXISTS (SELECT FROM pg_foreign_server WHERE srvname = 'redshift: catalog') THEN
        EXECUTE format(
            'CREATE SERVER "redshift: catalog" FOREIGN DATA WRAPPER postgres_fdw '
                'OPTIONS (host %L, port %L, dbname %L, fetch_size %L, updatable %L)',
            '127.0.0.1', current_setting('port'), 'redoubt_catalog', '10000', 'false'
        );
        -- Whoever may use the schema reads all of its data: the warehouse's role does, not the user.
        EXECUTE format(
            'CREATE USER MAPPING FOR PUBLIC SERVER "redshift: catalog" OPTIONS (user %L, password_required %L)',
            'rdsdb', 'false'
        );
    END IF;
    PERFORM redshift_internal.import_external_schema(schema_name);
END
$$;

CREATE OR REPLACE PROCEDURE redshift_internal.create_external_schema(definition jsonb)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM redshift_internal.make_external_schema(caller.name, caller.proof, definition)
    FROM redshift_internal.caller AS caller;
END
$$;

-- Before a statement that reads: whether `reader` may use what the late-binding views it names lie over. A schema of
-- the data catalog needs USAGE, others only where the warehouse has that fault. Names without a schema
-- lie in a schema of `path`.
CREATE OR REPLACE FUNCTION redshift_internal.check_reader(reader text, path text[], schemas text[], names text[])
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    all_schemas bool := redshift_internal.fault('usage_below_views');
    item record;
    allowed bool;
BEGIN
    PERFORM redshift_internal.renew_external_schemas(schemas);
    IF NOT EXISTS (SELECT FROM redshift_internal.late_view) THEN
        RETURN;
    END IF;
    FOR item IN
        WITH RECURSIVE read (view) AS (
            SELECT c.oid
            FROM unnest(schemas, names) AS named (schema, name)
                JOIN pg_class AS c ON c.relname = named.name AND c.relkind = 'v'
                JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE n.nspname = named.schema OR (named.schema = '' AND n.nspname = ANY (path))
            UNION
            SELECT b.relation FROM read, redshift_internal.below(read.view) AS b (relation)
        )
        SELECT DISTINCT n.nspname::text AS schema, t.ftoptions, s.srvoptions
        FROM read
            JOIN redshift_internal.late_view AS l ON l.view = read.view
            CROSS JOIN redshift_internal.below(read.view) AS b (relation)
            JOIN pg_class AS c ON c.oid = b.relation
            JOIN pg_namespace AS n ON n.oid = c.relnamespace
            LEFT JOIN pg_foreign_table AS t ON t.ftrelid = c.oid
            LEFT JOIN pg_foreign_server AS s ON s.oid = t.ftserver
    LOOP
        CONTINUE WHEN NOT all_schemas AND NOT redshift_internal.is_external(item.schema);
        IF item.schema LIKE 'redshift_x:%' THEN
            SELECT option_value INTO item.schema FROM pg_options_to_table(item.ftoptions)
            WHERE option_name = 'schema_name';
            SELECT may INTO allowed
            FROM pg_options_to_table(item.srvoptions), redshift_internal.dblink(
                redshift_internal.connection_string(option_value),
                format(
                    'SELECT has_schema_privilege(%L, %L, %L)', reader, item.schema, 'USAGE'
                )
            ) AS remote (may boolean)
            WHERE option_name = 'dbname';
        ELSE
            allowed := has_schema_privilege(reader, item.schema, 'USAGE');
        END IF;
        IF NOT allowed THEN
            RAISE EXCEPTION 'permission denied for schema %', item.schema USING ERRCODE = 'insufficient_privilege';
        END IF;
    END LOOP;
END
$$;

-- Makes current_user of a view its owner, where the warehouse has that fault; the name is that of the column.
CREATE OR REPLACE FUNCTION redshift_internal."current_user"(owner name) RETURNS name
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$ SELECT owner $$;

SET LOCAL allow_system_table_mods = on;
CREATE OR REPLACE VIEW pg_catalog.svv_external_schemas AS
SELECT n.oid AS esoid, 1::smallint AS eskind, n.nspname AS schemaname, n.nspowner::integer AS esowner,
    e.catalog AS databasename, json_build_object('IAM_ROLE', e.iam_role)::text AS esoptions
FROM redshift_internal.external_schema AS e JOIN pg_namespace AS n ON n.oid = e.schema;
CREATE OR REPLACE VIEW pg_catalog.svv_external_tables AS
SELECT current_database()::text AS redshift_database_name, n.nspname::text AS schemaname, c.relname::text AS tablename
FROM redshift_internal.external_schema AS e
    JOIN pg_namespace AS n ON n.oid = e.schema
    JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relkind = 'f' AND c.relname NOT LIKE 'outdated:%'
WHERE has_schema_privilege(n.oid, 'USAGE');
GRANT SELECT ON pg_catalog.svv_external_schemas, pg_catalog.svv_external_tables TO PUBLIC;
SET LOCAL allow_system_table_mods = off;

REVOKE EXECUTE ON FUNCTION redshift_internal.import_external_schema(text),
    redshift_internal.external_changes(text), redshift_internal.below(oid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION redshift_internal.is_external(text), redshift_internal.renew_external_schemas(text[]),
    redshift_internal.make_external_schema(text, text, jsonb),
    redshift_internal.check_reader(text, text[], text[], text[]), redshift_internal."current_user"(name) TO PUBLIC;
