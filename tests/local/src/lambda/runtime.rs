//! Lambda's runtime API, which a function's process asks for its next invocation.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use super::{InvokeError, TIMEOUT};
use crate::event::ACCOUNT;
use crate::identifier;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};

const ROOT: &str = "/2018-06-01/runtime/";
/// A reply of the greatest length, escaped, and then some; the caller holds it to the real limit.
const BODY_BYTES: usize = 64 * 1024 * 1024;

type Reply = Result<Bytes, InvokeError>;

/// What waits for a process, and what waits for its answers.
#[derive(Default)]
pub struct Invocations {
    inner: Mutex<Inner>,
    arrived: Notify,
}

#[derive(Default)]
struct Inner {
    waiting: std::collections::VecDeque<(String, Bytes)>,
    replies: HashMap<String, oneshot::Sender<Reply>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Fault {
    error_type: Option<String>,
    error_message: Option<String>,
}

impl Invocations {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues an invocation; its id and what will hold the reply.
    pub fn submit(&self, payload: Bytes) -> (String, oneshot::Receiver<Reply>) {
        let id = identifier::unique();
        let (sender, receiver) = oneshot::channel();
        let mut inner = self.lock();
        inner.replies.insert(id.clone(), sender);
        inner.waiting.push_back((id.clone(), payload));
        drop(inner);
        self.arrived.notify_one();
        (id, receiver)
    }

    /// Drops an invocation that nobody waits for any more.
    pub fn forget(&self, id: &str) {
        let mut inner = self.lock();
        inner.replies.remove(id);
        inner.waiting.retain(|(waiting, _)| waiting != id);
    }

    /// Ends everything that is queued or running, since the process is gone.
    pub fn fail(&self, error: impl Fn() -> InvokeError) {
        let mut inner = self.lock();
        inner.waiting.clear();
        for (_, sender) in inner.replies.drain() {
            let _ = sender.send(Err(error()));
        }
    }

    async fn next(&self) -> (String, Bytes) {
        loop {
            let arrived = self.arrived.notified();
            if let Some(next) = self.lock().waiting.pop_front() {
                return next;
            }
            arrived.await;
        }
    }

    fn reply(&self, id: &str, reply: Reply) -> StatusCode {
        match self.lock().replies.remove(id) {
            Some(sender) => {
                let _ = sender.send(reply);
                StatusCode::ACCEPTED
            }
            None => StatusCode::BAD_REQUEST,
        }
    }
}

/// Serves the processes of the function of that name.
pub async fn serve(listener: TcpListener, name: String, invocations: Arc<Invocations>) {
    let arn: Arc<str> = format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}").into();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            continue;
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY not set");
        }
        let (invocations, arn) = (Arc::clone(&invocations), Arc::clone(&arn));
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let (invocations, arn) = (Arc::clone(&invocations), Arc::clone(&arn));
                async move { Ok::<_, Infallible>(respond(request, &invocations, &arn).await) }
            });
            let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection of a function ended");
            }
        });
    }
}

async fn respond(request: Request<Incoming>, invocations: &Invocations, arn: &str) -> Response<Full<Bytes>> {
    let path = request.uri().path().strip_prefix(ROOT).unwrap_or_default().to_owned();
    let parts: Vec<&str> = path.split('/').collect();
    if request.method() == Method::GET && parts == ["invocation", "next"] {
        let (id, payload) = invocations.next().await;
        return next(&id, payload, arn);
    }
    let Ok(body) = Limited::new(request.into_body(), BODY_BYTES).collect().await else {
        return empty(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let body = body.to_bytes();
    let fault = || {
        let fault: Fault = serde_json::from_slice(&body).unwrap_or_default();
        InvokeError::Function {
            name: fault.error_type.unwrap_or_else(|| "Unhandled".to_owned()),
            message: fault.error_message.unwrap_or_default(),
        }
    };
    match parts.as_slice() {
        ["invocation", id, "response"] => empty(invocations.reply(id, Ok(body))),
        ["invocation", id, "error"] => empty(invocations.reply(id, Err(fault()))),
        ["init", "error"] => {
            invocations.fail(fault);
            empty(StatusCode::ACCEPTED)
        }
        _ => empty(StatusCode::NOT_FOUND),
    }
}

fn next(id: &str, payload: Bytes, arn: &str) -> Response<Full<Bytes>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let response = Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", id)
        .header("lambda-runtime-deadline-ms", (now + TIMEOUT).as_millis().to_string())
        .header("lambda-runtime-invoked-function-arn", arn)
        .body(Full::new(payload));
    response.unwrap_or_else(|_| empty(StatusCode::INTERNAL_SERVER_ERROR))
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
