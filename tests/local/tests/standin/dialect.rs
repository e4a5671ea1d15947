//! What is read as Redshift reads it, and what is refused as Redshift refuses it.

use crate::harness::{WORKGROUP, run};
use redoubt_local::postgres::session::connect;
use redoubt_local::sql::parameter::literal;
use redoubt_local::sql::token::tokens;

const NASTY: &[&str] = &[
    "",
    "'",
    "''",
    "\\",
    "\\\\",
    "\\'",
    "'\\",
    "\\' or 1=1 --",
    "'; drop table t; --",
    "/* \" */",
    "*/ /*",
    "--",
    "$$",
    "$a$ $b$ $a$",
    "\"tpch\".\"public\".\"customer\"",
    "with no schema binding",
    "distkey sortkey encode raw",
    ":name ::type",
    "a\nb\r\n\tc",
    "\\n \\x41 \\101 \\u0041",
    "émoji \u{1F600} \u{FFFD} \u{200B}",
    "%s %I %L {}",
    "e'x' U&'\\0041'",
];

#[test]
fn literals_pass_byte_for_byte() {
    run(
        |_| (),
        async |harness| {
            harness
            .admin("dev", &[
                "create table t (a varchar(100))",
                "create procedure store(value varchar) as $$ begin insert into t values (value); end $$ language plpgsql",
                "create procedure run(statement varchar) as $$ begin execute statement; end $$ language plpgsql",
            ])
            .await;
            for value in NASTY {
                let text = literal(value);
                let selected = harness
                    .rows("awsuser", "dev", &format!("select {text} as a -- {}", value.replace(['\n', '\r'], " ")))
                    .await;
                assert_eq!(selected, [[*value]], "selected");
                let statement = format!("insert into t values ({text}) /* x */");
                harness.admin("dev", &[
                "delete from t",
                &format!("call store({text})"),
                &format!("call run({})", literal(&statement)),
                &format!("create view v as select {text}::varchar(100) as a with no schema binding"),
                "insert into t select a from v",
                &format!("call run({})", literal(&format!("create or replace view v as select {text}::varchar(100) as a with no schema binding"))),
                "insert into t select a from v",
                "drop view v",
            ]).await;
                assert_eq!(
                    harness.rows("awsuser", "dev", "select a from t").await,
                    [[*value], [*value], [*value], [*value]]
                );
                // The same through PostgreSQL's own port.
                assert_eq!(harness.direct("awsuser", "dev", &format!("select {text} as a")).await.unwrap(), [[*value]]);
            }
            assert_eq!(
                harness.rows("awsuser", "dev", r"select 'a\'b', length('\\'), 'it''s'").await,
                [["a'b", "1", "it's"]]
            );
        },
    );
}

#[test]
fn both_tokenizers_cut_at_the_same_places() {
    run(
        |_| (),
        async |harness| {
            let client = connect(harness.standin.pg_port(), "awsuser", "dev").await.unwrap();
            let pieces: Vec<&str> =
                NASTY.iter().copied().chain(["select ", " a.b.c ", "'x' ", "$1 ", "#t ", "1.5e3"]).collect();
            let texts: Vec<String> =
                pieces.iter().flat_map(|a| pieces.iter().map(move |b| format!("{a}{b}{a}"))).collect();
            let sql = "SELECT redshift_internal.tokens(text) FROM unnest($1::text[]) WITH ORDINALITY AS t (text, n) ORDER BY n";
            for (text, row) in texts.iter().zip(client.query(sql, &[&texts]).await.unwrap()) {
                let theirs: Vec<String> = row.get(0);
                let ours = tokens(text).into_iter().map(|token| token.text);
                let ours: Vec<&str> =
                    ours.flat_map(|token| if token == "::" { vec![":", ":"] } else { vec![token] }).collect();
                // A comment or literal that never ends is cut up by one and kept whole by the other; PostgreSQL refuses it.
                let open =
                    |token: &&str| token.starts_with("/*") && !token.ends_with("*/") || token.starts_with(['\'', '"']);
                let whole =
                    ours.last().is_none_or(|last| !open(last) || theirs.last().is_some_and(|theirs| theirs == last));
                assert!(!whole || theirs == ours, "{text:?}: {theirs:?} {ours:?}");
            }
        },
    );
}

#[test]
fn definitions_are_taken_and_refused_as_in_redshift() {
    run(
        |_| (),
        async |harness| {
            harness
            .admin("dev", &[
                "create table orders (id bigint identity(1, 1) not null encode az64 distkey, code varchar encode zstd, note text, \
                 tree super, primary key (code)) diststyle key compound sortkey (id, code)",
                "insert into orders (code) values ('a'), ('a'), ('b')",
                "create table copy distkey (id) sortkey (id) as select id, code from orders",
            ])
            .await;
            assert_eq!(
                harness.rows("awsuser", "dev", "select id, code from copy order by 1").await,
                [["1", "a"], ["2", "a"], ["3", "b"]]
            );
            let types = "select atttypid::regtype || ' ' || atttypmod from pg_attribute where attrelid = 'orders'::regclass and attnum > 0 order by attnum";
            assert_eq!(harness.rows("awsuser", "dev", types).await[2], ["character varying 260"]);

            // Views keep their columns.
            harness.admin("dev", &[
            "create schema s",
            "create view s.v as select code, 1 as n from public.orders with no schema binding",
            "create or replace view s.v as select code, 2 as n from public.orders where id > 1 with no schema binding",
            "create procedure replace(statement varchar) as $$ begin execute statement; end $$ language plpgsql",
        ]).await;
            for (columns, message) in [
                ("code, 1 as n, 2 as more", "cannot change number of columns in view s.v"),
                ("code", "cannot drop columns from view"),
                ("code, 1 as other", "cannot change name of view column"),
                ("code, 1.5 as n", "cannot change data type of view column"),
                ("code::varchar(20) as code, 1 as n", "cannot change data type of view column"),
            ] {
                let statement =
                    format!("create or replace view s.v as select {columns} from public.orders with no schema binding");
                for sql in [statement.clone(), format!("call replace({})", literal(&statement))] {
                    let error = harness.error("awsuser", "dev", &sql).await;
                    assert!(error.contains(message), "{columns}: {error}");
                }
            }
            harness
                .admin(
                    "dev",
                    &["drop view s.v", "create view s.v as select code, 1 as n, 2 as more from public.orders"],
                )
                .await;

            // Shims, in views as well.
            harness
                .admin(
                    "dev",
                    &["create view s.now as select getdate() as t, sha2('abc', 256) as h, strtol('ff', 16) as n"],
                )
                .await;
            assert_eq!(
                harness.rows("awsuser", "dev", "select left(h, 8), n, t = getdate() from s.now").await,
                [["ba7816bf", "255", "true"]]
            );
            let sql = "select len('abc'), nvl(null, 'x'), sha2('a', 1), datediff('month', '2024-01-31', '2024-02-01'), dateadd('day', 1, '2024-02-28'::date)";
            assert_eq!(harness.rows("awsuser", "dev", sql).await, [["3", "x", "", "1", "2024-02-29 00:00:00"]]);
            assert!(
                harness
                    .error("awsuser", "dev", "select strtol('fffffffffffffffff', 16)")
                    .await
                    .contains("out of range")
            );

            for (sql, named) in [
                ("insert into orders (code) values ('x') on conflict do nothing", "ON CONFLICT"),
                ("do $$ begin end $$", "a DO block"),
                (r"select E'\n'", "the literal prefix E'…'"),
                ("create index i on orders (id)", "CREATE INDEX"),
                ("create procedure p() as $$ begin execute 'x' using 1; end $$ language plpgsql", "EXECUTE … USING"),
                (
                    "create procedure p() as $$ begin insert into t values (1) returning a; end $$ language plpgsql",
                    "RETURNING",
                ),
            ] {
                let error = harness.error("awsuser", "dev", sql).await;
                assert!(
                    error.starts_with(&format!("ERROR: {named}")) && error.ends_with("(redshift-standin)"),
                    "{error}"
                );
            }
            let long = format!("select 1 as \"{}\"", "n".repeat(64));
            assert!(harness.error("awsuser", "dev", &long).await.contains("limit of the stand-in"));
        },
    );
}

#[test]
fn passwords_are_checked() {
    run(
        |_| (),
        async |harness| {
            use sha2::{Digest, Sha256};
            let digest: String = Sha256::digest("Salted-1salt'1").iter().map(|byte| format!("{byte:02x}")).collect();
            harness
                .admin(
                    "dev",
                    &[
                        "create user clear password 'Clear-text-1'",
                        &format!("create user digest password 'sha256|{digest}|salt''1'"),
                        // md5 of the password and the name
                        &format!("create user md5user password 'md5{}'", "00000000000000000000000000000000"),
                    ],
                )
                .await;
            let md5 = harness.rows("awsuser", "dev", "select md5('Hashed-1' || 'md5user')").await[0][0].clone();
            harness.admin("dev", &[&format!("alter user md5user password 'md5{md5}'")]).await;
            let attempt = async |secret: &str| {
                let execute =
                    harness.client.execute_statement().workgroup_name(WORKGROUP).database("dev").secret_arn(secret);
                let submitted = execute.sql("select current_user").wait_time_seconds(10).send().await.unwrap();
                let ended = harness.describe(submitted.id().unwrap()).await;
                match ended.error() {
                    Some(error) => error.to_owned(),
                    None => harness.result(ended.id()).await[0][0].clone(),
                }
            };
            for (secret, answer) in [
                ("admin", "awsuser"),
                ("clear", "clear"),
                ("digest", "digest"),
                ("md5", "md5user"),
                ("wrong", "FATAL: password authentication failed for user \"awsuser\""),
                ("nobody", "FATAL: password authentication failed for user \"nobody\""),
                ("missing", "FATAL: secret `missing` not found"),
            ] {
                assert_eq!(attempt(secret).await, answer);
            }
            harness
                .admin("dev", &["alter user digest password disable", "alter user clear password 'Another-1'"])
                .await;
            assert!(attempt("digest").await.contains("authentication failed"));
            assert!(attempt("clear").await.contains("authentication failed"));
            assert!(
                harness
                    .error("awsuser", "dev", "create user weak password 'weak'")
                    .await
                    .contains("8 to 64 characters")
            );
        },
    );
}

#[test]
fn variables_that_are_not_defined_are_null_on_request() {
    run(
        |_| (),
        async |harness| {
            let none = "select current_setting('redoubt.none', false)";
            assert_eq!(harness.rows("awsuser", "dev", none).await, [["NULL"]]);
            assert_eq!(harness.direct("awsuser", "dev", none).await.unwrap(), [["NULL"]]);
            for sql in ["select current_setting('redoubt.none', true)", "select current_setting('redoubt.none')"] {
                assert!(
                    harness.error("awsuser", "dev", sql).await.contains("unrecognized configuration parameter"),
                    "{sql}"
                );
            }
            let set = "with s as (select set_config('redoubt.some', 'x', false) as v) select v, current_setting('redoubt.some', \
                       false) from s";
            assert_eq!(harness.rows("awsuser", "dev", set).await, [["x", "x"]]);
        },
    );
}

#[test]
fn regular_expressions_replace_every_match() {
    run(
        |_| (),
        async |harness| {
            let sql = "select regexp_replace('a1b22', '[0-9]'), regexp_replace('aAa', 'a', 'x'), regexp_replace('aAa', 'a', 'x', 2), \
                       regexp_replace('aAa', 'a', 'x', 1, 'i'), regexp_replace('ab', '(?=b)', '-', 1, 'pi'), regexp_replace('a', null, 'x')";
            let expected = [["ab", "xAx", "aAx", "xxx", "a-b", "NULL"]];
            assert_eq!(harness.rows("awsuser", "dev", sql).await, expected);
            assert_eq!(harness.direct("awsuser", "dev", sql).await.unwrap(), expected);
            for sql in ["select regexp_replace('a', 'a', 'x', 'g')", "select regexp_replace('a', 'a', 'x', 1, 'g')"] {
                assert!(harness.direct("awsuser", "dev", sql).await.is_err(), "{sql}");
            }
        },
    );
}
