//! Examinations of warehouses in memory.

use std::collections::{BTreeMap, BTreeSet};

use redoubt_core::{
    doctor::{Probe, Report, Verdict},
    event::wire,
    model::Integration,
};
use serde_json::json;

use super::{examine, sound};
use crate::{
    config::Config,
    error::ErrorKind,
    port::{Call, Connection, Mode, WarehouseName},
    runtime::App,
    store::MemoryStore,
    warehouse::{MemoryWarehouse, Script},
    work::WorkError,
};

fn integration() -> Integration {
    let document: wire::IntegrationDocument = serde_json::from_value(json!({
        "id": "wh", "version": 1, "host": "wh", "workgroup": "wg", "mode": "multi_database", "database": "immuta",
        "view_schema": "governed", "system_user": "redoubt", "secret": "system", "mask": {"function": "f"},
        "setup": {
            "secret": "setup", "database": "dev",
            "system_user_password_digest": format!("sha256|{}|a1", "0".repeat(64)),
        },
    }))
    .unwrap();
    Integration::check(&document).unwrap()
}

fn reader() -> Option<Connection> {
    let warehouse = WarehouseName::Workgroup("wg".to_owned());
    Some(Connection { warehouse, database: "anywhere".to_owned(), secret: "reader".to_owned() })
}

/// What a call of an examination is called, without the number of the run.
fn probe(call: &Call) -> &str {
    call.name.strip_prefix("redoubt doctor ").unwrap().rsplit_once(' ').unwrap().0
}

/// Ends everything well but what is to fail.
fn decide(call: &Call) -> Script {
    match (probe(call), call.mode, call.statements.len()) {
        ("auto_commit", Mode::AutoCommit, 3) => Script::Fail(BTreeMap::from([(1, "no such table".to_owned())])),
        _ => Script::Finish,
    }
}

async fn examined(
    warehouse: MemoryWarehouse,
    reader: Option<Connection>,
) -> (MemoryWarehouse, Result<Report, WorkError>) {
    let config = Config::from_pairs([("REDOUBT_TABLE".to_owned(), "t".to_owned())].into_iter()).unwrap();
    let app = App::new(MemoryStore::new(), warehouse, (), config);
    let report = examine(&app, &integration(), reader).await;
    (app.warehouse, report)
}

fn others(report: &Report) -> Vec<(Probe, Verdict)> {
    let others = report.findings.iter().filter(|finding| finding.verdict != Verdict::Passed);
    others.map(|finding| (finding.id, finding.verdict)).collect()
}

#[tokio::test]
async fn a_sound_warehouse_passes_and_nothing_is_left_in_it() {
    let (warehouse, report) = examined(MemoryWarehouse::new(decide).answering(sound), reader()).await;
    assert_eq!(others(&report.unwrap()), []);
    let calls: Vec<Call> = warehouse.calls().into_iter().map(|(_, call)| call).collect();
    let sql = |call: &Call| call.statements.iter().map(|one| one.execute().to_owned()).collect::<Vec<_>>();
    let dropped =
        ["DROP SCHEMA IF EXISTS \"immuta_doctor\" CASCADE", "DROP SCHEMA IF EXISTS \"immuta_doctor_below\" CASCADE"];
    assert_eq!(sql(&calls[0]), dropped);
    assert_eq!(sql(calls.last().unwrap()), dropped);
    let tokens: BTreeSet<&str> = calls.iter().map(|call| call.token.as_str()).collect();
    assert_eq!(tokens.len(), calls.len());
    for call in &calls {
        let Connection { warehouse, database, secret } = &call.connection;
        assert_eq!(*warehouse, WarehouseName::Workgroup("wg".to_owned()));
        assert!(["system", "reader"].contains(&secret.as_str()));
        assert_eq!(database, if probe(call) == "cross_database" { "dev" } else { "immuta" }, "{}", call.name);
        assert!(call.token.len() <= 64 && !call.with_event);
    }
    // The same text by one account, the other, and the first again.
    let cached: Vec<&str> = calls
        .iter()
        .filter(|call| sql(call)[0].contains("\"cached\" AS c") && call.mode == Mode::AutoCommit)
        .map(|call| call.connection.secret.as_str())
        .collect();
    assert_eq!(cached, ["system", "reader", "system"]);
}

#[tokio::test]
async fn each_examination_asks_anew() {
    let (warehouse, first) = examined(MemoryWarehouse::new(decide).answering(sound), reader()).await;
    first.unwrap();
    let count = warehouse.calls().len();
    let (warehouse, second) = examined(warehouse, reader()).await;
    assert_eq!(others(&second.unwrap()), []);
    assert_eq!(warehouse.calls().len(), 2 * count);
}

#[tokio::test]
async fn without_a_second_account_what_it_would_see_is_unknown() {
    let (warehouse, report) = examined(MemoryWarehouse::new(decide).answering(sound), None).await;
    let unknown = [Probe::UsageBelowViews, Probe::ViewReader, Probe::ResultCache, Probe::LambdaUser];
    let report = report.unwrap();
    assert_eq!(others(&report), unknown.map(|probe| (probe, Verdict::Unknown)));
    let blocks: Vec<Probe> = report.blocks(&BTreeSet::new()).iter().map(|finding| finding.id).collect();
    assert_eq!(blocks, [Probe::ViewReader, Probe::ResultCache]);
    assert!(warehouse.calls().iter().all(|(_, call)| call.connection.secret == "system"));
    // The account itself is no other.
    let itself = reader().map(|reader| Connection { secret: "system".to_owned(), ..reader });
    let (_, report) = examined(MemoryWarehouse::new(decide).answering(sound), itself).await;
    assert_eq!(others(&report.unwrap()), unknown.map(|probe| (probe, Verdict::Unknown)));
}

#[tokio::test]
async fn a_probe_that_fails_is_a_finding() {
    for (name, found) in [
        ("backslash", (Probe::Backslash, Verdict::Unknown)),
        ("statement_size", (Probe::StatementSize, Verdict::Failed)),
        ("lambda_reply", (Probe::LambdaReply, Verdict::Unknown)),
    ] {
        for script in [
            Script::Fail(BTreeMap::from([(0, "it went wrong".to_owned())])),
            Script::Refuse(ErrorKind::Reject, "ValidationException"),
        ] {
            let decide = move |call: &Call| if probe(call) == name { script.clone() } else { decide(call) };
            let (_, report) = examined(MemoryWarehouse::new(decide).answering(sound), reader()).await;
            assert_eq!(others(&report.unwrap()), [found], "{name}");
        }
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_twice() {
    let failing = |message: &'static str| {
        let failed = std::sync::atomic::AtomicBool::new(false);
        MemoryWarehouse::new(move |call| {
            let first = probe(call) == "backslash" && !failed.swap(true, std::sync::atomic::Ordering::SeqCst);
            if first { Script::Fail(BTreeMap::from([(0, message.to_owned())])) } else { decide(call) }
        })
        .answering(sound)
    };
    let (_, report) = examined(failing("ERROR: 1023: Serializable isolation violation"), reader()).await;
    assert_eq!(others(&report.unwrap()), []);
    let (_, report) = examined(failing("ERROR: syntax error"), reader()).await;
    assert_eq!(others(&report.unwrap()), [(Probe::Backslash, Verdict::Unknown)]);
}

#[tokio::test]
async fn a_service_out_of_reach_is_an_error_and_what_was_made_is_dropped() {
    for (kind, code, probe_name, is_error) in [
        (ErrorKind::Retry, "ThrottlingException", "backslash", true),
        (ErrorKind::Defect, "AccessDeniedException", "backslash", true),
        // The second account's secret may not be read: then nobody looks.
        (ErrorKind::Defect, "AccessDeniedException", "view_reader", false),
    ] {
        let decide = move |call: &Call| {
            if probe(call) == probe_name { Script::Refuse(kind, code) } else { decide(call) }
        };
        let (warehouse, report) = examined(MemoryWarehouse::new(decide).answering(sound), reader()).await;
        match report {
            Err(error) => assert!(is_error && error.kind() == kind, "{error}"),
            Ok(report) => {
                assert!(!is_error, "{report}");
                assert_eq!(others(&report), [(Probe::ViewReader, Verdict::Unknown)]);
            }
        }
        assert_eq!(probe(&warehouse.calls().last().unwrap().1), "end");
    }
}

#[tokio::test]
async fn an_examination_that_can_t_begin_yet_is_tried_again_later() {
    let begin = |message: &'static str| {
        MemoryWarehouse::new(move |call| match (probe(call), call.statements.len()) {
            ("begin", 3..) => Script::Fail(BTreeMap::from([(0, message.to_owned())])),
            _ => decide(call),
        })
        .answering(sound)
    };
    let (_, report) = examined(begin("ERROR: schema \"immuta_doctor\" already exists"), reader()).await;
    assert_eq!(report.unwrap_err().kind(), ErrorKind::Retry);
    let (_, report) = examined(begin("ERROR: permission denied for database immuta"), reader()).await;
    let report = report.unwrap();
    assert_eq!(report.blocks(&BTreeSet::new()).len(), 2, "{report}");
}
