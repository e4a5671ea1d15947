//! Puts the shims into template1, and so into every database created later, and creates what a new warehouse has.

use super::server::{ADMIN_USER, FIRST_DATABASE, INTERNAL_DATABASE, INTERNAL_USER};
use super::session::connect;
use crate::callback::Place;
use crate::sql::parameter::literal;
use crate::sql::permission;
use sha2::{Digest, Sha256};
use tokio_postgres::Client;

/// The database that stands for the data catalog; each of its schemas is a database of the catalog.
pub const CATALOG_DATABASE: &str = "redoubt_catalog";

const SHIMS: [&str; 8] = [
    include_str!("../shims/functions.sql"),
    include_str!("../shims/remote.sql"),
    include_str!("../shims/translate.sql"),
    include_str!("../shims/external.sql"),
    include_str!("../shims/system.sql"),
    include_str!("../shims/catalog.sql"),
    include_str!("../shims/triggers.sql"),
    include_str!("../shims/privileges.sql"),
];

/// Brings a started server up to date: shims in every database, administrator, first database, port of the servers
/// that reach other databases, and where the stand-in answers the databases.
pub async fn install(port: u16, admin_password: &str, callback: &Place) -> Result<(), tokio_postgres::Error> {
    let internal = connect(port, INTERNAL_USER, INTERNAL_DATABASE).await?;
    let digest = digest();
    for permission in permission::PERMISSIONS {
        create_role(&internal, &permission::role(permission)).await?;
    }
    // Its own literals are written for escapes, whatever other sessions make of a backslash.
    internal.batch_execute(&format!("ALTER ROLE {INTERNAL_USER} SET standard_conforming_strings = off")).await?;
    let rows = internal.query("SELECT datname FROM pg_database WHERE datallowconn ORDER BY datname", &[]).await?;
    for row in rows {
        prepare(port, row.get(0), &digest, callback).await?;
    }
    let existing = internal.query("SELECT rolname FROM pg_roles WHERE rolname = $1", &[&ADMIN_USER]).await?;
    let verb = if existing.is_empty() { "CREATE" } else { "ALTER" };
    let password = literal(admin_password);
    internal
        .batch_execute(&format!("{verb} ROLE {ADMIN_USER} LOGIN SUPERUSER CREATEDB CREATEROLE PASSWORD {password}"))
        .await?;
    for database in [FIRST_DATABASE, CATALOG_DATABASE] {
        if internal.query("SELECT FROM pg_database WHERE datname = $1", &[&database]).await?.is_empty() {
            internal.batch_execute(&format!("CREATE DATABASE {database} OWNER {ADMIN_USER}")).await?;
        }
    }
    Ok(())
}

/// What tells one state of the shims from another.
pub fn digest() -> String {
    let digest = SHIMS.iter().fold(Sha256::new(), |hash, shim| hash.chain_update(shim)).finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn create_role(internal: &Client, name: &str) -> Result<(), tokio_postgres::Error> {
    if internal.query("SELECT FROM pg_roles WHERE rolname = $1", &[&name]).await?.is_empty() {
        internal.batch_execute(&format!("CREATE ROLE \"{name}\"")).await?;
    }
    Ok(())
}

/// Applies the shims to one database unless it has these very ones. The digest is kept as the comment of their schema.
async fn prepare(port: u16, database: &str, digest: &str, callback: &Place) -> Result<(), tokio_postgres::Error> {
    let client = connect(port, INTERNAL_USER, database).await?;
    let present =
        "SELECT obj_description(oid, 'pg_namespace') = $1 FROM pg_namespace WHERE nspname = 'redshift_internal'";
    let current = client.query_opt(present, &[&digest]).await?;
    if current.and_then(|row| row.get::<_, Option<bool>>(0)) != Some(true) {
        let mut script = String::from("BEGIN;\nSET LOCAL client_min_messages = warning;\n");
        for shim in SHIMS {
            script.push_str(shim);
        }
        script.push_str(&format!("COMMENT ON SCHEMA redshift_internal IS '{digest}';\nCOMMIT;"));
        client.batch_execute(&script).await?;
    }
    client
        .batch_execute(&format!(
            "BEGIN; SELECT redshift_internal.renew_servers(); DELETE FROM redshift_internal.callback; \
             INSERT INTO redshift_internal.callback (port, secret) VALUES ({}, {}); COMMIT",
            callback.port,
            literal(&callback.secret)
        ))
        .await
}
