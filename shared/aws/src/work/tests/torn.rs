//! Lists are no snapshots: what is rendered was true at one moment all the same.

use std::sync::atomic::{AtomicBool, Ordering};

use redoubt_core::record::{Record, Status, Write};

use super::*;
use crate::{error::StoreError, port::Put};

/// A store in which, once it is armed, two policies change while policies are listed: of the first the list has what was, of the
/// second what is.
struct Shifting {
    inner: MemoryStore,
    armed: AtomicBool,
}

impl Shifting {
    async fn set_status_of(&self, id: &str, status: &str) {
        let mut record = self.inner.get(Kind::Policy, id).await.unwrap().unwrap();
        record.merge(&[Write::set("status", 9, status)]).unwrap();
        record.revision += 1;
        assert_eq!(self.inner.put(&record).await.unwrap(), Put::Stored);
    }
}

impl Store for Shifting {
    async fn get(&self, kind: Kind, id: &str) -> Result<Option<Record>, StoreError> {
        self.inner.get(kind, id).await
    }

    async fn list(&self, kind: Kind) -> Result<Vec<Record>, StoreError> {
        let before = self.inner.list(kind).await?;
        if kind != Kind::Policy || !self.armed.swap(false, Ordering::Relaxed) {
            return Ok(before);
        }
        self.set_status_of("p0", "active").await;
        self.set_status_of("p1", "disabled").await;
        let after = self.inner.list(kind).await?;
        Ok(vec![before[0].clone(), after[1].clone()])
    }

    async fn put(&self, record: &Record) -> Result<Put, StoreError> {
        self.inner.put(record).await
    }

    async fn bump(&self, kind: Kind, id: &str) -> Result<Option<Record>, StoreError> {
        self.inner.bump(kind, id).await
    }

    async fn set_status(&self, kind: Kind, id: &str, place: &str, status: &Status) -> Result<bool, StoreError> {
        self.inner.set_status(kind, id, place, status).await
    }

    async fn remove(&self, kind: Kind, id: &str) -> Result<(), StoreError> {
        self.inner.remove(kind, id).await
    }
}

#[tokio::test]
async fn policies_that_were_never_in_force_together_are_not_rendered_together() {
    let config = Config::from_pairs([("REDOUBT_TABLE".to_owned(), "t".to_owned())].into_iter()).unwrap();
    let store = Shifting { inner: MemoryStore::new(), armed: AtomicBool::new(false) };
    let app = App::new(store, MemoryWarehouse::default(), MemoryQueues::new(), config);
    assert_eq!(integration(&app, messages(&[warehouse("w", "wh")])).await, [Outcome::Done]);
    let rows = |id: &str, status: &str, only: &str| {
        json!({"type": "policy.created", "policy": {
            "id": id, "version": 1, "name": id, "created_at": "2026-01-01T00:00:00Z", "scope": "all", "status": status,
            "rules": [{"rows": {"only": {"where": only}}}],
        }})
    };
    let events = [rows("p0", "disabled", "c > 41"), rows("p1", "active", "c > 42")];
    assert_eq!(policy(&app, messages(&events)).await, [Outcome::Done, Outcome::Done]);
    app.store.armed.store(true, Ordering::Relaxed);
    assert_eq!(data_source(&app, messages(&[source("a", 1, "v")])).await, [Outcome::Done]);
    let calls = app.warehouse.calls();
    let (_, call) = calls.last().unwrap();
    let applied = call.statements.iter().find(|sql| sql.execute().contains("apply_view")).unwrap().execute();
    assert!(
        applied.contains("41") && !applied.contains("42"),
        "one of the two rules was in force at any time: {applied}"
    );
}
