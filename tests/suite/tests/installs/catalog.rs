//! Who may do what, in the words of the list of grants.

use std::collections::BTreeSet;

use crate::warehouse::Warehouse;

/// The privileges of an account and of PUBLIC on a database and what is in it, as the list has them. What an owner has on its
/// own is left out. Nothing if there is no such database.
pub(crate) async fn privileges(warehouse: &Warehouse, database: &str, account: &str) -> BTreeSet<String> {
    let there = format!("SELECT datname FROM pg_database WHERE datname = '{database}'");
    if warehouse.ask("dev", &there).await.is_empty() {
        return BTreeSet::new();
    }
    let source = |object: &str, acl: &str, kind: char, owner: &str, from: &str| {
        format!(
            "SELECT {object} || ': ' || a.privilege_type \
               || ' to ' || CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END \
             FROM {from}, LATERAL aclexplode(coalesce({acl}, acldefault('{kind}', {owner}))) AS a \
             WHERE (a.grantee = 0 OR a.grantee::regrole::text = '{account}') AND a.grantee <> {owner}"
        )
    };
    let ours = "n.nspname !~ '^(pg_|information_schema|redshift|public)'";
    let mut sql = vec![
        source(
            "'database `' || d.datname || '`'",
            "d.datacl",
            'd',
            "d.datdba",
            "(SELECT * FROM pg_database WHERE datname = current_database()) d",
        ),
        source(
            "'language `' || l.lanname || '`'",
            "l.lanacl",
            'l',
            "l.lanowner",
            "(SELECT * FROM pg_language WHERE lanname = 'exfunc') l",
        ),
        source(
            "'schema `' || n.nspname || '`'",
            "n.nspacl",
            'n',
            "n.nspowner",
            &format!("(SELECT * FROM pg_namespace n WHERE {ours}) n"),
        ),
        source(
            "'`' || c.nspname || '.' || c.relname || '`'",
            "c.relacl",
            'r',
            "c.relowner",
            &format!(
                "(SELECT * FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind IN ('r', 'v') AND {ours}) c"
            ),
        ),
        source(
            "'function `' || p.nspname || '.' || p.proname || '(' \
              || replace(pg_get_function_identity_arguments(p.routine), 'character varying', 'VARCHAR') || ')`'",
            "p.proacl",
            'f',
            "p.proowner",
            &format!(
                "(SELECT *, f.oid AS routine FROM pg_proc f JOIN pg_namespace n ON n.oid = pronamespace WHERE {ours}) p"
            ),
        ),
    ];
    sql.push(
        "SELECT 'functions to come in schema `' || n.nspname || '`: ' || a.privilege_type || ' to PUBLIC' \
         FROM pg_default_acl d JOIN pg_namespace n ON n.oid = d.defaclnamespace, LATERAL aclexplode(d.defaclacl) a \
         WHERE a.grantee = 0"
            .to_owned(),
    );
    sql.push(
        "SELECT 'procedures to come in schema `' || n.nspname || '`: EXECUTE to ' || d.grantee::regrole \
         FROM redshift_internal.procedure_default d JOIN pg_namespace n ON n.oid = d.schema"
            .to_owned(),
    );
    warehouse.ask(database, &sql.join(" UNION ALL ")).await.into_iter().collect()
}
