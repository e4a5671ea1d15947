//! What every [`Store`] must do, as a check that runs against any of them.
//!
//! The unit tests run it against memory, the suite against DynamoDB.

use std::collections::BTreeSet;
use std::fmt::Debug;

use futures_util::future::join_all;
use redoubt_core::record::{DOCUMENT, Kind, NOWHERE, Record, State, Status, Write};
use serde_json::{Value, json};

use super::{MAX_BODY_BYTES, MAX_ID_BYTES, MAX_STATUS_BYTES};
use crate::error::StoreError;
use crate::port::{Put, Store};

/// Ids that are easily mangled on the way into a key.
const ODD_IDS: [&str; 9] =
    ["a", "a#b", "a#", "#0", "a\"b'c`", "ä\u{308}\u{1f600}", "a b\t\n", "\u{ffff}", "{\"S\":\"x\"}\\"];
/// How many writers race in the checks of concurrency.
const WRITERS: u64 = 8;

/// Checks a store that others may use at the same time: only ids with the prefix are touched, and no record may have one
/// beforehand. All are removed at the end if the check succeeds.
///
/// # Errors
/// The first expectation that is not met, in words.
pub async fn check(store: &impl Store, prefix: &str) -> Result<(), String> {
    starts_empty(store, prefix).await?;
    keeps_what_was_put(store, prefix).await?;
    refuses_to_overwrite(store, prefix).await?;
    lets_one_writer_win(store, prefix).await?;
    bumps(store, prefix).await?;
    keeps_when_a_record_expires(store, prefix).await?;
    keeps_the_newest_status(store, prefix).await?;
    lists_everything_in_order(store, prefix).await?;
    keeps_kinds_and_odd_ids_apart(store, prefix).await?;
    limits_sizes(store, prefix).await?;
    removes(store, prefix).await
}

async fn starts_empty(store: &impl Store, prefix: &str) -> Result<(), String> {
    for kind in [Kind::Policy, Kind::User] {
        equal("list of a kind without records", &ids(store, kind, prefix).await?, &Vec::new())?;
    }
    let id = format!("{prefix}absent");
    equal("get of an absent record", &ok(store.get(Kind::User, &id).await)?, &None)?;
    equal("bump of an absent record", &ok(store.bump(Kind::User, &id).await)?, &None)?;
    equal(
        "status of an absent record",
        &ok(store.set_status(Kind::User, &id, NOWHERE, &status(1, "x")).await)?,
        &false,
    )?;
    equal("an absent record after these", &ok(store.get(Kind::User, &id).await)?, &None)?;
    ok(store.remove(Kind::User, &id).await)
}

async fn keeps_what_was_put(store: &impl Store, prefix: &str) -> Result<(), String> {
    let mut record = Record::new(Kind::User, format!("{prefix}kept"));
    let value = json!({
        "text": "quotes \" ' ` \\ NUL \u{0} é \u{1f600} \u{ffff}",
        "largest": u64::MAX, "smallest": i64::MIN,
        "fractions": [0.1, 1e300, 5e-324, 0.30000000000000004, 123_456_789.123_456_79],
        "nothing": null, "empty": {"": []},
    });
    let merged = record.merge(&[
        Write::Delete { version: 3 },
        Write::set(DOCUMENT, u64::MAX, value.clone()),
        Write::set("groups/odd name \"", 5, json!([])),
    ]);
    merged.map_err(|error| error.to_string())?;
    record.revision = 41;
    record.previous = vec![value, Value::Null];
    record.seed = Some("seed".to_owned());
    equal("put of a new record", &ok(store.put(&record).await)?, &Put::Stored)?;
    record.lock = 1;
    equal("the record as put, with lock 1", &ok(store.get(Kind::User, &record.id).await)?.as_ref(), &Some(&record))?;
    let listed = ok(store.list(Kind::User).await)?.into_iter().find(|listed| listed.id == record.id);
    equal("the same record from the list", &listed, &Some(record))
}

async fn refuses_to_overwrite(store: &impl Store, prefix: &str) -> Result<(), String> {
    let mut record = Record::new(Kind::Policy, format!("{prefix}overwritten"));
    record.lock = 1;
    equal("put with a lock of a record that is absent", &ok(store.put(&record).await)?, &Put::Conflict)?;
    equal("an absent record after that", &ok(store.get(Kind::Policy, &record.id).await)?, &None)?;
    record.lock = 0;
    equal("first put", &ok(store.put(&record).await)?, &Put::Stored)?;
    equal("put with lock 0 of a record that is there", &ok(store.put(&record).await)?, &Put::Conflict)?;
    record.lock = 1;
    record.revision = 9;
    equal("put with the right lock", &ok(store.put(&record).await)?, &Put::Stored)?;
    record.revision = 10;
    equal("put with an older lock", &ok(store.put(&record).await)?, &Put::Conflict)?;
    record.lock = 3;
    equal("put with a lock that never was", &ok(store.put(&record).await)?, &Put::Conflict)?;
    let stored = ok(store.get(Kind::Policy, &record.id).await)?.map(|record| (record.lock, record.revision));
    equal("lock and revision after conflicts", &stored, &Some((2, 9)))
}

async fn lets_one_writer_win(store: &impl Store, prefix: &str) -> Result<(), String> {
    let mut record = Record::new(Kind::DataSource, format!("{prefix}raced"));
    for lock in 0..3 {
        record.lock = lock;
        let writers: Vec<Record> = (0..WRITERS).map(|n| Record { revision: n, ..record.clone() }).collect();
        let results = join_all(writers.iter().map(|writer| store.put(writer))).await;
        let mut stored = Vec::new();
        for (writer, result) in writers.iter().zip(results) {
            if ok(result)? == Put::Stored {
                stored.push(writer.revision);
            }
        }
        equal("number of concurrent writers that stored", &stored.len(), &1)?;
        let found = ok(store.get(Kind::DataSource, &record.id).await)?.map(|record| (record.lock, record.revision));
        equal("what the winner wrote", &found, &stored.first().map(|revision| (lock + 1, *revision)))?;
    }
    Ok(())
}

async fn bumps(store: &impl Store, prefix: &str) -> Result<(), String> {
    let mut record = Record::new(Kind::DataSource, format!("{prefix}bumped"));
    record.seed = Some("s".to_owned());
    ok(store.put(&record).await)?;
    ok(store.set_status(Kind::DataSource, &record.id, "w", &status(0, "before")).await)?;
    let bumped = ok(store.bump(Kind::DataSource, &record.id).await)?;
    let statuses = [("w".to_owned(), status(0, "before"))].into();
    let expected = Record { lock: 2, revision: 1, statuses, ..record.clone() };
    equal("the record that bump gives", &bumped, &Some(expected.clone()))?;
    equal("the record after bump", &ok(store.get(Kind::DataSource, &record.id).await)?, &Some(expected))?;
    record.lock = 1;
    equal("put with a lock from before a bump", &ok(store.put(&record).await)?, &Put::Conflict)?;
    let results = join_all((0..WRITERS).map(|_| store.bump(Kind::DataSource, &record.id))).await;
    let mut revisions = BTreeSet::new();
    for result in results {
        revisions.extend(ok(result)?.map(|record| record.revision));
    }
    equal("revisions of concurrent bumps", &revisions, &(2..2 + WRITERS).collect())
}

async fn keeps_when_a_record_expires(store: &impl Store, prefix: &str) -> Result<(), String> {
    // 2100-01-01, or the record might be gone before it is read.
    let late = Some(4_102_444_800);
    let mut record = Record::new(Kind::Delivery, format!("{prefix}expiring"));
    for (lock, expires_at) in [(0, late), (1, late.map(|time| time + 1)), (2, None), (3, late)] {
        (record.lock, record.expires_at) = (lock, expires_at);
        equal("put of a record that expires or not", &ok(store.put(&record).await)?, &Put::Stored)?;
        let found = ok(store.get(Kind::Delivery, &record.id).await)?.and_then(|record| record.expires_at);
        equal("when it expires", &found, &expires_at)?;
    }
    let bumped = ok(store.bump(Kind::Delivery, &record.id).await)?.and_then(|record| record.expires_at);
    equal("when it expires after bump", &bumped, &late)?;
    ok(store.remove(Kind::Delivery, &record.id).await)
}

async fn keeps_the_newest_status(store: &impl Store, prefix: &str) -> Result<(), String> {
    let mut record = Record::new(Kind::Integration, format!("{prefix}status"));
    let id = record.id.clone();
    record.statuses.insert(NOWHERE.to_owned(), status(99, "must not be stored by put"));
    ok(store.put(&record).await)?;
    equal("status of a new record", &newest(store, &id).await?, &None)?;
    for (revision, reason, written, newest_reason) in [
        (5, "first", true, "first"),
        (4, "older", false, "first"),
        (5, "equal", true, "equal"),
        (10, "newer by number, not by text", true, "newer by number, not by text"),
        (9, "older again", false, "newer by number, not by text"),
    ] {
        let done = ok(store.set_status(Kind::Integration, &id, NOWHERE, &status(revision, reason)).await)?;
        equal(&format!("whether status `{reason}` was written"), &done, &written)?;
        equal("the status then", &newest(store, &id).await?.as_deref(), &Some(newest_reason))?;
    }
    record.lock = 1;
    equal("put after statuses, with the lock from before", &ok(store.put(&record).await)?, &Put::Stored)?;
    let kept = newest(store, &id).await?;
    equal("the status after put", &kept.as_deref(), &Some("newer by number, not by text"))?;
    let listed = ok(store.list(Kind::Integration).await)?.into_iter().find(|record| record.id == id);
    equal("revision of the status from the list", &listed.and_then(|r| r.status()).map(|s| s.revision), &Some(10))?;
    keeps_those_of_warehouses_apart(store, &id).await
}

async fn keeps_those_of_warehouses_apart(store: &impl Store, id: &str) -> Result<(), String> {
    // Names that could be taken for those of other attributes.
    for warehouse in ["a", "revision", "@", "a.b-c é"] {
        equal(
            "a first status",
            &ok(store.set_status(Kind::Integration, id, warehouse, &status(3, warehouse)).await)?,
            &true,
        )?;
        equal(
            "an older one",
            &ok(store.set_status(Kind::Integration, id, warehouse, &status(2, "old")).await)?,
            &false,
        )?;
    }
    let record = ok(store.get(Kind::Integration, id).await)?;
    let statuses = record.map(|record| record.statuses).unwrap_or_default();
    let reasons: Vec<_> = statuses.iter().map(|(warehouse, status)| (warehouse.as_str(), status.revision)).collect();
    equal("the statuses", &reasons, &vec![("", 10), ("@", 3), ("a", 3), ("a.b-c é", 3), ("revision", 3)])
}

async fn lists_everything_in_order(store: &impl Store, prefix: &str) -> Result<(), String> {
    // Five large records fill more than the 1 MB that DynamoDB gives at a time; many small ones reach every shard.
    for (kind, count, bytes) in [(Kind::Policy, 5, 300_000), (Kind::DataSource, 5, 300_000), (Kind::User, 100, 10)] {
        let records = (0..count).rev().map(|number| {
            let mut record = Record::new(kind, format!("{prefix}listed {number:03}"));
            record.previous = vec![Value::from("x".repeat(bytes))];
            record
        });
        for record in records {
            equal("put of a record to list", &ok(store.put(&record).await)?, &Put::Stored)?;
        }
        let expected: Vec<String> = (0..count).map(|number| format!("{prefix}listed {number:03}")).collect();
        equal("ids in order", &ids(store, kind, &format!("{prefix}listed ")).await?, &expected)?;
        for id in expected {
            ok(store.remove(kind, &id).await)?;
        }
    }
    Ok(())
}

async fn keeps_kinds_and_odd_ids_apart(store: &impl Store, prefix: &str) -> Result<(), String> {
    let all = [
        Kind::Policy,
        Kind::DataSource,
        Kind::User,
        Kind::Project,
        Kind::Integration,
        Kind::Claim,
        Kind::Submission,
        Kind::Delivery,
    ];
    let prefix = format!("{prefix}odd ");
    for kind in all {
        for (revision, id) in (1..).zip(ODD_IDS) {
            let record = Record { revision, ..Record::new(kind, format!("{prefix}{id}")) };
            equal("put of a record with an odd id", &ok(store.put(&record).await)?, &Put::Stored)?;
        }
    }
    for kind in all {
        for (revision, id) in (1..).zip(ODD_IDS) {
            let found = ok(store.get(kind, &format!("{prefix}{id}")).await)?.map(|r| (r.kind, r.id, r.revision));
            equal("record with an odd id", &found, &Some((kind, format!("{prefix}{id}"), revision)))?;
        }
        let mut expected: Vec<String> = ODD_IDS.iter().map(|id| format!("{prefix}{id}")).collect();
        expected.sort();
        equal("odd ids in order", &ids(store, kind, &prefix).await?, &expected)?;
        for id in expected {
            ok(store.remove(kind, &id).await)?;
        }
        equal("odd ids after removal", &ids(store, kind, &prefix).await?, &Vec::new())?;
    }
    Ok(())
}

async fn limits_sizes(store: &impl Store, prefix: &str) -> Result<(), String> {
    let id = format!("{prefix}{}", "i".repeat(MAX_ID_BYTES.saturating_sub(prefix.len())));
    let mut record = Record::new(Kind::Submission, id.clone());
    // `{"fields":{},"seed":""}` is what surrounds the seed.
    record.seed = Some("s".repeat(MAX_BODY_BYTES - 23));
    equal("put of the largest record", &ok(store.put(&record).await)?, &Put::Stored)?;
    let reason = |bytes: usize| status(1, &"r".repeat(bytes));
    let largest = MAX_STATUS_BYTES - serde_json::to_string(&reason(0)).map_or(0, |text| text.len());
    let written = ok(store.set_status(Kind::Submission, &id, NOWHERE, &reason(largest)).await)?;
    equal("whether the largest status was written beside it", &written, &true)?;
    let error = store.set_status(Kind::Submission, &id, NOWHERE, &reason(largest + 1)).await.err();
    equal("a status larger than that", &error.map(|error| refusal(&error)), &Some("too large"))?;
    record.lock = 1;
    record.seed = Some("s".repeat(MAX_BODY_BYTES - 22));
    let error = store.put(&record).await.err();
    equal("a record larger than that", &error.map(|error| refusal(&error)), &Some("too large"))?;
    for bad in [String::new(), format!("{id}i")] {
        let refused = [
            store.get(Kind::Submission, &bad).await.err(),
            store.put(&Record::new(Kind::Submission, bad.clone())).await.err(),
            store.bump(Kind::Submission, &bad).await.err(),
            store.set_status(Kind::Submission, &bad, NOWHERE, &status(1, "x")).await.err(),
            store.remove(Kind::Submission, &bad).await.err(),
        ];
        let refused: Vec<_> = refused.iter().map(|error| error.as_ref().map(refusal)).collect();
        equal("refusals of an id that is empty or too long", &refused, &vec![Some("bad id"); 5])?;
    }
    ok(store.remove(Kind::Submission, &id).await)
}

async fn removes(store: &impl Store, prefix: &str) -> Result<(), String> {
    for (kind, name) in [
        (Kind::User, "kept"),
        (Kind::Policy, "overwritten"),
        (Kind::DataSource, "raced"),
        (Kind::DataSource, "bumped"),
        (Kind::Integration, "status"),
    ] {
        let id = format!("{prefix}{name}");
        ok(store.remove(kind, &id).await)?;
        ok(store.remove(kind, &id).await)?;
        equal("a record after removal", &ok(store.get(kind, &id).await)?, &None)?;
        equal("ids after removal", &ids(store, kind, &id).await?, &Vec::new())?;
    }
    let record = Record::new(Kind::Integration, format!("{prefix}status"));
    equal("put after removal", &ok(store.put(&record).await)?, &Put::Stored)?;
    equal("the status after removal and put", &newest(store, &record.id).await?, &None)?;
    ok(store.remove(Kind::Integration, &record.id).await)
}

fn status(revision: u64, reason: &str) -> Status {
    Status {
        revision,
        state: State::Unhealthy,
        reason: Some(reason.to_owned()),
        attempt: 2,
        at: "2026-01-01T00:00:00Z".to_owned(),
    }
}

/// The reason in the status of an integration.
async fn newest(store: &impl Store, id: &str) -> Result<Option<String>, String> {
    let record = ok(store.get(Kind::Integration, id).await)?;
    Ok(record.and_then(|record| record.status()).and_then(|status| status.reason))
}

async fn ids(store: &impl Store, kind: Kind, prefix: &str) -> Result<Vec<String>, String> {
    let records = ok(store.list(kind).await)?;
    Ok(records.into_iter().map(|record| record.id).filter(|id| id.starts_with(prefix)).collect())
}

fn refusal(error: &StoreError) -> &'static str {
    match error {
        StoreError::TooLarge { .. } => "too large",
        StoreError::BadId { .. } => "bad id",
        _ => "something else",
    }
}

fn ok<T>(result: Result<T, StoreError>) -> Result<T, String> {
    result.map_err(|error| crate::error::chain(&error))
}

fn equal<T: PartialEq + Debug + ?Sized>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what}: found {found:?}, expected {expected:?}"))
}
