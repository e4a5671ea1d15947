//! What the catalog of the warehouse says.

use std::collections::BTreeSet;

use crate::warehouse::Warehouse;

/// Every object of every database that is no part of the database system or the stand-in, with owner and privileges.
pub(crate) async fn all(warehouse: &Warehouse) -> BTreeSet<String> {
    let acl = |column: &str| format!("array_to_string(ARRAY(SELECT unnest({column})::text ORDER BY 1), ',')");
    let ours = "n.nspname !~ '^(pg_|information_schema|redshift)'";
    let per_database = format!(
        "SELECT 'schema ' || n.nspname || ' of ' || n.nspowner::regrole || ': ' || coalesce({}, '') FROM pg_namespace n \
           WHERE {ours} AND n.nspname <> 'public' \
         UNION ALL SELECT 'relation ' || n.nspname || '.' || c.relname || ' of ' || c.relowner::regrole || ': ' \
           || coalesce({}, '') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {ours} \
         UNION ALL SELECT 'routine ' || n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) \
           || ') of ' || p.proowner::regrole || ': ' || coalesce({}, '') FROM pg_proc p \
           JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {ours} \
         UNION ALL SELECT 'default of ' || d.defaclrole::regrole || ' in ' || d.defaclnamespace::regnamespace || ': ' || {} \
           FROM pg_default_acl d \
         UNION ALL SELECT 'default on procedures of ' || creator::regrole || ' to ' || grantee::regrole \
           FROM redshift_internal.procedure_default d JOIN pg_namespace n ON n.oid = d.schema \
         UNION ALL SELECT 'language ' || lanname || ': ' || {} FROM pg_language WHERE lanname = 'exfunc' AND lanacl <> '{{rdsdb=U/rdsdb}}'",
        acl("n.nspacl"),
        acl("c.relacl"),
        acl("p.proacl"),
        acl("d.defaclacl"),
        acl("lanacl"),
    );
    let everywhere = format!(
        "SELECT 'database ' || datname || ' of ' || datdba::regrole || ': ' \
           || {} FROM pg_database \
         UNION ALL SELECT 'account ' || rolname FROM pg_roles WHERE rolname !~ '^(pg_|redshift)'",
        acl("coalesce(datacl, acldefault('d', datdba))")
    );
    let mut found: BTreeSet<String> = warehouse.ask("dev", &everywhere).await.into_iter().collect();
    let databases = "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate";
    for database in warehouse.ask("dev", databases).await {
        let lines = warehouse.ask(&database, &per_database).await;
        found.extend(lines.into_iter().map(|line| format!("{database}: {line}")));
    }
    found
}

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
