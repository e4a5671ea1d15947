//! Deliveries that were accepted, remembered for a while, so that a repetition is known for one.

use redoubt_aws::{
    error::StoreError,
    port::{Clock, Store},
};
use redoubt_core::record::{DOCUMENT, Kind, Record, Write};
use serde_json::json;
use time::{Duration, format_description::well_known::Rfc3339};

/// Longer than a sender tries again, and much longer than a signature with a time counts.
const LIFE: Duration = Duration::days(7);

/// The record to note a delivery in, unless it was accepted before.
pub(crate) async fn unknown(
    store: &impl Store,
    clock: &dyn Clock,
    identity: &str,
) -> Result<Option<Record>, StoreError> {
    let Some(record) = store.get(Kind::Delivery, identity).await? else {
        return Ok(Some(Record::new(Kind::Delivery, identity)));
    };
    // The store takes its time to remove what has expired.
    let now = clock.now().unix_timestamp();
    let expired = record.expires_at.is_some_and(|time| i64::try_from(time).is_ok_and(|time| time <= now));
    Ok(expired.then_some(record))
}

/// Notes that a delivery was accepted, by whom it was sent and under which id. The event is in its queue by now, so a failure is
/// only logged: a repetition would then be sent on once more, which is harmless.
pub(crate) async fn note(store: &impl Store, clock: &dyn Clock, mut record: Record, key: &str, id: &str) {
    let now = clock.now();
    let at = now.format(&Rfc3339).unwrap_or_default();
    record.revision += 1;
    record.expires_at = u64::try_from((now + LIFE).unix_timestamp()).ok();
    let write = Write::set(DOCUMENT, record.revision, json!({"key": key, "id": id, "at": at}));
    let noted = match record.merge(&[write]) {
        // A conflict means that the same delivery was accepted twice at once.
        Ok(_) => store.put(&record).await.err().map(|error| redoubt_aws::error::chain(&error)),
        Err(error) => Some(error.to_string()),
    };
    if let Some(error) = noted {
        tracing::warn!(error, "the delivery could not be noted");
    }
}
