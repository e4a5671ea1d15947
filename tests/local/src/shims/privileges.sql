-- System relations that tell who may do what, what columns there are, and how views are written.

-- Scoped rights: for everything in a schema or database, now and in future. They are remembered and shown, not enforced.
CREATE TABLE IF NOT EXISTS redshift_internal.scoped_grant (
    privilege text NOT NULL,
    scope text NOT NULL, -- TABLES, FUNCTIONS, …
    schema oid NOT NULL, -- 0: the whole database
    grantee oid NOT NULL
);

-- GRANT or REVOKE privilege FOR scope IN SCHEMA or DATABASE. An empty name of a schema stands for the database.
CREATE OR REPLACE FUNCTION redshift_internal.set_scoped_grant(
    granting boolean, privilege_name text, scope_name text, schema_name text, grantee_name text
) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    schema_id oid := 0;
    grantee_id oid := quote_ident(grantee_name)::regrole;
    owner oid;
BEGIN
    SELECT datdba INTO owner FROM pg_database WHERE datname = current_database();
    IF schema_name <> '' THEN
        SELECT oid, nspowner INTO schema_id, owner FROM pg_namespace WHERE oid = quote_ident(schema_name)::regnamespace;
    END IF;
    IF owner <> quote_ident(session_user)::regrole AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) THEN
        RAISE EXCEPTION 'permission denied for scoped permissions' USING ERRCODE = 'insufficient_privilege';
    END IF;
    DELETE FROM redshift_internal.scoped_grant
    WHERE privilege = privilege_name AND scope = scope_name AND schema = schema_id AND grantee = grantee_id;
    IF granting THEN
        INSERT INTO redshift_internal.scoped_grant VALUES (privilege_name, scope_name, schema_id, grantee_id);
    END IF;
END
$$;

-- Whether the rights of somebody are shown to the reader: all to superusers and holders of ACCESS SYSTEM TABLE, their own
-- and everybody's to others.
CREATE OR REPLACE FUNCTION redshift_internal.shows(identity oid) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT identity = 0 OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
        OR pg_has_role('redshift:access system table', 'USAGE') OR pg_has_role(identity, 'USAGE')
$$;

CREATE OR REPLACE FUNCTION redshift_internal.identity_name(identity oid) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN identity = 0 THEN 'public' ELSE (SELECT rolname::text FROM pg_roles WHERE oid = identity) END
$$;

-- Groups and roles are one here.
CREATE OR REPLACE FUNCTION redshift_internal.identity_type(identity oid) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN identity = 0 THEN 'public'
        WHEN (SELECT rolcanlogin FROM pg_roles WHERE oid = identity) THEN 'user' ELSE 'role' END
$$;

CREATE OR REPLACE FUNCTION redshift_internal.is_internal(schema_name name) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT schema_name::text ~ '^(pg_|redshift_|information_schema$)'
$$;

SET LOCAL allow_system_table_mods = on;

CREATE OR REPLACE VIEW pg_catalog.svv_relation_privileges AS
SELECT n.nspname::text AS namespace_name, c.relname::text AS relation_name, a.privilege_type::text AS privilege_type,
    a.grantee::integer AS identity_id, redshift_internal.identity_name(a.grantee) AS identity_name,
    redshift_internal.identity_type(a.grantee) AS identity_type, a.is_grantable AS admin_option
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace, aclexplode(c.relacl) AS a
WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND a.grantee <> c.relowner AND NOT redshift_internal.is_internal(n.nspname)
    AND redshift_internal.shows(a.grantee);

CREATE OR REPLACE VIEW pg_catalog.svv_function_privileges AS
SELECT n.nspname::text AS namespace_name, p.proname::text AS function_name,
    pg_get_function_identity_arguments(p.oid)::text AS argument_types, a.privilege_type::text AS privilege_type,
    a.grantee::integer AS identity_id, redshift_internal.identity_name(a.grantee) AS identity_name,
    redshift_internal.identity_type(a.grantee) AS identity_type, a.is_grantable AS admin_option
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace,
    aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
WHERE a.grantee <> p.proowner AND NOT redshift_internal.is_internal(n.nspname) AND redshift_internal.shows(a.grantee);

CREATE OR REPLACE VIEW pg_catalog.svv_schema_privileges AS
SELECT n.nspname::text AS namespace_name, a.privilege_type::text AS privilege_type, a.grantee::integer AS identity_id,
    redshift_internal.identity_name(a.grantee) AS identity_name,
    redshift_internal.identity_type(a.grantee) AS identity_type, a.is_grantable AS admin_option,
    'SCHEMA'::text AS privilege_scope
FROM pg_namespace AS n, aclexplode(n.nspacl) AS a
WHERE a.grantee <> n.nspowner AND NOT redshift_internal.is_internal(n.nspname) AND redshift_internal.shows(a.grantee)
UNION ALL
SELECT n.nspname::text, g.privilege, g.grantee::integer, redshift_internal.identity_name(g.grantee),
    redshift_internal.identity_type(g.grantee), false, g.scope
FROM redshift_internal.scoped_grant AS g JOIN pg_namespace AS n ON n.oid = g.schema
WHERE redshift_internal.shows(g.grantee);

CREATE OR REPLACE VIEW pg_catalog.svv_database_privileges AS
SELECT d.datname::text AS database_name,
    CASE a.privilege_type WHEN 'CONNECT' THEN 'USAGE' WHEN 'TEMPORARY' THEN 'TEMP' ELSE a.privilege_type END::text
        AS privilege_type,
    a.grantee::integer AS identity_id, redshift_internal.identity_name(a.grantee) AS identity_name,
    redshift_internal.identity_type(a.grantee) AS identity_type, a.is_grantable AS admin_option,
    'DATABASE'::text AS privilege_scope
FROM pg_database AS d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS a
WHERE d.datallowconn AND a.grantee <> d.datdba AND redshift_internal.shows(a.grantee)
UNION ALL
SELECT current_database()::text, g.privilege, g.grantee::integer, redshift_internal.identity_name(g.grantee),
    redshift_internal.identity_type(g.grantee), false, g.scope
FROM redshift_internal.scoped_grant AS g WHERE g.schema = 0 AND redshift_internal.shows(g.grantee);

CREATE OR REPLACE VIEW pg_catalog.svv_default_privileges AS
SELECT coalesce(n.nspname::text, '') AS schema_name,
    CASE d.defaclobjtype WHEN 'r' THEN 'RELATION' ELSE 'FUNCTION' END::text AS object_type,
    d.defaclrole::integer AS owner_id, redshift_internal.identity_name(d.defaclrole) AS owner_name, 'user'::text AS owner_type,
    a.privilege_type::text AS privilege_type, a.grantee::integer AS grantee_id,
    redshift_internal.identity_name(a.grantee) AS grantee_name, redshift_internal.identity_type(a.grantee) AS grantee_type,
    a.is_grantable AS admin_option
FROM pg_default_acl AS d LEFT JOIN pg_namespace AS n ON n.oid = d.defaclnamespace, aclexplode(d.defaclacl) AS a
WHERE d.defaclobjtype IN ('r', 'f') AND redshift_internal.shows(a.grantee)
UNION ALL
SELECT coalesce(n.nspname::text, ''), 'PROCEDURE', d.creator::integer, redshift_internal.identity_name(d.creator), 'user',
    'EXECUTE', d.grantee::integer, redshift_internal.identity_name(d.grantee), redshift_internal.identity_type(d.grantee), false
FROM redshift_internal.procedure_default AS d LEFT JOIN pg_namespace AS n ON n.oid = d.schema
WHERE redshift_internal.shows(d.grantee);

-- Columns of what the reader has any right on.
CREATE OR REPLACE VIEW pg_catalog.svv_columns AS
SELECT current_database()::text AS table_catalog, n.nspname::text AS table_schema, c.relname::text AS table_name,
    a.attname::text AS column_name, a.attnum::integer AS ordinal_position,
    format_type(a.atttypid, NULL)::text AS data_type,
    CASE WHEN a.atttypid IN ('varchar'::regtype, 'bpchar'::regtype) AND a.atttypmod > 4 THEN a.atttypmod - 4 END
        AS character_maximum_length,
    CASE WHEN a.atttypid = 'numeric'::regtype AND a.atttypmod > 4 THEN ((a.atttypmod - 4) >> 16) & 65535 END
        AS numeric_precision,
    CASE WHEN a.atttypid = 'numeric'::regtype AND a.atttypmod > 4 THEN (a.atttypmod - 4) & 2047 END AS numeric_scale
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'f', 'p') AND a.attnum > 0 AND NOT a.attisdropped
    AND NOT redshift_internal.is_internal(n.nspname) AND has_column_privilege(c.oid, a.attnum, 'SELECT');

-- Redshift keeps the text of late-binding views as it was written, and lists materialized views with the others.
CREATE OR REPLACE VIEW pg_catalog.pg_views AS
SELECT n.nspname AS schemaname, c.relname AS viewname, pg_get_userbyid(c.relowner) AS viewowner,
    (CASE WHEN c.relkind = 'm' THEN 'create materialized view ' || quote_ident(c.relname) || ' as' ELSE '' END
        || pg_get_viewdef(c.oid)
        || CASE WHEN EXISTS (SELECT FROM redshift_internal.late_view AS l WHERE l.view = c.oid)
            THEN ' WITH NO SCHEMA BINDING' ELSE '' END) COLLATE "default" AS definition
FROM pg_class AS c LEFT JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('v', 'm');

GRANT SELECT ON pg_catalog.svv_relation_privileges, pg_catalog.svv_function_privileges, pg_catalog.svv_schema_privileges,
    pg_catalog.svv_database_privileges, pg_catalog.svv_default_privileges, pg_catalog.svv_columns TO PUBLIC;

SET LOCAL allow_system_table_mods = off;

GRANT EXECUTE ON FUNCTION redshift_internal.set_scoped_grant(boolean, text, text, text, text),
    redshift_internal.shows(oid), redshift_internal.identity_name(oid), redshift_internal.identity_type(oid),
    redshift_internal.is_internal(name) TO PUBLIC;
