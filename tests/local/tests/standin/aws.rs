//! As much of SQS, Secrets Manager and Lambda as the stand-in asks for.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

/// What was asked of the services.
#[derive(Default)]
pub struct Seen {
    /// How often the queue was looked for.
    pub lookups: usize,
    /// The messages sent.
    pub messages: Vec<Value>,
    /// Invocations: path, authorization and payload.
    pub invocations: Vec<(String, String, Value)>,
}

pub struct FakeAws {
    pub seen: Arc<Mutex<Seen>>,
    pub config: SdkConfig,
}

impl FakeAws {
    /// The queue exists from the second look on.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .endpoint_url(&endpoint)
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "test")))
            .build();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let state = Arc::clone(&seen);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (state, endpoint) = (Arc::clone(&state), endpoint.clone());
                tokio::spawn(async move {
                    let service = service_fn(|request| answer(request, &state, &endpoint));
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { seen, config }
    }

    /// The messages, as soon as there are this many.
    pub async fn until(&self, count: usize) -> Vec<Value> {
        for _ in 0..500 {
            let messages = self.seen.lock().unwrap().messages.clone();
            if messages.len() >= count {
                return messages;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no event");
    }
}

async fn answer(
    request: Request<Incoming>,
    seen: &Mutex<Seen>,
    endpoint: &str,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.uri().path().ends_with("/invocations") {
        return Ok(invoke(request, seen).await);
    }
    let target = request.headers().get("x-amz-target").unwrap().to_str().unwrap().to_owned();
    let body: Value = serde_json::from_slice(&request.into_body().collect().await.unwrap().to_bytes()).unwrap();
    let mut seen = seen.lock().unwrap();
    let (status, reply) = match target.as_str() {
        "AmazonSQS.GetQueueUrl" => {
            seen.lookups += 1;
            match seen.lookups {
                1 => (400, json!({ "__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "no such queue" })),
                _ => (200, json!({ "QueueUrl": format!("{endpoint}/queue/{}", body["QueueName"].as_str().unwrap()) })),
            }
        }
        "AmazonSQS.SendMessage" => {
            seen.messages.push(body);
            (200, json!({ "MessageId": "m", "MD5OfMessageBody": "" }))
        }
        "secretsmanager.GetSecretValue" if body["SecretId"] == "admin-secret" => (
            200,
            json!({ "Name": "admin-secret", "SecretString": r#"{"username": "awsuser", "password": "Redoubt-local-1"}"# }),
        ),
        _ => {
            (400, json!({ "__type": "ResourceNotFoundException", "message": "Secrets Manager can't find the secret" }))
        }
    };
    Ok(Response::builder().status(status).body(Full::new(reply.to_string().into())).unwrap())
}

/// `busy` is throttled twice, `broken` fails, `missing` doesn't exist; the others give the user for each row.
async fn invoke(request: Request<Incoming>, seen: &Mutex<Seen>) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let authorization = request.headers()["authorization"].to_str().unwrap().to_owned();
    let body: Value = serde_json::from_slice(&request.into_body().collect().await.unwrap().to_bytes()).unwrap();
    let mut seen = seen.lock().unwrap();
    let rows = body["num_records"].as_u64().unwrap();
    let results = vec![body["user"].clone(); usize::try_from(rows).unwrap()];
    seen.invocations.push((path.clone(), authorization, body));
    let (status, reply) = match path.as_str() {
        path if path.contains("/missing/") => {
            (404, json!({ "__type": "ResourceNotFoundException", "Message": "Function not found" }))
        }
        path if path.contains("/busy/") && seen.invocations.len() <= 2 => {
            (429, json!({ "__type": "TooManyRequestsException", "Message": "Rate Exceeded" }))
        }
        path if path.contains("/broken/") => {
            (200, json!({ "errorType": "Runtime.ExitError", "errorMessage": "it ended" }))
        }
        _ => (200, Value::String(json!({ "success": true, "num_records": rows, "results": results }).to_string())),
    };
    let mut response = Response::builder().status(status);
    if path.contains("/broken/") {
        response = response.header("X-Amz-Function-Error", "Unhandled");
    }
    response.body(Full::new(reply.to_string().into())).unwrap()
}
