//! Who a statement runs as: the user of a secret, whose password is checked here because PostgreSQL's own port trusts
//! loopback.

use crate::sql::user::SALT_SETTING;
use serde::Deserialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use tokio_postgres::Client;

/// User name and password of a secret.
#[derive(Clone, Deserialize)]
pub struct Credentials {
    /// The database user.
    pub username: String,
    /// Its password in clear.
    pub password: String,
}

/// Where secrets come from.
pub enum Secrets {
    /// The standard Secrets Manager endpoint.
    Manager(Box<aws_sdk_secretsmanager::Client>),
    /// A file: a JSON object from name or ARN to credentials.
    File(HashMap<String, Credentials>),
}

/// Why a secret or the user in it is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The file of secrets can't be used.
    #[error("can't read secrets file `{path}`")]
    File {
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The secret or the file is not of the expected form.
    #[error("`{name}` is not a JSON object with `username` and `password`")]
    Form {
        /// The secret or the file.
        name: String,
        /// Where it departs.
        source: serde_json::Error,
    },
    /// No such secret.
    #[error("secret `{0}` not found")]
    Unknown(String),
    /// Secrets Manager did not give it.
    #[error("can't get secret `{name}`")]
    Manager {
        /// The secret.
        name: String,
        /// What the service said.
        source: Box<aws_sdk_secretsmanager::Error>,
    },
    /// The same text for an unknown user and a wrong password.
    #[error("password authentication failed for user \"{0}\"")]
    Password(String),
    /// The check itself failed.
    #[error("can't check the password")]
    Check(#[from] tokio_postgres::Error),
}

impl Secrets {
    /// Reads a file of secrets.
    pub fn from_file(path: &Path) -> Result<Self, AuthError> {
        let text = std::fs::read_to_string(path).map_err(|source| AuthError::File { path: path.into(), source })?;
        let map = serde_json::from_str(&text)
            .map_err(|source| AuthError::Form { name: path.display().to_string(), source })?;
        Ok(Self::File(map))
    }

    /// The credentials under a secret's name or ARN.
    pub async fn resolve(&self, name: &str) -> Result<Credentials, AuthError> {
        match self {
            Self::File(map) => map.get(name).cloned().ok_or_else(|| AuthError::Unknown(name.to_owned())),
            Self::Manager(client) => {
                let value = client.get_secret_value().secret_id(name).send().await.map_err(|error| {
                    let source = Box::new(aws_sdk_secretsmanager::Error::from(error));
                    AuthError::Manager { name: name.to_owned(), source }
                })?;
                serde_json::from_str(value.secret_string().unwrap_or_default())
                    .map_err(|source| AuthError::Form { name: name.to_owned(), source })
            }
        }
    }
}

/// Compares a password with what `CREATE USER … PASSWORD` left (see `sql::user`).
pub async fn check_password(internal: &Client, credentials: &Credentials) -> Result<(), AuthError> {
    let sql = "SELECT rolpassword, (SELECT substr(setting, length($2) + 2) FROM pg_db_role_setting, unnest(setconfig) AS setting \
               WHERE setrole = pg_authid.oid AND setdatabase = 0 AND starts_with(setting, $2 || '=')) AS salt \
               FROM pg_authid WHERE rolname = $1 AND rolcanlogin AND (rolvaliduntil IS NULL OR rolvaliduntil > now())";
    let compare = "SELECT $1::text = 'md5' || md5($2::text || $4::text) OR ($3::text IS NOT NULL AND $1 = 'md5' || md5( \
                   'sha256|' || encode(sha256(convert_to($2 || $3, 'UTF8')), 'hex') || '|' || $3 || $4))";
    let refused = || AuthError::Password(credentials.username.clone());
    let stored = internal.query_opt(sql, &[&credentials.username, &SALT_SETTING]).await?.ok_or_else(refused)?;
    let password: Option<&str> = stored.get(0);
    let salt: Option<&str> = stored.get(1);
    let equal: Option<bool> =
        internal.query_one(compare, &[&password, &credentials.password, &salt, &credentials.username]).await?.get(0);
    if equal == Some(true) { Ok(()) } else { Err(refused()) }
}
