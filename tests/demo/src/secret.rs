//! The system account's password, reduced to what the integration's document may hold.

use aws_sdk_secretsmanager::{
    Client,
    error::{DisplayErrorContext, SdkError},
    operation::get_secret_value::GetSecretValueError,
};
use redoubt_core::render::hex;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::settings::Settings;

/// Why the digest can't be made.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The secret can't be had.
    #[error("secret `{arn}` can't be read: {}", DisplayErrorContext(source))]
    Read {
        /// Which.
        arn: String,
        /// Why.
        source: Box<SdkError<GetSecretValueError>>,
    },
    /// The secret isn't one of a database account. What it holds is not repeated.
    #[error("secret `{arn}`: found something else, expected a JSON object with `password`")]
    Form {
        /// Which.
        arn: String,
    },
}

#[derive(Deserialize)]
struct Credentials {
    password: String,
}

/// The digest of the system account's password as `CREATE USER` takes it: `sha256|digest|salt`.
///
/// # Errors
/// When Secrets Manager doesn't give the secret, or it holds no password.
pub async fn password_digest(client: &Client, settings: &Settings) -> Result<String, SecretError> {
    let arn = settings.get("REDOUBT_SYSTEM_SECRET_ARN").unwrap_or_default().to_owned();
    let reply = match client.get_secret_value().secret_id(&arn).send().await {
        Ok(reply) => reply,
        Err(source) => {
            return Err(SecretError::Read { arn, source: Box::new(source) });
        }
    };
    let Ok(Credentials { password }) = serde_json::from_str(reply.secret_string().unwrap_or_default()) else {
        return Err(SecretError::Form { arn });
    };
    // One salt for each secret, the same each time, so that a second run says the same.
    let salt: String = hex(&Sha256::digest(&arn)).chars().take(16).collect();
    let digest = hex(&Sha256::digest(format!("{password}{salt}")));
    Ok(format!("sha256|{digest}|{salt}"))
}
