//! What the schedules ask for: that nothing is lost when an event, an invocation or a warehouse is, and that a warehouse holds
//! what was put there.
//!
//! Two requests: a `sweep` asks after statements and warehouses that are silent; a `reconcile` does that too, finds targets
//! [behind] their revision, and looks for [drift] in each warehouse: a [page](page) of what should be there is chosen,
//! the warehouse [asked](ask), the answers judged by [`redoubt_core::drift`], what is Redoubt's own [repaired](repair) and the
//! rest [reported](report).

mod ask;
mod behind;
mod drift;
mod page;
mod repair;
mod report;
mod sweep;

use redoubt_core::event::{Fault, Faults};
use serde_json::Value;

use super::{error::WorkError, intake::Outcomes, reach, world};
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
    /// To do that, and to compare what is there with what should be.
    Reconcile {
        /// Nothing is changed, only told.
        dry_run: bool,
        /// In this warehouse only.
        integration: Option<String>,
    },
}

impl Request {
    fn read(body: &str) -> Result<Self, Faults> {
        const EXPECTED: &str = "`sweep` or `reconcile`";
        let fault = |path: &str, found: &str, expected: &str| Faults(vec![Fault::new(path, found, expected)]);
        let value: Value =
            serde_json::from_str(body).map_err(|error| fault("$", &format!("no JSON: {error}"), "a request"))?;
        let field = |name: &str| value.get(name).filter(|value| !value.is_null());
        match value.get("type").and_then(Value::as_str) {
            Some("sweep") => Ok(Self::Sweep),
            Some("reconcile") => Ok(Self::Reconcile {
                // What is no truth value is refused, not taken for a wish to change something.
                dry_run: match field("dry_run") {
                    None => false,
                    Some(value) => value.as_bool().ok_or_else(|| fault("dry_run", "another type", "true or false"))?,
                },
                integration: match field("integration") {
                    None => None,
                    Some(value) => {
                        let id = value.as_str().ok_or_else(|| fault("integration", "another type", "a text"))?;
                        Some(id.to_owned())
                    }
                },
            }),
            Some(_) => Err(fault("type", "something else", EXPECTED)),
            None => Err(fault("type", "nothing", EXPECTED)),
        }
    }

    async fn serve<S: Store, W: Warehouse, Q: Queues>(&self, app: &App<S, W, Q>) -> Result<(), WorkError> {
        let (dry_run, only) = match self {
            Self::Sweep => {
                sweep::sweep(app).await?;
                return reach::call_on(app).await;
            }
            Self::Reconcile { dry_run, integration } => (*dry_run, integration.as_deref()),
        };
        if !dry_run {
            sweep::sweep(app).await?;
            reach::call_on(app).await?;
        }
        let warehouses: Vec<world::Warehouse> = world::warehouses(app).await?.into_values().collect();
        behind::look(app, &warehouses, dry_run).await?;
        // In the order of their names, whatever their hosts are called.
        let mut chosen: Vec<_> = warehouses.iter().filter(|warehouse| warehouse.ready && !warehouse.silent).collect();
        chosen.retain(|warehouse| only.is_none_or(|only| warehouse.integration.id.as_str() == only));
        chosen.sort_by_key(|warehouse| warehouse.integration.id.as_str());
        for warehouse in chosen {
            drift::look(app, warehouse, dry_run).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
