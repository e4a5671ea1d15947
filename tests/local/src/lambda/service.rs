//! Lambda's own API, as far as invoking goes: one signed request. The SDK's client for it would double the time it
//! takes to build the stand-in.
//!
//! <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>

use super::InvokeError;
use aws_config::SdkConfig;
use aws_sdk_sqs::config::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::HOST;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use std::time::SystemTime;
use tokio::net::TcpStream;

/// The variable that names the service's address apart from that of all services.
const ENDPOINT_VARIABLE: &str = "AWS_ENDPOINT_URL_LAMBDA";

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why the service was not asked.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The stand-in knows no service of its own.
    #[error("neither {ENDPOINT_VARIABLE} nor AWS_ENDPOINT_URL is set, and no program is given for the function")]
    NoEndpoint,
    /// The stand-in is meant for loopback.
    #[error("`{0}` is not of the form http://host:port")]
    Endpoint(String),
    /// There is nothing to sign with.
    #[error("there are no AWS credentials")]
    Credentials(#[source] Cause),
    /// The request could not be signed.
    #[error("the request can't be signed")]
    Sign(#[source] Cause),
    /// The connection failed.
    #[error("no connection to `{endpoint}`")]
    Connect {
        /// The address.
        endpoint: String,
        /// Why it failed.
        source: Cause,
    },
}

/// The service at one address.
pub struct Service {
    endpoint: Option<String>,
    credentials: Option<SharedCredentialsProvider>,
    region: String,
}

/// An error of the service, or of a function.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fault {
    #[serde(rename = "__type")]
    kind: Option<String>,
    #[serde(rename = "Type")]
    type_: Option<String>,
    #[serde(alias = "Message")]
    message: Option<String>,
    #[serde(rename = "errorType")]
    error_type: Option<String>,
    #[serde(rename = "errorMessage")]
    error_message: Option<String>,
}

impl Service {
    /// As the configuration says, and for the address the environment.
    pub fn new(aws: &SdkConfig) -> Self {
        let endpoint = std::env::var(ENDPOINT_VARIABLE).ok().filter(|url| !url.is_empty());
        Self {
            endpoint: endpoint.or_else(|| aws.endpoint_url().map(str::to_owned)),
            credentials: aws.credentials_provider(),
            region: aws.region().map_or_else(|| "us-east-1".to_owned(), ToString::to_string),
        }
    }

    /// Invokes a function and waits for its reply.
    pub async fn invoke(&self, name: &str, payload: Bytes) -> Result<Bytes, InvokeError> {
        let endpoint = self.endpoint.as_deref().ok_or(ServiceError::NoEndpoint)?;
        let malformed = || ServiceError::Endpoint(endpoint.to_owned());
        let authority = endpoint.strip_prefix("http://").ok_or_else(malformed)?.trim_end_matches('/');
        if authority.contains('/') {
            return Err(malformed().into());
        }
        let request = self.signed(authority, name, payload).await?;
        let connect = |source: Cause| ServiceError::Connect { endpoint: endpoint.to_owned(), source };
        let address = if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
        let stream = TcpStream::connect(address).await.map_err(|error| connect(error.into()))?;
        stream.set_nodelay(true).map_err(|error| connect(error.into()))?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| connect(error.into()))?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection to Lambda ended");
            }
        });
        let response = sender.send_request(request).await.map_err(|error| connect(error.into()))?;
        let status = response.status();
        let failed = response.headers().contains_key("x-amz-function-error");
        let header = response.headers().get("x-amzn-errortype").and_then(|name| name.to_str().ok()).map(str::to_owned);
        let body = response.into_body().collect().await.map_err(|error| connect(error.into()))?.to_bytes();
        if status.is_success() && !failed {
            return Ok(body);
        }
        Err(fault(status, failed, header, serde_json::from_slice(&body).unwrap_or_default()))
    }

    async fn signed(&self, authority: &str, name: &str, payload: Bytes) -> Result<Request<Full<Bytes>>, ServiceError> {
        let none = || ServiceError::Credentials("no provider".into());
        let provider = self.credentials.as_ref().ok_or_else(none)?;
        let credentials =
            provider.provide_credentials().await.map_err(|error| ServiceError::Credentials(error.into()))?;
        let path = format!("/2015-03-31/functions/{}/invocations", encoded(name));
        let fault = |error: Cause| ServiceError::Sign(error);
        let identity = credentials.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("lambda")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| fault(error.into()))?
            .into();
        let url = format!("http://{authority}{path}");
        let headers = [("host", authority)];
        let signable = SignableRequest::new("POST", url, headers.into_iter(), SignableBody::Bytes(&payload))
            .map_err(|error| fault(error.into()))?;
        let (instructions, _) = sign(signable, &parameters).map_err(|error| fault(error.into()))?.into_parts();
        let mut request = Request::post(path)
            .header(HOST, authority)
            .body(Full::new(payload.clone()))
            .map_err(|error| fault(error.into()))?;
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}

/// Which of the errors can pass: <https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_EXTERNAL_FUNCTION.html>.
fn fault(status: StatusCode, failed: bool, header: Option<String>, fault: Fault) -> InvokeError {
    let name = header.or(fault.kind).or(fault.error_type).or(fault.type_).unwrap_or_else(|| status.to_string());
    let message = fault.message.or(fault.error_message).unwrap_or_default();
    if failed {
        return InvokeError::Function { name, message };
    }
    let passing = ["TooManyRequestsException", "EC2ThrottledException", "ServiceException"];
    if status == StatusCode::TOO_MANY_REQUESTS || passing.iter().any(|kind| name.ends_with(kind)) {
        return InvokeError::Throttled(format!("{name}: {message}"));
    }
    InvokeError::Service { name, message }
}

/// A name or an ARN as one segment of a path.
fn encoded(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    name.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_apart() {
        let read = |status: u16, failed, body: &str| {
            fault(StatusCode::from_u16(status).unwrap(), failed, None, serde_json::from_str(body).unwrap())
        };
        let throttled = read(429, false, r#"{"__type": "TooManyRequestsException", "message": "Rate Exceeded"}"#);
        assert!(matches!(throttled, InvokeError::Throttled(text) if text == "TooManyRequestsException: Rate Exceeded"));
        assert!(matches!(read(502, false, r#"{"__type": "EC2ThrottledException"}"#), InvokeError::Throttled(_)));
        let unknown = read(404, false, r#"{"__type": "ResourceNotFoundException", "Message": "Function not found"}"#);
        assert_eq!(unknown.to_string(), "Lambda says ResourceNotFoundException: Function not found");
        let own = read(200, true, r#"{"errorType": "Error", "errorMessage": "it broke"}"#);
        assert_eq!(own.to_string(), "Error: it broke");
    }

    #[test]
    fn a_name_is_one_segment() {
        assert_eq!(encoded("arn:aws:lambda:a/b"), "arn%3Aaws%3Alambda%3Aa%2Fb");
    }
}
