//! What the catalog of a warehouse says of everything that is no part of the database system or of the stand-in: two
//! warehouses that were set up alike say the same, and one from which Redoubt was removed says what it said before.

use std::collections::BTreeSet;

use super::{ADMINISTRATOR, DATABASE, OwnWarehouse};
use crate::stack::StackError;

/// A line for every object of every database, with owner, rights, columns and text, and for every database and account.
///
/// # Errors
/// The database's.
pub async fn all(warehouse: &OwnWarehouse) -> Result<BTreeSet<String>, StackError> {
    let mut found: BTreeSet<String> = lines(warehouse, DATABASE, &everywhere()).await?.into_iter().collect();
    let databases = "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate";
    let in_database = in_database();
    for database in lines(warehouse, DATABASE, databases).await? {
        let lines = lines(warehouse, &database, &in_database).await?;
        found.extend(lines.into_iter().map(|line| format!("{database}: {line}")));
    }
    Ok(found)
}

async fn lines(warehouse: &OwnWarehouse, database: &str, sql: &str) -> Result<Vec<String>, StackError> {
    warehouse.session(ADMINISTRATOR, database).await?.column(sql).await
}

/// Rights, in an order that does not tell which were given first.
fn acl(column: &str) -> String {
    format!("coalesce(array_to_string(ARRAY(SELECT unnest({column})::text ORDER BY 1), ','), '')")
}

/// Of the warehouse as a whole.
fn everywhere() -> String {
    format!(
        "SELECT 'database ' || datname || ' of ' || datdba::regrole || ': ' || {} FROM pg_database \
         UNION ALL SELECT 'account ' || rolname FROM pg_roles WHERE rolname !~ '^pg_'",
        acl("coalesce(datacl, acldefault('d', datdba))")
    )
}

/// Of the objects of a database.
fn in_database() -> String {
    let ours = "n.nspname !~ '^(pg_|redshift_)' AND n.nspname <> 'information_schema'";
    let columns = "SELECT attname || ' ' || format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END \
                   FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum";
    format!(
        "SELECT 'schema ' || n.nspname || ' of ' || n.nspowner::regrole || ': ' || {} FROM pg_namespace n WHERE {ours} \
         UNION ALL SELECT 'relation ' || n.nspname || '.' || c.relname || ' of ' || c.relowner::regrole || ': ' || {} \
           || ', ' || c.relkind::text || '(' || array_to_string(ARRAY({columns}), ', ') || ')' \
           || CASE WHEN c.relkind = 'v' THEN ' AS ' || pg_get_viewdef(c.oid) ELSE '' END \
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {ours} \
         UNION ALL SELECT 'routine ' || n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) \
           || ') of ' || p.proowner::regrole || ': ' || {} || ', ' || p.prokind::text || ', ' || p.provolatile::text \
           || CASE WHEN p.prosecdef THEN ', as its owner, ' ELSE ', ' END || md5(p.prosrc) \
           FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {ours} \
         UNION ALL SELECT 'default of ' || d.defaclrole::regrole || ' in ' || coalesce(n.nspname, 'every schema') \
           || ' for ' || d.defaclobjtype::text || ': ' || {} \
           FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace \
         UNION ALL SELECT 'default on procedures in ' || n.nspname || ' of ' || creator::regrole || ' to ' || grantee::regrole \
           FROM redshift_internal.procedure_default d JOIN pg_namespace n ON n.oid = d.schema \
         UNION ALL SELECT 'language ' || lanname || ': ' || {} FROM pg_language \
           WHERE lanname IN ('plpgsql', 'sql') AND lanacl IS NOT NULL \
             OR lanname = 'exfunc' AND lanacl IS DISTINCT FROM '{{rdsdb=U/rdsdb}}'",
        acl("n.nspacl"),
        acl("c.relacl"),
        acl("p.proacl"),
        acl("d.defaclacl"),
        acl("lanacl"),
    )
}
