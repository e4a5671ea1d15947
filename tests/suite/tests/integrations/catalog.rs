//! What the catalog of a database says of Redoubt's objects: owners, rights, columns, texts. Two databases that were set up alike
//! give the same, but for names that must differ.

use super::lab::{ADMINISTRATOR, Lab};

/// One query each; every line tells of one object.
const QUERIES: [(&str, &str); 8] = [
    (
        "database",
        "SELECT pg_get_userbyid(datdba), (SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(datacl) a) \
         FROM pg_database WHERE datname = current_database()",
    ),
    (
        "schemas",
        "SELECT nspname, pg_get_userbyid(nspowner), (SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(nspacl) a) \
         FROM pg_namespace n WHERE {ours} ORDER BY 1",
    ),
    (
        "relations",
        "SELECT n.nspname, relname, relkind, pg_get_userbyid(relowner), \
         (SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(relacl) a) \
         FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE {ours} ORDER BY 1, 2",
    ),
    (
        "columns",
        "SELECT n.nspname, relname, attname, format_type(atttypid, atttypmod), attnotnull \
         FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid JOIN pg_namespace n ON n.oid = relnamespace \
         WHERE {ours} AND attnum > 0 AND NOT attisdropped ORDER BY 1, 2, attnum",
    ),
    (
        "views",
        "SELECT n.nspname, relname, pg_get_viewdef(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace \
         WHERE {ours} AND relkind = 'v' ORDER BY 1, 2",
    ),
    (
        "functions",
        "SELECT n.nspname, proname, pg_get_function_identity_arguments(p.oid), prokind, prosecdef, provolatile, \
         pg_get_userbyid(proowner), (SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(proacl) a), md5(prosrc) \
         FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE {ours} ORDER BY 1, 2, 3",
    ),
    (
        "default rights",
        "SELECT pg_get_userbyid(defaclrole), n.nspname, defaclobjtype, \
         (SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(defaclacl) a) \
         FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = defaclnamespace ORDER BY 1, 2, 3",
    ),
    (
        "languages",
        "SELECT lanname, (SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(lanacl) a) \
         FROM pg_language WHERE lanname IN ('plpgsql', 'exfunc', 'sql') ORDER BY 1",
    ),
];

/// Condition for the schemas of Redoubt with a prefix, the policy views' and the external ones.
fn ours(prefix: &str, view_schema: &str) -> String {
    format!("(n.nspname LIKE '{prefix}\\_%' OR n.nspname = '{view_schema}')")
}

/// Everything the catalog says of Redoubt in a database, with some names replaced.
pub async fn dump(lab: &Lab, database: &str, prefix: &str, view_schema: &str, replace: &[(&str, &str)]) -> String {
    let session = lab.session(ADMINISTRATOR, database).await;
    session.batch_execute("SET standard_conforming_strings = on").await.unwrap();
    let mut text = String::new();
    for (name, query) in QUERIES {
        let seen = super::lab::seen(&session, &query.replace("{ours}", &ours(prefix, view_schema))).await;
        assert!(!seen.starts_with("ERROR"), "{name}: {seen}");
        text.push_str(&format!("== {name}\n{seen}\n"));
    }
    for (from, to) in replace {
        text = text.replace(from, to);
    }
    text
}

/// Every object, role and database there is on the whole warehouse that PostgreSQL does not bring along: what must be as before
/// when everything of Redoubt's is gone.
pub async fn all(lab: &Lab, databases: &[&str]) -> String {
    let mut text = String::new();
    let roles = "SELECT rolname FROM pg_roles WHERE rolname NOT LIKE 'pg\\_%' ORDER BY 1";
    let names = "SELECT datname FROM pg_database ORDER BY 1";
    let session = lab.session(ADMINISTRATOR, databases[0]).await;
    for query in [roles, names] {
        text.push_str(&super::lab::seen(&session, query).await);
        text.push_str("\n--\n");
    }
    for database in databases {
        let everything = "n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname NOT LIKE 'pg\\_%' \
                          AND n.nspname NOT LIKE 'redshift\\_%'";
        let session = lab.session(ADMINISTRATOR, database).await;
        for (name, query) in QUERIES {
            let seen = super::lab::seen(&session, &query.replace("{ours}", everything)).await;
            text.push_str(&format!("== {database} {name}\n{seen}\n"));
        }
    }
    text
}
