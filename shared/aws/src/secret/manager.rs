//! Secrets in AWS Secrets Manager.

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use zeroize::Zeroizing;

use super::{ReadError, Source};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// Less than Redshift waits before it calls the mask function again (RETRY_TIMEOUT, 20 s).
const CALL_TIMEOUT: Duration = Duration::from_secs(15);

/// One secret in AWS Secrets Manager.
#[derive(Debug)]
pub struct SecretsManager {
    client: Client,
    id: String,
}

impl SecretsManager {
    /// Builds the client for a secret, by name or ARN. Endpoint, Region and credentials come from the environment.
    pub async fn connect(id: &str) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(CALL_TIMEOUT)
            .build();
        let sdk = aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts).load().await;
        Self { client: Client::new(&sdk), id: id.to_owned() }
    }
}

impl Source for SecretsManager {
    async fn read(&self) -> Result<Zeroizing<String>, ReadError> {
        let reply = self.client.get_secret_value().secret_id(&self.id).send().await.map_err(|error| reduce(&error))?;
        reply.secret_string.map(Zeroizing::new).ok_or(ReadError::NotText)
    }
}

/// An error of the SDK can hold the reply, and thereby the secret. Only its code goes further.
fn reduce<R>(error: &SdkError<GetSecretValueError, R>) -> ReadError {
    let code = match error {
        SdkError::ServiceError(context) => context.err().code().unwrap_or("no error code"),
        SdkError::ConstructionFailure(_) => "the request could not be built",
        SdkError::TimeoutError(_) => "timed out",
        SdkError::DispatchFailure(_) => "the request could not be sent",
        _ => "the reply could not be read",
    };
    ReadError::Service { code: code.to_owned() }
}
