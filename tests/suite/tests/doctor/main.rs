//! The doctor on a warehouse: the stand-in as it should be, and with each of its faults, where exactly the line about it is
//! red and policies are not enforced if it leaks.

#![expect(clippy::unwrap_used, reason = "a test, whose warehouse is right or fails it")]

mod warehouse;

use std::collections::BTreeSet;

use redoubt_core::{
    doctor::{Finding, Probe, Report, Severity, Verdict},
    model::Risk,
};
use redoubt_local::Fault;
use warehouse::{ADMINISTRATOR, READER, SYSTEM, Warehouse};

/// Runs a test on a warehouse of its own.
fn with_warehouse(test: impl AsyncFnOnce(&Warehouse)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let warehouse = Warehouse::start().await;
        test(&warehouse).await;
        warehouse.stop().await;
    });
}

fn others(report: &Report) -> Vec<(Probe, Verdict)> {
    let others = report.findings.iter().filter(|finding| finding.verdict != Verdict::Passed);
    others.map(|finding| (finding.id, finding.verdict)).collect()
}

fn blocking(report: &Report, accepted: &[Risk]) -> Vec<Probe> {
    let accepted: BTreeSet<Risk> = accepted.iter().copied().collect();
    report.blocks(&accepted).into_iter().map(|finding| finding.id).collect()
}

#[test]
fn a_warehouse_as_it_should_be_passes_and_is_left_as_it_was() {
    with_warehouse(async |warehouse| {
        let before = warehouse.objects().await;
        let report = warehouse.examine(Some(READER)).await;
        assert_eq!(others(&report), [], "{report}");
        assert_eq!(blocking(&report, &[]), []);
        assert_eq!(warehouse.objects().await, before);

        // What an examination that was interrupted left, the next one clears away.
        warehouse.leave_something_behind().await;
        assert_ne!(warehouse.objects().await, before);
        let report = warehouse.examine(Some(READER)).await;
        assert_eq!(others(&report), [], "{report}");
        assert_eq!(warehouse.objects().await, before);

        a_second_account_is_needed(warehouse).await;
        assert_eq!(warehouse.objects().await, before);
    });
}

async fn a_second_account_is_needed(warehouse: &Warehouse) {
    let unknown = |probes: &[Probe]| probes.iter().map(|probe| (*probe, Verdict::Unknown)).collect::<Vec<_>>();
    let lacking = [Probe::UsageBelowViews, Probe::ViewReader, Probe::ResultCache, Probe::LambdaUser];
    for reader in [None, Some(SYSTEM), Some("nobody")] {
        let report = warehouse.examine(reader).await;
        assert_eq!(others(&report), unknown(&lacking), "{report}");
        assert_eq!(blocking(&report, &[]), [Probe::ViewReader, Probe::ResultCache]);
        assert_eq!(blocking(&report, &[Risk::ViewReader, Risk::ResultCache]), []);
    }
    // The account that set the warehouse up may use every schema; for the rest it will do.
    let report = warehouse.examine(Some(ADMINISTRATOR)).await;
    assert_eq!(others(&report), unknown(&[Probe::UsageBelowViews]), "{report}");
    assert_eq!(blocking(&report, &[]), []);
}

/// What else can't be known under a fault.
fn unknown_besides(probe: Probe) -> &'static [Probe] {
    match probe {
        // Everybody gets the same from the view, whosever result it is.
        Probe::ViewReader => &[Probe::ResultCache],
        // No reply arrives, so the function's word is not heard either.
        Probe::LambdaReply => &[Probe::LambdaUser],
        _ => &[],
    }
}

#[test]
fn each_fault_turns_its_own_line_red() {
    with_warehouse(async |warehouse| {
        let before = warehouse.objects().await;
        assert_eq!(Fault::ALL.map(Fault::id), Probe::ALL.map(Probe::as_str));
        for (fault, probe) in Fault::ALL.into_iter().zip(Probe::ALL) {
            warehouse.set_faults(&[fault]).await;
            let report = warehouse.examine(Some(READER)).await;
            let red: Vec<&Finding> =
                report.findings.iter().filter(|finding| finding.verdict == Verdict::Failed).collect();
            assert_eq!(red.iter().map(|finding| finding.id).collect::<Vec<_>>(), [probe], "{report}");
            let unknown = report.findings.iter().filter(|finding| finding.verdict == Verdict::Unknown);
            assert_eq!(unknown.map(|finding| finding.id).collect::<Vec<_>>(), unknown_besides(probe), "{report}");
            assert!(
                !red[0].saw.is_empty() && report.to_string().contains(&format!("FAILED      {probe} ")),
                "{report}"
            );

            let mut expected = Vec::new();
            if let Severity::Leaks(risk) = probe.severity() {
                expected.push(probe);
                expected.extend(unknown_besides(probe));
                let accepted = [risk, Risk::ResultCache];
                assert_eq!(blocking(&report, &accepted), [], "{report}");
            }
            assert_eq!(blocking(&report, &[]), expected, "{report}");

            warehouse.set_faults(&[]).await;
            assert_eq!(warehouse.objects().await, before, "{probe}");
        }
        let report = warehouse.examine(Some(READER)).await;
        assert_eq!(others(&report), [], "{report}");
    });
}
