//! What the unit tests share: replies from a script in place of the network, a statement to send, and what was logged.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use redoubt_core::sql::tree::{Expr, Statement};
use redoubt_core::sql::{Ident, QualifiedName, SqlText, Text, print};
use serde_json::Value;
use tracing::subscriber::DefaultGuard;

use crate::telemetry;

/// Answers requests with the replies given, one after the other, and keeps the requests. When there are no more replies, the
/// connection fails.
#[derive(Debug, Clone, Default)]
pub struct Exchange {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    replies: VecDeque<(u16, Value)>,
    requests: Vec<(String, Value)>,
}

impl Exchange {
    pub fn of(replies: impl IntoIterator<Item = (u16, Value)>) -> Self {
        let replies = replies.into_iter().collect();
        Self { inner: Arc::new(Mutex::new(Inner { replies, requests: Vec::new() })) }
    }

    /// What every SDK client of the tests is made from: these replies, no retries.
    pub fn sdk(&self) -> SdkConfig {
        let credentials = Credentials::new("key", "secret", None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::disabled())
            .http_client(self.client())
            .build()
    }

    fn client(&self) -> impl HttpClient + 'static {
        let connector = SharedHttpConnector::new(self.clone());
        http_client_fn(move |_, _| connector.clone())
    }

    /// Operation and body of a request, counted from 0.
    pub fn request(&self, index: usize) -> (String, Value) {
        self.inner.lock().unwrap().requests[index].clone()
    }

    pub fn count(&self) -> usize {
        self.inner.lock().unwrap().requests.len()
    }
}

impl HttpConnector for Exchange {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        let body = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap();
        let mut inner = self.inner.lock().unwrap();
        inner.requests.push((target, body));
        HttpConnectorFuture::ready(match inner.replies.pop_front() {
            Some((status, body)) => {
                Ok(HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body.to_string())))
            }
            None => Err(ConnectorError::io("no more replies".into())),
        })
    }
}

/// What this thread logs, as the functions do, until this is dropped.
pub struct LogLines {
    sink: Sink,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl LogLines {
    pub fn begin() -> Self {
        Self::with("info")
    }

    pub fn with(filter: &str) -> Self {
        let sink = Sink::default();
        let writer = sink.clone();
        let subscriber = telemetry::subscriber(filter.parse().unwrap(), move || writer.clone());
        Self { sink, _guard: tracing::subscriber::set_default(subscriber) }
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.sink.0.lock().unwrap().clone()).unwrap()
    }

    pub fn all(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Those about an event.
    pub fn of(&self, correlation_id: &str) -> Vec<Value> {
        self.all().into_iter().filter(|line| line["correlation_id"] == correlation_id).collect()
    }
}

/// A statement with a literal.
pub fn statement(literal: &str) -> SqlText {
    print(&Statement::Call {
        procedure: QualifiedName::temporary(Ident::new("procedure").unwrap()),
        arguments: vec![Expr::Text(Text::new(literal).unwrap())],
    })
}
