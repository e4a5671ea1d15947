//! The HTTP side: one service, requests told apart by the `X-Amz-Target` header; without it, the stand-in's own are by
//! their path.

use super::error::ApiError;
use super::{Api, control};
use crate::identifier;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Forty statements of the largest size, escaped, and then some.
const BODY_BYTES: usize = 32 * 1024 * 1024;

/// Serves until `stop` turns true or its sender is gone.
pub async fn serve(listener: TcpListener, api: Arc<Api>, mut stop: watch::Receiver<bool>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "connection not accepted");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            }
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY not set");
        }
        let api = Arc::clone(&api);
        let mut stop = stop.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let api = Arc::clone(&api);
                async move { Ok::<_, Infallible>(respond(&api, request).await) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service);
            tokio::select! {
                served = connection => {
                    if let Err(error) = served {
                        tracing::debug!(%error, "connection ended");
                    }
                }
                _ = stop.wait_for(|stop| *stop) => {}
            }
        });
    }
}

async fn respond(api: &Api, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let request_id = identifier::unique();
    let path = request.uri().path();
    if path.starts_with(control::PREFIX) && !request.headers().contains_key("x-amz-target") {
        let (status, body) = api.control(request.method(), path).await;
        return answer(status, body.to_string().into(), &request_id, None);
    }
    let target =
        request.headers().get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let body = match Limited::new(request.into_body(), BODY_BYTES).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => {
            tracing::debug!(%error, "request body not read");
            return answer(StatusCode::PAYLOAD_TOO_LARGE, Bytes::new(), &request_id, None);
        }
    };
    match api.handle(&target, &body).await {
        Ok(value) => answer(StatusCode::OK, value.to_string().into(), &request_id, None),
        Err(error) => {
            tracing::info!(target, error = error.name(), message = %error, "request refused");
            answer(StatusCode::BAD_REQUEST, error.body(&named(&body)).to_string().into(), &request_id, Some(&error))
        }
    }
}

/// The id that the request names, for errors that repeat it.
fn named(body: &[u8]) -> String {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    body.get("Id").and_then(|id| id.as_str()).unwrap_or_default().to_owned()
}

fn answer(status: StatusCode, body: Bytes, request_id: &str, error: Option<&ApiError>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(HeaderName::from_static("x-amzn-requestid"), id);
    }
    if let Some(error) = error {
        headers.insert(HeaderName::from_static("x-amzn-errortype"), HeaderValue::from_static(error.name()));
    }
    response
}
