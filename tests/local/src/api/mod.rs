//! The Data API's wire protocol: AWS JSON 1.1 over HTTP.

pub mod control;
pub mod error;
pub mod http;
pub mod query;
pub mod request;
pub mod submit;
pub mod throttle;
pub mod view;

use crate::registry::Registry;
use crate::runner::Runner;
use crate::warehouse::Warehouse;
use error::ApiError;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::{Arc, Weak};
use throttle::Throttle;

/// The operations of the Data API that exist here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Submits one statement.
    Execute,
    /// Submits up to 40 statements.
    BatchExecute,
    /// Tells how far a statement is.
    Describe,
    /// Gives the rows of a finished statement.
    GetResult,
    /// Lists statements, newest first.
    List,
    /// Cancels a statement.
    Cancel,
}

impl Operation {
    /// The operation named by an `X-Amz-Target` header.
    pub fn from_target(target: &str) -> Option<Self> {
        Some(match target.strip_prefix("RedshiftData.")? {
            "ExecuteStatement" => Self::Execute,
            "BatchExecuteStatement" => Self::BatchExecute,
            "DescribeStatement" => Self::Describe,
            "GetStatementResult" => Self::GetResult,
            "ListStatements" => Self::List,
            "CancelStatement" => Self::Cancel,
            _ => return None,
        })
    }

    /// Requests a second that the service allows.
    pub fn rate(self) -> u32 {
        match self {
            Self::Execute => 30,
            Self::BatchExecute | Self::GetResult => 20,
            Self::Describe => 100,
            Self::List | Self::Cancel => 3,
        }
    }
}

/// The API over the runners of all warehouses.
pub struct Api {
    /// Where statements are kept.
    pub registry: Arc<Registry>,
    /// What runs them, one for each warehouse.
    pub runners: Vec<Arc<Runner>>,
    /// The warehouses, owned by the stand-in, to be stopped and started.
    pub warehouses: Vec<Weak<Warehouse>>,
    /// Request rates, unless switched off.
    pub throttle: Option<Throttle>,
}

impl Api {
    /// Answers one request.
    pub async fn handle(&self, target: &str, body: &[u8]) -> Result<Value, ApiError> {
        let operation = Operation::from_target(target).ok_or_else(|| ApiError::UnknownOperation(target.to_owned()))?;
        if self.throttle.as_ref().is_some_and(|throttle| !throttle.admit(operation)) {
            return Err(ApiError::Throttling);
        }
        match operation {
            Operation::Execute => self.execute(parse(body)?).await,
            Operation::BatchExecute => self.batch_execute(parse(body)?).await,
            Operation::Describe => self.describe(parse(body)?).await,
            Operation::GetResult => self.get_result(parse(body)?).await,
            Operation::List => self.list(&parse(body)?),
            Operation::Cancel => self.cancel(&parse(body)?),
        }
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(ApiError::Malformed)
}
