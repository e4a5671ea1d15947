//! What the stand-in offers beside the Data API, under paths of its own: stopping and starting its warehouses, and their
//! faults.

use super::Api;
use crate::faults::{Fault, UnknownFault};
use crate::lambda::chain;
use crate::warehouse::{Warehouse, WarehouseError};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use std::sync::{Arc, Weak};

/// What the paths begin with. Requests of the Data API have the path `/`.
pub const PREFIX: &str = "/_standin/";

/// A status and a body.
type Reply = (StatusCode, Value);

impl Api {
    /// Answers a request for a path below [`PREFIX`].
    pub async fn control(&self, method: &Method, path: &str) -> Reply {
        let words: Vec<&str> = path.strip_prefix(PREFIX).unwrap_or_default().split('/').collect();
        match (method, words.as_slice()) {
            (&Method::GET, ["warehouses"]) => {
                let shown = self.warehouses.iter().filter_map(Weak::upgrade).map(|warehouse| show(&warehouse));
                (StatusCode::OK, json!({ "warehouses": shown.collect::<Vec<_>>() }))
            }
            (&Method::POST, ["warehouses", name, action @ ("stop" | "crash" | "start")]) => match self.find(name) {
                Ok(warehouse) => change(warehouse, (*action).to_owned()).await,
                Err(reply) => reply,
            },
            (&Method::GET, ["warehouses", name, "faults"]) => match self.find(name) {
                Ok(warehouse) => show_faults(&warehouse),
                Err(reply) => reply,
            },
            (&Method::PUT | &Method::DELETE, ["warehouses", name, "faults", id]) => match self.find(name) {
                Ok(warehouse) => change_fault(&warehouse, id, method == Method::PUT).await,
                Err(reply) => reply,
            },
            (_, ["warehouses", _, "faults"] | ["warehouses", _, "faults", _]) => refuse(
                StatusCode::METHOD_NOT_ALLOWED,
                "GET shows the faults of a warehouse, PUT and DELETE of `faults/ID` set and clear one",
            ),
            (_, ["warehouses"] | ["warehouses", _, "stop" | "crash" | "start"]) => {
                refuse(StatusCode::METHOD_NOT_ALLOWED, "GET shows the warehouses, POST stops, crashes or starts one")
            }
            _ => refuse(
                StatusCode::NOT_FOUND,
                "expected `warehouses` or `warehouses/NAME/stop`, `…/crash`, `…/start`, `…/faults` or `…/faults/ID`",
            ),
        }
    }

    fn find(&self, name: &str) -> Result<Arc<Warehouse>, Reply> {
        let mut warehouses = self.warehouses.iter().filter_map(Weak::upgrade);
        let found = warehouses.find(|warehouse| warehouse.name() == name);
        found.ok_or_else(|| refuse(StatusCode::NOT_FOUND, &WarehouseError::Unknown(name.to_owned()).to_string()))
    }
}

fn show_faults(warehouse: &Warehouse) -> Reply {
    let faults: Vec<&str> = warehouse.faults().list().into_iter().map(Fault::id).collect();
    (StatusCode::OK, json!({ "faults": faults }))
}

async fn change_fault(warehouse: &Warehouse, id: &str, set: bool) -> Reply {
    let fault: Fault = match id.parse() {
        Ok(fault) => fault,
        Err(error) => return refuse(StatusCode::NOT_FOUND, &UnknownFault::to_string(&error)),
    };
    let faults = warehouse.faults();
    match if set { faults.set(fault).await } else { faults.clear(fault).await } {
        Ok(()) => show_faults(warehouse),
        Err(error) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &chain(&error)),
    }
}

/// Goes on to its end even if who asked is gone.
async fn change(warehouse: Arc<Warehouse>, action: String) -> Reply {
    let changed = tokio::spawn(async move {
        tracing::info!(warehouse = warehouse.name(), action, "warehouse to be stopped or started");
        let changed = match action.as_str() {
            "start" => warehouse.start().await,
            "crash" => warehouse.crash().await,
            _ => warehouse.stop().await,
        };
        changed.map(|()| show(&warehouse))
    });
    match changed.await.map_err(WarehouseError::from).flatten() {
        Ok(shown) => (StatusCode::OK, shown),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "warehouse not stopped or started");
            refuse(StatusCode::INTERNAL_SERVER_ERROR, &chain(&error))
        }
    }
}

fn show(warehouse: &Warehouse) -> Value {
    let state = if warehouse.is_running() { "running" } else { "stopped" };
    json!({ "name": warehouse.name(), "state": state, "port": warehouse.port() })
}

fn refuse(status: StatusCode, message: &str) -> Reply {
    (status, json!({ "error": message }))
}
