//! What the schedules ask for: that nothing is lost when an event, an invocation or a warehouse is.

mod sweep;

use redoubt_core::event::{Fault, Faults};
use serde_json::Value;

use super::{error::WorkError, intake::Outcomes, reach};
use crate::{
    batch::{Message, Outcome},
    port::{Queues, Store, Warehouse},
    runtime::App,
};

/// Handles a batch of requests of the schedules. They are done one after the other, and equal ones once: a second run would
/// find what the first is about to mend.
pub async fn reconcile<S: Store, W: Warehouse, Q: Queues>(app: &App<S, W, Q>, messages: Vec<Message>) -> Vec<Outcome> {
    let mut outcomes = Outcomes::new(app, &messages);
    let mut asked: Vec<(Request, Vec<usize>)> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        match Request::read(&message.body) {
            Err(faults) => outcomes.fail(&[index], &faults.into()),
            Ok(request) => match asked.iter_mut().find(|(known, _)| *known == request) {
                Some((_, messages)) => messages.push(index),
                None => asked.push((request, vec![index])),
            },
        }
    }
    for (request, messages) in asked {
        if let Err(error) = request.serve(app).await {
            outcomes.fail(&messages, &error);
        }
    }
    outcomes.into_inner()
}

/// What a message asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Request {
    /// To ask after statements without an outcome and warehouses that did not answer.
    Sweep,
}

impl Request {
    fn read(body: &str) -> Result<Self, Faults> {
        let fault = |path: &str, found: &str, expected: &str| Faults(vec![Fault::new(path, found, expected)]);
        let value: Value =
            serde_json::from_str(body).map_err(|error| fault("$", &format!("no JSON: {error}"), "a request"))?;
        match value.get("type").and_then(Value::as_str) {
            Some("sweep") => Ok(Self::Sweep),
            Some(_) => Err(fault("type", "something else", "`sweep`")),
            None => Err(fault("type", "nothing", "`sweep`")),
        }
    }

    async fn serve<S: Store, W: Warehouse, Q: Queues>(&self, app: &App<S, W, Q>) -> Result<(), WorkError> {
        match self {
            Self::Sweep => {
                sweep::sweep(app).await?;
                reach::call_on(app).await
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_that_are_none_are_refused_with_the_reason() {
        let error = |body: &str| Request::read(body).err().unwrap().to_string();
        assert_eq!(error("{}"), "`type`: found nothing, expected `sweep`");
        assert_eq!(error(r#"{"type":"policy.created"}"#), "`type`: found something else, expected `sweep`");
        assert!(error("{").starts_with("`$`: found no JSON: "), "{}", error("{"));
        assert_eq!(Request::read(r#"{"type":"sweep"}"#).unwrap(), Request::Sweep);
    }
}
