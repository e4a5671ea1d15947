//! Invokes Lambda functions: through the Lambda service, or, without one, programs that the stand-in runs itself.

pub mod direct;
pub mod runtime;
pub mod service;

use bytes::Bytes;
use direct::Direct;
use service::Service;
use std::collections::HashMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Neither a request nor a reply may be longer.
pub const PAYLOAD_BYTES: usize = 6_291_556;
/// A function must answer in that time.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// A program that answers as a Lambda function.
#[derive(Clone, Debug)]
pub struct Program {
    /// The function's name.
    pub name: String,
    /// What to run; it speaks Lambda's runtime API.
    pub path: PathBuf,
    /// Variables besides those of the stand-in.
    pub environment: Vec<(String, String)>,
}

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// Worth another try.
    #[error("{0}")]
    Throttled(String),
    /// There is no such function, or it may not be invoked.
    #[error("Lambda says {name}: {message}")]
    Service {
        /// The exception.
        name: String,
        /// What it says.
        message: String,
    },
    /// The function itself failed.
    #[error("{name}: {message}")]
    Function {
        /// The kind of error.
        name: String,
        /// What it says.
        message: String,
    },
    /// It did not answer in time.
    #[error("the Lambda function did not answer within {} s", TIMEOUT.as_secs())]
    Timeout,
    /// A payload is longer than Lambda takes.
    #[error("the {what} has {bytes} bytes, and Lambda takes {PAYLOAD_BYTES}")]
    Length {
        /// Request or reply.
        what: &'static str,
        /// Its length.
        bytes: usize,
    },
    /// The service could not be asked.
    #[error("Lambda can't be asked")]
    Unreachable(#[from] service::ServiceError),
    /// The program could not be run.
    #[error("the Lambda function can't be run")]
    Process(#[from] direct::ProcessError),
}

/// The error and what caused it, in one line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

/// All functions there are.
pub struct Lambdas {
    direct: HashMap<String, Direct>,
    service: Service,
}

impl Lambdas {
    /// The programs, whose output goes to files in `logs`, and the service for every other name.
    pub fn new(programs: &[Program], logs: &Path, service: Service) -> Self {
        let direct = programs.iter().map(|program| (program.name.clone(), Direct::new(program.clone(), logs)));
        Self { direct: direct.collect(), service }
    }

    /// Sends `payload` to the function of that name or ARN.
    pub async fn invoke(&self, name: &str, payload: Bytes) -> Result<Bytes, InvokeError> {
        let limit = |what, bytes| match bytes {
            0..=PAYLOAD_BYTES => Ok(()),
            _ => Err(InvokeError::Length { what, bytes }),
        };
        limit("request", payload.len())?;
        let plain = name.split_once(":function:").map_or(name, |(_, plain)| plain);
        let reply = match self.direct.get(plain) {
            Some(direct) => direct.invoke(payload).await,
            None => tokio::time::timeout(TIMEOUT, self.service.invoke(name, payload))
                .await
                .unwrap_or(Err(InvokeError::Timeout)),
        }?;
        limit("reply", reply.len())?;
        Ok(reply)
    }
}
