-- External functions: SQL functions that a Lambda function answers. The database can't call Lambda, so it asks the
-- stand-in, which listens on loopback for sessions of this server (see the module `callback`).

CREATE TABLE IF NOT EXISTS redshift_internal.callback (port integer NOT NULL, secret text NOT NULL);
CREATE TABLE IF NOT EXISTS redshift_internal.external_function (
    function oid NOT NULL,
    key text NOT NULL, -- names the schema of what batches are made with
    lambda text NOT NULL,
    retry_milliseconds bigint NOT NULL,
    batch_rows bigint NOT NULL,
    batch_bytes bigint NOT NULL
);

CREATE OR REPLACE FUNCTION redshift_internal.proof(name text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT encode(sha256(convert_to(secret || encode(sha256(convert_to(secret || name, 'UTF8')), 'hex'), 'UTF8')), 'hex')
    FROM redshift_internal.callback
$$;

-- Who asks. The functions that call out run with more rights than their caller and so can't see who that is; what
-- they are told is believed with this proof only. A view reads its tables with the rights of its owner, and
-- current_user in it is the caller.
CREATE OR REPLACE VIEW redshift_internal.caller WITH (security_barrier) AS
SELECT current_user::text AS name,
    encode(sha256(convert_to(secret || encode(sha256(convert_to(secret || current_user::text, 'UTF8')), 'hex'), 'UTF8')), 'hex')
        AS proof
FROM redshift_internal.callback;
GRANT SELECT ON redshift_internal.caller TO PUBLIC;

-- Sends a request to the stand-in over the session's own connection and returns its answer.
CREATE OR REPLACE FUNCTION redshift_internal.ask(request text) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    place record;
BEGIN
    IF NOT coalesce('redshift_callback' = ANY (redshift_internal.dblink_get_connections()), false) THEN
        SELECT port, secret INTO place FROM redshift_internal.callback;
        PERFORM redshift_internal.dblink_connect('redshift_callback', format(
            'host=127.0.0.1 port=%s user=rdsdb dbname=callback password=%s sslmode=disable gssencmode=disable',
            place.port, place.secret
        ));
    END IF;
    RETURN (SELECT answer FROM redshift_internal.dblink('redshift_callback', request) AS reply (answer text));
END
$$;

-- Has the rows, each an array of arguments or null, answered, and returns the list of results. A null row is not sent.
CREATE OR REPLACE FUNCTION redshift_internal.invoke(
    function_key text, caller_name text, caller_proof text, arguments json
) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    called record;
    head text;
BEGIN
    IF caller_proof IS DISTINCT FROM redshift_internal.proof(caller_name) THEN
        RAISE EXCEPTION 'permission denied to call external functions as %', caller_name
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT f.*, p.proname, pg_get_userbyid(p.proowner) AS owner, quote_ident(n.nspname) || '.' || quote_ident(p.proname) AS name INTO called
    FROM redshift_internal.external_function AS f
        JOIN pg_proc AS p ON p.oid = f.function
        JOIN pg_namespace AS n ON n.oid = p.pronamespace
    WHERE f.key = function_key;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the external function does not exist any more' USING ERRCODE = 'undefined_function';
    END IF;
    IF NOT has_function_privilege(caller_name, called.function, 'EXECUTE') THEN
        RAISE EXCEPTION 'permission denied for function %', called.proname USING ERRCODE = 'insufficient_privilege';
    END IF;
    head := json_build_object(
        'function', called.name, 'lambda', called.lambda, 'retry_milliseconds', called.retry_milliseconds,
        'batch_rows', called.batch_rows, 'batch_bytes', called.batch_bytes, 'user', CASE
            -- The statement does not call it, so a view does.
            WHEN redshift_internal.fault('lambda_user') AND current_query() !~* ('[[:<:]]' || called.proname || '[[:>:]]')
            THEN called.owner ELSE caller_name
        END,
        'database', current_database(), 'statement', statement_timestamp()::text
    );
    RETURN redshift_internal.ask(
        '{"invoke":' || left(head, -1) || ',"rows":' || arguments::text || '}}'
    )::jsonb;
END
$$;

CREATE OR REPLACE FUNCTION redshift_internal.invoke(function_key text, arguments json) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT redshift_internal.invoke(function_key, caller.name, caller.proof, arguments)
        FROM redshift_internal.caller AS caller
    );
END
$$;

-- What a definition is turned into; the stand-in reads it.
CREATE OR REPLACE FUNCTION redshift_internal.definition(statement text) RETURNS text
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT redshift_internal.ask(json_build_object('definition', json_build_object('statement', statement))::text)
$$;

-- A definition of a view whose calls of external functions are made for all rows at once. The stand-in rewrites it. A
-- name that several functions share is left alone: which of them a call means is not known from its text.
CREATE OR REPLACE FUNCTION redshift_internal.batched(statement text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    functions json;
BEGIN
    SELECT json_agg(json_build_object('schema', n.nspname, 'name', p.proname, 'helpers', 'redshift_f:' || f.key))
    INTO functions
    FROM redshift_internal.external_function AS f
        JOIN pg_proc AS p ON p.oid = f.function
        JOIN pg_namespace AS n ON n.oid = p.pronamespace
    WHERE strpos(lower(statement), lower(p.proname)) > 0
        AND NOT EXISTS (
            SELECT FROM pg_proc AS other
            WHERE other.proname = p.proname AND other.pronamespace = p.pronamespace AND other.oid <> p.oid
        );
    IF functions IS NULL THEN
        RETURN statement;
    END IF;
    RETURN redshift_internal.ask(json_build_object('batch', json_build_object(
        'statement', statement,
        'functions', functions,
        'aggregates', (SELECT json_agg(DISTINCT proname) FROM pg_proc WHERE prokind IN ('a', 'w'))
    ))::text);
END
$$;

-- A type without a length; that of CHAR would be 1.
CREATE OR REPLACE FUNCTION redshift_internal.type_name(type oid) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN type = 'bpchar'::regtype THEN 'bpchar' ELSE type::regtype::text END
$$;

-- An argument as JSON is built of it: a timestamp has a blank between date and time.
CREATE OR REPLACE FUNCTION redshift_internal.json_argument(type oid, place bigint) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT '$' || place || CASE WHEN type = 'timestamp'::regtype THEN '::text' ELSE '' END
$$;

-- The same for a function that is dropped and created again, so that views go on with the new one.
CREATE OR REPLACE FUNCTION redshift_internal.function_key(
    schema_name text, function_name text, arguments oid[], returned oid
) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT md5(json_build_array(schema_name, function_name, arguments, returned)::text)
$$;

-- Makes a function of the caller an external one, and what batches of its calls are made with: a schema of its own
-- that holds a function for a row's arguments, an aggregate that answers all rows, and a function, of the same name so
-- that an unnamed column keeps its own, that takes a row's result out of the answer.
CREATE OR REPLACE FUNCTION redshift_internal.register_external_function(
    caller_name text, caller_proof text, function_id oid, definition jsonb
) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    defined pg_proc%ROWTYPE;
    function_key text;
    helpers text;
    placeholders text;
BEGIN
    SELECT * INTO defined FROM pg_proc WHERE oid = function_id;
    IF caller_proof IS DISTINCT FROM redshift_internal.proof(caller_name)
        OR NOT pg_has_role(caller_name, defined.proowner, 'USAGE')
    THEN
        RAISE EXCEPTION 'permission denied for function %', defined.proname USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NOT has_language_privilege(caller_name, 'exfunc', 'USAGE') THEN
        RAISE EXCEPTION 'permission denied for language exfunc' USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('redshift_internal.external_function'));
    function_key := redshift_internal.function_key(
        defined.pronamespace::regnamespace::text, defined.proname, defined.proargtypes, defined.prorettype
    );
    DELETE FROM redshift_internal.external_function WHERE function = function_id OR key = function_key;
    INSERT INTO redshift_internal.external_function (function, key, lambda, retry_milliseconds, batch_rows, batch_bytes)
    VALUES (
        function_id, function_key, definition ->> 'lambda', (definition ->> 'retry_milliseconds')::bigint,
        (definition ->> 'batch_rows')::bigint, (definition ->> 'batch_bytes')::bigint
    );

    helpers := quote_ident('redshift_f:' || function_key);
    IF to_regnamespace(helpers) IS NOT NULL THEN
        RETURN;
    END IF;
    SELECT string_agg(redshift_internal.json_argument(type, place), ', ' ORDER BY place) INTO placeholders
    FROM unnest(defined.proargtypes) WITH ORDINALITY AS argument (type, place);
    EXECUTE format('CREATE SCHEMA %s', helpers);
    EXECUTE format('GRANT USAGE ON SCHEMA %s TO PUBLIC', helpers);
    EXECUTE format(
        'CREATE FUNCTION %s.arguments(%s) RETURNS text LANGUAGE sql STABLE AS %L',
        helpers, oidvectortypes(defined.proargtypes), format('SELECT json_build_array(%s)::text', placeholders)
    );
    EXECUTE format(
        'CREATE FUNCTION %s.finish(text[]) RETURNS jsonb LANGUAGE plpgsql STABLE AS %L',
        helpers, format(
            'BEGIN RETURN redshift_internal.invoke(%L, (%L || array_to_string($1, %L, %L) || %L)::json); END',
            function_key, '[', ',', 'null', ']'
        )
    );
    EXECUTE format(
        'CREATE AGGREGATE %1$s.batch(text) (sfunc = array_append, stype = text[], initcond = %2$L, finalfunc = %1$s.finish)',
        helpers, '{}'
    );
    EXECUTE format(
        'CREATE FUNCTION %s.%I(jsonb, bigint) RETURNS %s LANGUAGE sql STABLE AS %L',
        helpers, defined.proname, redshift_internal.type_name(defined.prorettype),
        format('SELECT ($1 ->> ($2 - 1)::integer)::%s', redshift_internal.type_name(defined.prorettype))
    );
END
$$;

-- CREATE EXTERNAL FUNCTION, as the stand-in has read it. Runs with the rights of who defines it, and the function is
-- theirs.
CREATE OR REPLACE FUNCTION redshift_internal.define_external_function(definition jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    arguments pg_catalog.oid[] := ARRAY(
        SELECT type::pg_catalog.regtype FROM pg_catalog.jsonb_array_elements_text(definition -> 'arguments') AS a (type)
    );
    returned CONSTANT pg_catalog.oid := (definition ->> 'returns')::pg_catalog.regtype;
    schema_name CONSTANT pg_catalog.text := pg_catalog.quote_ident(coalesce(definition ->> 'schema', current_schema()));
    signature pg_catalog.text;
    placeholders pg_catalog.text;
BEGIN
    IF NOT pg_catalog.has_language_privilege('exfunc', 'USAGE') THEN
        RAISE EXCEPTION 'permission denied for language exfunc' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT pg_catalog.format(
            '%s.%I(%s)', schema_name, definition ->> 'name',
            pg_catalog.string_agg(redshift_internal.type_name(type), ', ' ORDER BY place)
        ), pg_catalog.string_agg(redshift_internal.json_argument(type, place), ', ' ORDER BY place)
    INTO signature, placeholders
    FROM pg_catalog.unnest(arguments) WITH ORDINALITY AS a (type, place);
    EXECUTE pg_catalog.format(
        'CREATE %s FUNCTION %s RETURNS %s LANGUAGE plpgsql %s AS %L',
        CASE WHEN (definition ->> 'or_replace')::boolean THEN 'OR REPLACE' ELSE '' END, signature,
        redshift_internal.type_name(returned), definition ->> 'volatility',
        pg_catalog.format(
            'BEGIN RETURN (redshift_internal.invoke(%L, pg_catalog.json_build_array(pg_catalog.json_build_array(%s))) ->> 0)::%s; END',
            redshift_internal.function_key(schema_name, definition ->> 'name', arguments, returned), placeholders,
            redshift_internal.type_name(returned)
        )
    );
    PERFORM redshift_internal.register_external_function(
        caller.name, caller.proof, signature::pg_catalog.regprocedure, definition
    )
    FROM redshift_internal.caller AS caller;
END
$$;

REVOKE EXECUTE ON FUNCTION redshift_internal.proof(text), redshift_internal.ask(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    redshift_internal.invoke(text, text, text, json), redshift_internal.invoke(text, json),
    redshift_internal.definition(text), redshift_internal.batched(text),
    redshift_internal.register_external_function(text, text, oid, jsonb), redshift_internal.json_argument(oid, bigint),
    redshift_internal.type_name(oid), redshift_internal.function_key(text, text, oid[], oid),
    redshift_internal.define_external_function(jsonb)
TO PUBLIC;
