-- Functions, types and rights that Redshift has and PostgreSQL lacks. Applied to template1, and so to every database.
-- The server runs with standard_conforming_strings off: a backslash in a literal is written twice here too.

CREATE SCHEMA IF NOT EXISTS redshift_internal;
GRANT USAGE ON SCHEMA redshift_internal TO PUBLIC;

-- Redshift's own default; PostgreSQL 15 withdrew it.
GRANT CREATE, USAGE ON SCHEMA public TO PUBLIC;

DO $$
BEGIN
    IF to_regtype('pg_catalog.super') IS NULL THEN
        CREATE DOMAIN pg_catalog.super AS jsonb;
    END IF;
    IF to_regtype('pg_catalog.varbyte') IS NULL THEN
        CREATE DOMAIN pg_catalog.varbyte AS bytea;
    END IF;
    -- Nothing runs in this language; it exists so that rights on it can be granted.
    IF NOT EXISTS (SELECT FROM pg_language WHERE lanname = 'exfunc') THEN
        CREATE TRUSTED LANGUAGE exfunc HANDLER plpgsql_call_handler;
        REVOKE USAGE ON LANGUAGE exfunc FROM PUBLIC;
    END IF;
END
$$;

-- A bit count that Redshift does not know gives an empty string, not an error.
CREATE OR REPLACE FUNCTION pg_catalog.sha2(value text, bits integer) RETURNS character varying
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE bits
        WHEN 0 THEN encode(sha256(convert_to(value, 'UTF8')), 'hex')
        WHEN 224 THEN encode(sha224(convert_to(value, 'UTF8')), 'hex')
        WHEN 256 THEN encode(sha256(convert_to(value, 'UTF8')), 'hex')
        WHEN 384 THEN encode(sha384(convert_to(value, 'UTF8')), 'hex')
        WHEN 512 THEN encode(sha512(convert_to(value, 'UTF8')), 'hex')
        ELSE ''
    END
$$;

-- Start of the statement, without microseconds.
CREATE OR REPLACE FUNCTION pg_catalog.getdate() RETURNS timestamp without time zone
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT date_trunc('second', statement_timestamp()::timestamp)
$$;

CREATE OR REPLACE FUNCTION redshift_internal.strtol_any(value text, base integer) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    digits text := lower(btrim(value));
    negative boolean := false;
    digit integer;
    total numeric := 0;
BEGIN
    IF base < 2 OR base > 36 THEN
        RAISE EXCEPTION 'strtol: base % is outside 2 to 36', base USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF digits LIKE '-%' OR digits LIKE '+%' THEN
        negative := digits LIKE '-%';
        digits := substr(digits, 2);
    END IF;
    IF base = 16 AND digits LIKE '0x%' THEN
        digits := substr(digits, 3);
    END IF;
    FOR place IN 1..length(digits) LOOP
        digit := strpos('0123456789abcdefghijklmnopqrstuvwxyz', substr(digits, place, 1)) - 1;
        IF digit < 0 OR digit >= base THEN
            RAISE EXCEPTION 'the input % is not valid to be converted to base %', value, base
                USING ERRCODE = 'invalid_text_representation';
        END IF;
        total := total * base + digit;
    END LOOP;
    IF negative THEN
        total := -total;
    END IF;
    RETURN total::bigint;
END
$$;

-- Up to fifteen hexadecimal digits, the usual case in hashing, stay in plain SQL that the planner can inline.
CREATE OR REPLACE FUNCTION pg_catalog.strtol(value text, base integer) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE
        WHEN base = 16 AND value ~ '^[0-9a-fA-F]{1,15}$' THEN ('x' || lpad(value, 16, '0'))::bit(64)::bigint
        ELSE redshift_internal.strtol_any(value, base)
    END
$$;

CREATE OR REPLACE FUNCTION pg_catalog.len(value text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT length(value) $$;

CREATE OR REPLACE FUNCTION pg_catalog.charindex(part text, value text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT strpos(value, part) $$;

CREATE OR REPLACE FUNCTION pg_catalog.nvl(VARIADIC choices anycompatiblearray) RETURNS anycompatible
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT choice FROM unnest(choices) WITH ORDINALITY AS u (choice, place)
    WHERE choice IS NOT NULL ORDER BY place LIMIT 1
$$;

CREATE OR REPLACE FUNCTION pg_catalog.json_parse(value text) RETURNS pg_catalog.super
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT value::jsonb::pg_catalog.super $$;

CREATE OR REPLACE FUNCTION pg_catalog.json_serialize(value pg_catalog.super) RETURNS character varying
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT value::text $$;

CREATE OR REPLACE FUNCTION redshift_internal.datepart(name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE
        WHEN lower(name) IN ('year', 'years', 'y', 'yr', 'yrs') THEN 'year'
        WHEN lower(name) IN ('quarter', 'quarters', 'qtr', 'qtrs') THEN 'quarter'
        WHEN lower(name) IN ('month', 'months', 'mon', 'mons') THEN 'month'
        WHEN lower(name) IN ('week', 'weeks', 'w') THEN 'week'
        WHEN lower(name) IN ('day', 'days', 'd') THEN 'day'
        WHEN lower(name) IN ('hour', 'hours', 'h', 'hr', 'hrs') THEN 'hour'
        WHEN lower(name) IN ('minute', 'minutes', 'm', 'min', 'mins') THEN 'minute'
        WHEN lower(name) IN ('second', 'seconds', 's', 'sec', 'secs') THEN 'second'
    END;
END
$$;

CREATE OR REPLACE FUNCTION pg_catalog.dateadd(part text, amount bigint, moment timestamp without time zone)
RETURNS timestamp without time zone
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    unit text := redshift_internal.datepart(part);
BEGIN
    IF unit IS NULL THEN
        RAISE EXCEPTION 'dateadd: date part "%" is not known (redshift-standin)', part;
    END IF;
    RETURN moment + CASE unit WHEN 'quarter' THEN amount * interval '3 months' ELSE amount * ('1 ' || unit)::interval END;
END
$$;

-- Counts the boundaries crossed, not the time elapsed. Weeks begin on Sunday, as in Redshift's DATEDIFF.
CREATE OR REPLACE FUNCTION pg_catalog.datediff(part text, earlier timestamp without time zone, later timestamp without time zone)
RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    unit text := redshift_internal.datepart(part);
    months bigint := (extract(year FROM later) - extract(year FROM earlier)) * 12
        + extract(month FROM later) - extract(month FROM earlier);
BEGIN
    CASE unit
        WHEN 'year' THEN RETURN extract(year FROM later) - extract(year FROM earlier);
        WHEN 'quarter' THEN RETURN (extract(year FROM later) - extract(year FROM earlier)) * 4
            + extract(quarter FROM later) - extract(quarter FROM earlier);
        WHEN 'month' THEN RETURN months;
        WHEN 'week' THEN RETURN ((later::date - extract(dow FROM later)::integer)
            - (earlier::date - extract(dow FROM earlier)::integer)) / 7;
        WHEN 'day' THEN RETURN later::date - earlier::date;
        WHEN 'hour' THEN RETURN extract(epoch FROM date_trunc('hour', later) - date_trunc('hour', earlier)) / 3600;
        WHEN 'minute' THEN RETURN extract(epoch FROM date_trunc('minute', later) - date_trunc('minute', earlier)) / 60;
        WHEN 'second' THEN RETURN extract(epoch FROM date_trunc('second', later) - date_trunc('second', earlier));
        ELSE RAISE EXCEPTION 'datediff: date part "%" is not known (redshift-standin)', part;
    END CASE;
END
$$;

-- Redshift replaces every match, PostgreSQL's own function of that name the first. Its forms are set aside under
-- another name; psql and the stand-in's own SQL don't use them.
DO $$
DECLARE
    form record;
BEGIN
    IF to_regprocedure('pg_catalog.postgresql_regexp_replace(text, text, text)') IS NULL THEN
        FOR form IN
            SELECT oid::regprocedure AS signature FROM pg_proc
            WHERE proname = 'regexp_replace' AND pronamespace = 'pg_catalog'::regnamespace
        LOOP
            EXECUTE format('ALTER FUNCTION %s RENAME TO postgresql_regexp_replace', form.signature);
        END LOOP;
    END IF;
END
$$;

-- The second argument says whether a variable that is not defined is an error: the opposite of PostgreSQL's, in all SQL of the
-- stand-in too.
DO $$
BEGIN
    IF to_regprocedure('pg_catalog.postgresql_current_setting(text, boolean)') IS NULL THEN
        ALTER FUNCTION pg_catalog.current_setting(text, boolean) RENAME TO postgresql_current_setting;
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION pg_catalog.current_setting(variable_name text, error_if_undefined boolean)
RETURNS character varying
LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT postgresql_current_setting(variable_name, NOT error_if_undefined) $$;

CREATE OR REPLACE FUNCTION redshift_internal.regexp_flags(flags text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF flags !~ '^[cip]*$' THEN
        RAISE EXCEPTION 'regular expression flags "%" are other than c, i and p', flags
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- p needs nothing, since look-ahead is always understood here.
    RETURN CASE WHEN right(replace(flags, 'p', ''), 1) = 'i' THEN 'i' ELSE 'c' END;
END
$$;

CREATE OR REPLACE FUNCTION pg_catalog.regexp_replace(value text, pattern text) RETURNS character varying
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT postgresql_regexp_replace(value, pattern, '', 'g') $$;

CREATE OR REPLACE FUNCTION pg_catalog.regexp_replace(value text, pattern text, replacement text)
RETURNS character varying
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT postgresql_regexp_replace(value, pattern, replacement, 'g') $$;

CREATE OR REPLACE FUNCTION pg_catalog.regexp_replace(value text, pattern text, replacement text, place integer)
RETURNS character varying
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT postgresql_regexp_replace(value, pattern, replacement, place, 0)
$$;

CREATE OR REPLACE FUNCTION pg_catalog.regexp_replace(
    value text, pattern text, replacement text, place integer, flags text
) RETURNS character varying
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT postgresql_regexp_replace(value, pattern, replacement, place, 0, redshift_internal.regexp_flags(flags))
$$;
