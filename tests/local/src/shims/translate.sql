-- What a statement needs that only the database can give it: names of three parts, and which functions are external.
-- WITH NO SCHEMA BINDING and the grant forms are handled here as well, because a procedure may EXECUTE such statements.
-- The stand-in sends statements through the same function, so there is one implementation.

-- Splits SQL into tokens whose concatenation is the text: literals (with backslash escapes), quoted names, comments,
-- dollar-quoted text, words, blanks, single characters.
CREATE OR REPLACE FUNCTION redshift_internal.tokens(statement text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    pattern CONSTANT text := E'\'(?:[^\'\\\\]|\\\\.|\'\')*\'|"(?:[^"]|"")*"|--[^\\n\\r]*|/\\*(?:[^*]|\\*+[^*/])*\\*+/'
        || E'|\\$(?:[A-Za-z_\\u0080-\\U0010ffff][A-Za-z0-9_\\u0080-\\U0010ffff]*)?\\$'
        || E'|#?[A-Za-z_\\u0080-\\U0010ffff][A-Za-z0-9_$\\u0080-\\U0010ffff]*|[0-9][0-9A-Za-z_.]*|[ \\t\\r\\n\\f]+|.';
    result text[] := '{}';
    rest text := statement;
    token text;
    consumed integer;
    closing integer;
    quoted boolean;
BEGIN
    LOOP
        consumed := 0;
        quoted := false;
        FOR token IN SELECT hit[1] FROM regexp_matches(rest, pattern, 'g') AS hit LOOP
            IF token ~ '^[$].*[$]$' AND token <> '$' THEN
                closing := strpos(substr(rest, consumed + length(token) + 1), token);
                IF closing > 0 THEN
                    token := substr(rest, consumed + 1, 2 * length(token) + closing - 1);
                    quoted := true;
                END IF;
            END IF;
            result := result || token;
            consumed := consumed + length(token);
            EXIT WHEN quoted;
        END LOOP;
        EXIT WHEN NOT quoted;
        rest := substr(rest, consumed + 1);
        EXIT WHEN rest = '';
    END LOOP;
    RETURN result;
END
$$;

-- A name as the catalog has it: unquoted ones in lower case.
CREATE OR REPLACE FUNCTION redshift_internal.name_of(token text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN token LIKE '"%' THEN replace(substr(token, 2, length(token) - 2), '""', '"') ELSE lower(token) END
$$;

CREATE OR REPLACE FUNCTION redshift_internal.translate(statement text) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    identifier CONSTANT text := E'^(".+"|[A-Za-z_\\u0080-\\U0010ffff].*)$';
    tokens text[] := redshift_internal.tokens(statement);
    words text[];       -- the tokens that are neither blank nor comment, in lower case unless quoted
    places integer[];   -- where each of them stands in tokens
    total integer;
    last integer;
    word text;
    previous text;
    database_name text;
    hidden text;
    view_definition boolean;
    procedure_definition boolean;
    delimiter text;
    defaults boolean;
    grants boolean;
    reads boolean;
    is_schema boolean;
    remote boolean := false;
    bound boolean := true;
    external text[] := ARRAY(
        SELECT n.nspname FROM redshift_internal.external_schema AS e JOIN pg_namespace AS n ON n.oid = e.schema
    );
    grantee integer;    -- where those begin whom a grant is about
    stack text;
BEGIN
    SELECT array_agg(CASE WHEN token ~ $re$^["'$]$re$ THEN token ELSE lower(token) END ORDER BY place),
        array_agg(place ORDER BY place)
    INTO words, places
    FROM unnest(tokens) WITH ORDINALITY AS t (token, place)
    WHERE token !~ E'^([ \\t\\r\\n\\f]|--|/[*])';
    -- Comments nest in PostgreSQL and do not in Redshift.
    FOR place IN 1..coalesce(array_length(tokens, 1), 0) LOOP
        IF tokens[place] LIKE '/*%/*%' THEN
            tokens[place] := '/*' || replace(substr(tokens[place], 3), '/*', '/ *');
        END IF;
    END LOOP;
    total := coalesce(array_length(words, 1), 0);
    IF total = 0 THEN
        RETURN statement;
    END IF;

    IF words[1:3] = ARRAY['create', 'external', 'function']
        OR words[1:5] = ARRAY['create', 'or', 'replace', 'external', 'function']
    THEN
        RETURN redshift_internal.definition(statement);
    END IF;
    view_definition := words[1] = 'create' AND 'view' = ANY (words[2:5]);
    procedure_definition := words[1] = 'create' AND 'procedure' = ANY (words[2:4]);
    defaults := words[1:3] = ARRAY['alter', 'default', 'privileges'];
    grants := defaults OR words[1] IN ('grant', 'revoke');

    last := total;
    WHILE last > 0 AND words[last] = ';' LOOP
        last := last - 1;
    END LOOP;
    IF view_definition AND last > 4 AND words[last - 3:last] = ARRAY['with', 'no', 'schema', 'binding'] THEN
        bound := false;
        FOR place IN last - 3..last LOOP
            tokens[places[place]] := '';
        END LOOP;
        last := last - 4;
    END IF;

    IF view_definition THEN
        -- Read when the view is made.
        PERFORM set_config('redshift.late_binding', CASE WHEN bound THEN '' ELSE 'on' END, false);
        PERFORM redshift_internal.renew_external_schemas(
            ARRAY(SELECT redshift_internal.name_of(w) FROM unnest(words) AS w WHERE w ~ identifier)
        );
    END IF;
    IF grants THEN
        SELECT min(n) INTO grantee FROM generate_subscripts(words, 1) AS n WHERE words[n] IN ('to', 'from');
    END IF;

    FOR place IN 1..last LOOP
        word := words[place];
        -- Static SQL in the body of a procedure.
        IF procedure_definition AND word LIKE '$%$' THEN
            delimiter := substring(word FROM '^[$][^$]*[$]');
            tokens[places[place]] := delimiter || redshift_internal.translate(
                substr(word, length(delimiter) + 1, length(word) - 2 * length(delimiter))
            ) || delimiter;
        END IF;
        CONTINUE WHEN word !~ identifier;
        IF octet_length(redshift_internal.name_of(word)) > 63 THEN
            RAISE EXCEPTION 'name % is longer than 63 bytes, the stand-in''s limit (redshift-standin)', word
                USING ERRCODE = 'name_too_long';
        END IF;
        previous := CASE WHEN place > 1 THEN words[place - 1] ELSE '' END;

        IF grants AND place < grantee AND redshift_internal.name_of(word) = ANY (external) THEN
            IF words[place + 1] = '.' OR words[place - 2:place - 1] = ARRAY['in', 'schema'] THEN
                RAISE EXCEPTION 'Operation not supported on external tables' USING ERRCODE = 'feature_not_supported';
            END IF;
            -- In a batch, as the stand-in says, or where a procedure executes it.
            GET DIAGNOSTICS stack = PG_CONTEXT;
            IF current_setting('redshift.transaction', false) = 'on' OR strpos(stack, chr(10)) > 0 THEN
                RAISE EXCEPTION '% ON EXTERNAL SCHEMA cannot run inside a transaction block', upper(words[1])
                    USING ERRCODE = 'active_sql_transaction';
            END IF;
        END IF;
        IF view_definition AND word IN ('current_user', 'user') AND previous NOT IN ('.', 'as')
            AND redshift_internal.fault('view_reader')
        THEN
            tokens[places[place]] := 'redshift_internal."current_user"(' || quote_literal(current_user::text) || ')';
        END IF;
        IF grants AND word = 'role' AND previous IN ('to', 'from', 'grant', 'revoke', 'for', ',')
            AND NOT (defaults AND previous = 'for')
            AND coalesce(words[place + 1], '') ~ identifier
        THEN
            tokens[places[place]] := '';
        ELSIF word = 'varbyte' AND words[place + 1] = '(' AND words[place + 3] = ')' THEN
            -- A domain takes no length.
            FOR n IN 1..3 LOOP
                tokens[places[place + n]] := '';
            END LOOP;
        ELSIF grants AND word = 'usage' AND redshift_internal.on_database(words, place) THEN
            tokens[places[place]] := 'CONNECT';
        END IF;

        CONTINUE WHEN previous = '.' OR place + 4 > last OR words[place + 1] <> '.' OR words[place + 3] <> '.';
        CONTINUE WHEN words[place + 2] !~ identifier OR words[place + 4] !~ identifier;
        database_name := lower(redshift_internal.name_of(word));
        CONTINUE WHEN database_name = current_database();
        -- A function of another database can't be called; PostgreSQL says so itself.
        CONTINUE WHEN place + 5 <= last AND words[place + 5] = '(' AND previous NOT IN ('into', 'table');
        reads := previous IN ('from', 'join', 'into', 'update', 'table', 'using', 'only');
        is_schema := to_regnamespace(quote_ident(redshift_internal.name_of(word))) IS NOT NULL;
        IF NOT EXISTS (SELECT FROM pg_database WHERE datname = database_name AND datallowconn) THEN
            -- schema.table.column, or a fault.
            CONTINUE WHEN is_schema OR NOT reads;
            RAISE EXCEPTION 'database "%" does not exist', database_name USING ERRCODE = 'invalid_catalog_name';
        END IF;
        CONTINUE WHEN is_schema AND NOT reads;
        IF redshift_internal.fault('cross_database') THEN
            RAISE EXCEPTION 'cross-database reference to database "%" is not supported', database_name
                USING ERRCODE = 'feature_not_supported';
        END IF;
        remote := true;
        hidden := redshift_internal.ensure_remote(
            database_name, redshift_internal.name_of(words[place + 2]), redshift_internal.name_of(words[place + 4]),
            current_user::text
        );
        tokens[places[place]] := quote_ident(hidden);
        -- Blanks and comments between the parts stay where they are.
        tokens[places[place + 1]] := '.';
        tokens[places[place + 2]] := '';
        tokens[places[place + 3]] := '';
    END LOOP;

    IF remote AND view_definition AND bound THEN
        RAISE EXCEPTION 'a view over a table of another database must be created WITH NO SCHEMA BINDING (redshift-standin)'
            USING ERRCODE = 'feature_not_supported';
    END IF;
    IF view_definition THEN
        RETURN redshift_internal.batched(array_to_string(tokens, ''));
    END IF;
    RETURN array_to_string(tokens, '');
END
$$;

-- Whether the privilege at `place` of a grant is one on databases.
CREATE OR REPLACE FUNCTION redshift_internal.on_database(words text[], place integer) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(words[first_on + 1] = 'database', false)
    FROM (
        SELECT min(n)::integer AS first_on FROM generate_subscripts(words, 1) AS n WHERE n > place AND words[n] = 'on'
    ) AS clause
$$;
GRANT EXECUTE ON FUNCTION redshift_internal.tokens(text), redshift_internal.name_of(text),
    redshift_internal.translate(text), redshift_internal.on_database(text[], integer) TO PUBLIC;
