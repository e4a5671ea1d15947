//! What the database asks the stand-in for: answers of external functions, and statements that a procedure executes
//! or a view consists of, read by the one reader there is.

pub mod invoke;
pub mod reply;
pub mod wire;

use crate::event::ACCOUNT;
use crate::faults::{Fault, Faults};
use crate::lambda::Lambdas;
use crate::registry::Registry;
use crate::sql::batch::{Callable, batch};
use crate::sql::rewrite::rewrite;
use reply::Form;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

/// Where the stand-in listens for its database, and what lets a session in.
#[derive(Clone)]
pub struct Place {
    /// The port on loopback.
    pub port: u16,
    /// Known to superusers of the database only.
    pub secret: String,
}

impl Place {
    /// A place with a new secret.
    pub fn new(port: u16) -> Result<Self, getrandom::Error> {
        let mut secret = [0_u8; 32];
        getrandom::fill(&mut secret)?;
        Ok(Self { port, secret: secret.iter().map(|byte| format!("{byte:02x}")).collect() })
    }
}

/// An error as the database raises it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    code: &'static str,
    message: String,
}

impl Failure {
    /// An error of this SQLSTATE.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The SQLSTATE.
    pub fn code(&self) -> &'static str {
        self.code
    }
}

/// A session of the database.
#[derive(Debug, Default)]
pub struct Session {
    /// When its statement began, and the number of the query.
    statement: (String, i64),
}

/// Answers the database.
pub struct Callback {
    place: Place,
    lambdas: Arc<Lambdas>,
    registry: Arc<Registry>,
    faults: Arc<Faults>,
    cluster: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request<'a> {
    #[serde(borrow)]
    Invoke(invoke::Call<'a>),
    Definition {
        #[serde(borrow)]
        statement: Cow<'a, str>,
    },
    Batch {
        #[serde(borrow)]
        statement: Cow<'a, str>,
        functions: Vec<Callable>,
        aggregates: HashSet<String>,
    },
}

impl Callback {
    /// Answers for the warehouse of that name.
    pub fn new(
        place: Place,
        lambdas: Arc<Lambdas>,
        registry: Arc<Registry>,
        faults: Arc<Faults>,
        region: &str,
        workgroup: &str,
    ) -> Self {
        let cluster = format!("arn:aws:redshift-serverless:{region}:{ACCOUNT}:workgroup/{workgroup}");
        Self { place, lambdas, registry, faults, cluster }
    }

    /// What a session must give as its password.
    pub fn secret(&self) -> &[u8] {
        self.place.secret.as_bytes()
    }

    /// Answers one request.
    pub async fn answer(&self, session: &mut Session, request: &str) -> Result<String, Failure> {
        let request = serde_json::from_str(request)
            .map_err(|error| Failure::new("XX000", format!("the stand-in was asked for nothing it knows: {error}")))?;
        match request {
            Request::Invoke(call) => {
                if session.statement.0 != call.statement {
                    session.statement = (call.statement.to_string(), self.registry.next_query());
                }
                let form = if self.faults.has(Fault::LambdaReply) { Form::Object } else { Form::Text };
                invoke::all(&call, &self.lambdas, &self.cluster, session.statement.1, form).await
            }
            Request::Definition { statement } => match rewrite(&statement) {
                Ok(rewritten) => Ok(rewritten.text),
                Err(refusal) => Err(Failure::new("0A000", refusal.to_string())),
            },
            Request::Batch { statement, functions, aggregates } => Ok(batch(&statement, &functions, &aggregates)),
        }
    }
}
