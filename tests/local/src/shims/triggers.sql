-- Rules that Redshift applies when views and procedures are created, as event triggers, so that they hold for psql
-- and for EXECUTE in a procedure as well.

-- How many columns each view has. No unique index: a transaction may not see the row another one just wrote, and two
-- equal rows do no harm.
CREATE TABLE IF NOT EXISTS redshift_internal.view_column_count (view oid NOT NULL, columns bigint NOT NULL);
CREATE INDEX IF NOT EXISTS view_column_count_view ON redshift_internal.view_column_count (view);
CREATE TABLE IF NOT EXISTS redshift_internal.known_procedure (procedure oid NOT NULL);
CREATE INDEX IF NOT EXISTS known_procedure_procedure ON redshift_internal.known_procedure (procedure);

-- Default privileges on procedures. PostgreSQL has none apart from those on functions.
CREATE TABLE IF NOT EXISTS redshift_internal.procedure_default (
    creator oid NOT NULL,
    schema oid NOT NULL, -- 0: every schema
    grantee oid NOT NULL -- 0: PUBLIC
);

CREATE OR REPLACE FUNCTION redshift_internal.after_ddl() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    command record;
    present bigint;
    item record;
    was_late boolean;
    late boolean := coalesce(current_setting('redshift.late_binding', false) = 'on', false);
BEGIN
    -- One statement may be several commands.
    PERFORM set_config('redshift.late_binding', '', false);
    FOR command IN SELECT * FROM pg_event_trigger_ddl_commands() LOOP
        IF command.object_type = 'view' AND command.command_tag = 'CREATE VIEW' THEN
            -- PostgreSQL itself refuses columns that are removed, renamed or retyped, but lets a view grow.
            SELECT count(*) INTO present FROM pg_attribute
            WHERE attrelid = command.objid AND attnum > 0 AND NOT attisdropped;
            IF EXISTS (
                SELECT FROM redshift_internal.view_column_count WHERE view = command.objid AND columns <> present
            ) THEN
                RAISE EXCEPTION 'cannot change number of columns in view %', command.object_identity
                    USING ERRCODE = 'invalid_table_definition', HINT = 'Drop the view and create it again.';
            END IF;
            INSERT INTO redshift_internal.view_column_count (view, columns)
            SELECT command.objid, present
            WHERE present > 0 AND NOT EXISTS (
                SELECT FROM redshift_internal.view_column_count WHERE view = command.objid
            );
            -- Written only when it changes: a view that two sessions replace is no conflict of theirs here.
            was_late := EXISTS (SELECT FROM redshift_internal.late_view WHERE view = command.objid);
            IF was_late AND NOT late THEN
                DELETE FROM redshift_internal.late_view WHERE view = command.objid;
            ELSIF late AND NOT was_late THEN
                INSERT INTO redshift_internal.late_view (view) VALUES (command.objid);
            END IF;
            IF NOT late AND EXISTS (
                SELECT FROM redshift_internal.below(command.objid) AS b (relation) JOIN pg_class ON pg_class.oid = b.relation
                    JOIN redshift_internal.external_schema AS e ON e.schema = relnamespace
            ) THEN
                RAISE EXCEPTION 'External tables are not supported in views' USING ERRCODE = 'feature_not_supported',
                    HINT = 'Create the view WITH NO SCHEMA BINDING.';
            END IF;
        ELSIF command.object_type = 'function' THEN
            -- One of another kind took its place, or it is an external one and is registered next.
            DELETE FROM redshift_internal.external_function WHERE function = command.objid;
        ELSIF command.object_type = 'procedure' AND command.command_tag = 'CREATE PROCEDURE'
            AND NOT EXISTS (SELECT FROM redshift_internal.known_procedure WHERE procedure = command.objid)
        THEN
            INSERT INTO redshift_internal.known_procedure (procedure) VALUES (command.objid);
            -- Only the owner may execute a new procedure, and those to whom default privileges on procedures give it.
            EXECUTE format('REVOKE ALL ON PROCEDURE %s FROM PUBLIC', command.objid::regprocedure);
            FOR item IN
                SELECT grantee::regrole AS name FROM pg_proc, aclexplode(proacl)
                WHERE pg_proc.oid = command.objid AND grantee <> 0 AND grantee <> proowner
            LOOP
                EXECUTE format('REVOKE ALL ON PROCEDURE %s FROM %s', command.objid::regprocedure, item.name);
            END LOOP;
            FOR item IN
                SELECT DISTINCT CASE WHEN d.grantee = 0 THEN 'PUBLIC' ELSE d.grantee::regrole::text END AS name
                FROM redshift_internal.procedure_default AS d JOIN pg_proc AS p ON p.proowner = d.creator
                WHERE p.oid = command.objid AND d.schema IN (0, p.pronamespace)
                    AND (d.grantee = 0 OR EXISTS (SELECT FROM pg_roles WHERE pg_roles.oid = d.grantee))
            LOOP
                EXECUTE format('GRANT EXECUTE ON PROCEDURE %s TO %s', command.objid::regprocedure, item.name);
            END LOOP;
        END IF;
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION redshift_internal.after_drop() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM redshift_internal.view_column_count
    WHERE view IN (SELECT objid FROM pg_event_trigger_dropped_objects() WHERE object_type = 'view');
    DELETE FROM redshift_internal.late_view
    WHERE view IN (SELECT objid FROM pg_event_trigger_dropped_objects() WHERE object_type = 'view');
    DELETE FROM redshift_internal.external_schema
    WHERE schema IN (SELECT objid FROM pg_event_trigger_dropped_objects() WHERE object_type = 'schema');
    DELETE FROM redshift_internal.known_procedure
    WHERE procedure IN (SELECT objid FROM pg_event_trigger_dropped_objects() WHERE object_type = 'procedure');
    DELETE FROM redshift_internal.external_function
    WHERE function IN (SELECT objid FROM pg_event_trigger_dropped_objects() WHERE object_type = 'function');
END
$$;

DROP EVENT TRIGGER IF EXISTS redshift_after_ddl;
CREATE EVENT TRIGGER redshift_after_ddl ON ddl_command_end
    WHEN TAG IN ('CREATE VIEW', 'CREATE PROCEDURE', 'CREATE FUNCTION') EXECUTE FUNCTION redshift_internal.after_ddl();
DROP EVENT TRIGGER IF EXISTS redshift_after_drop;
CREATE EVENT TRIGGER redshift_after_drop ON sql_drop EXECUTE FUNCTION redshift_internal.after_drop();

-- ALTER DEFAULT PRIVILEGES [FOR USER creator] [IN SCHEMA schema] GRANT or REVOKE EXECUTE ON PROCEDURES.
-- Empty texts stand for the session's user, every schema and PUBLIC.
CREATE OR REPLACE FUNCTION redshift_internal.set_procedure_default(
    granting boolean, creator_name text, schema_name text, grantee_name text
) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    creator_id oid := quote_ident(CASE WHEN creator_name = '' THEN session_user::text ELSE creator_name END)::regrole;
    schema_id oid := 0;
    grantee_id oid := 0;
BEGIN
    IF creator_id <> quote_ident(session_user)::regrole
        AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = session_user)
    THEN
        RAISE EXCEPTION 'permission denied to change default privileges of %', creator_name
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF schema_name <> '' THEN
        schema_id := quote_ident(schema_name)::regnamespace;
    END IF;
    IF grantee_name <> '' THEN
        grantee_id := quote_ident(grantee_name)::regrole;
    END IF;
    DELETE FROM redshift_internal.procedure_default
    WHERE creator = creator_id AND schema = schema_id AND grantee = grantee_id;
    IF granting THEN
        INSERT INTO redshift_internal.procedure_default (creator, schema, grantee)
        VALUES (creator_id, schema_id, grantee_id);
    END IF;
END
$$;

-- Procedures are closed when they are made; the shims' own are everybody's.
GRANT EXECUTE ON PROCEDURE redshift_internal.manage_users(jsonb, text, text),
    redshift_internal.create_external_schema(jsonb) TO PUBLIC;
