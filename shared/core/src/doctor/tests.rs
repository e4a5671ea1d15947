//! What follows from what was seen: every probe that passes, that fails, and that could not look.

use std::collections::BTreeSet;

use serde_json::json;

use super::{
    Answer, Examination, Finding, Mode, Place, Probe, Report, Run, Seen, Severity, Verdict, Who, judge,
    plan::{BACKSLASHED, STATEMENT_BYTES},
};
use crate::{
    event::wire,
    model::{Integration, Risk},
};

const SYSTEM: &str = "redoubt";
const READER: &str = "ann";

fn integration(mode: &str, with_setup: bool, with_mask: bool) -> Integration {
    let setup = json!({
        "secret": "t", "database": "dev",
        "system_user_password_digest": format!("sha256|{}|a1", "0".repeat(64)),
    });
    let wire: wire::IntegrationDocument = serde_json::from_value(json!({
        "id": "wh", "version": 1, "host": "wh", "workgroup": "wg", "mode": mode, "database": "Immuta",
        "view_schema": "governed", "system_user": SYSTEM, "secret": "s",
        "setup": with_setup.then_some(setup), "mask": with_mask.then_some(json!({"function": "f"})),
    }))
    .unwrap();
    Integration::check(&wire).unwrap()
}

fn rows(rows: &[&[&str]]) -> Answer {
    Answer::Rows(rows.iter().map(|row| row.iter().map(|cell| Some((*cell).to_owned())).collect()).collect())
}

fn cell(value: &str) -> Answer {
    rows(&[&[value]])
}

fn error(text: &str) -> Answer {
    Answer::Error(text.to_owned())
}

fn done() -> Answer {
    Answer::Rows(Vec::new())
}

/// What a warehouse answers where every assumption holds, and both accounts look.
fn well(probe: Probe) -> Vec<Vec<Answer>> {
    let single = |answers: Vec<Answer>| answers.into_iter().map(|answer| vec![answer]).collect();
    match probe {
        Probe::Isolation => single(vec![
            rows(&[&["dev", "Read Committed"], &["immuta", "Snapshot Isolation"]]),
            rows(&[]),
            rows(&[&["immuta     ", "Serializable   "]]),
        ]),
        Probe::CaseSensitiveIdentifiers => single(vec![cell("off"), cell("false")]),
        Probe::CrossDatabase => single(vec![cell(SYSTEM), cell("a1")]),
        Probe::LargeStrings => single(vec![cell("false")]),
        Probe::MetadataSecurity => single(vec![error("no such parameter"), cell("1")]),
        Probe::UsageBelowViews => single(vec![cell("f"), cell("a1")]),
        Probe::ViewReader => single(vec![cell(READER)]),
        Probe::ResultCache => single(vec![cell(SYSTEM), cell(READER), cell(SYSTEM), cell(READER)]),
        Probe::Backslash => single(vec![cell(BACKSLASHED)]),
        Probe::LambdaReply => single(vec![cell("ax")]),
        Probe::LambdaUser => vec![vec![done(), done()], vec![cell(READER)]],
        Probe::AutoCommit => {
            vec![vec![done(), error("no such table"), done()], vec![rows(&[&["after"], &["before"]])]]
        }
        Probe::StatementSize => single(vec![cell("1")]),
    }
}

fn people(reader: Answer, superuser: Answer) -> Vec<Vec<Answer>> {
    vec![vec![cell(SYSTEM)], vec![reader], vec![superuser]]
}

fn all_well() -> Seen {
    Seen {
        begin: vec![vec![done(); 2], vec![done(); 16]],
        people: people(cell(READER), cell("false")),
        probes: Probe::ALL.into_iter().map(well).collect(),
    }
}

fn report(integration: &Integration, seen: &Seen) -> Report {
    judge::judge(integration, &Examination::of(integration).unwrap(), seen)
}

fn seen_with(probe: Probe, answers: Vec<Vec<Answer>>) -> Seen {
    let mut seen = all_well();
    seen.probes[Probe::ALL.iter().position(|one| *one == probe).unwrap()] = answers;
    seen
}

/// The finding of a probe, where all others must have passed.
fn found(seen: &Seen, probe: Probe) -> Finding {
    let report = report(&integration("multi_database", true, true), seen);
    assert_eq!(report.findings.iter().map(|finding| finding.id).collect::<Vec<_>>(), Probe::ALL);
    for other in report.findings.iter().filter(|finding| finding.id != probe) {
        assert_eq!(other.verdict, Verdict::Passed, "{other}");
    }
    report.findings.into_iter().find(|finding| finding.id == probe).unwrap()
}

#[test]
fn a_warehouse_as_it_should_be_passes() {
    let report = report(&integration("multi_database", true, true), &all_well());
    for finding in &report.findings {
        assert_eq!(finding.verdict, Verdict::Passed, "{finding}");
    }
    assert!(report.blocks(&BTreeSet::new()).is_empty());
}

#[test]
fn each_probe_fails_by_what_it_saw() {
    let one = |answer: Answer| vec![vec![answer]];
    for (probe, answers, saw) in [
        (Probe::Isolation, one(rows(&[&["IMMUTA", "Read Committed"]])), "Read Committed"),
        (
            Probe::Isolation,
            vec![vec![rows(&[&["immuta", "Serializable"]])], vec![rows(&[&["immuta", "Chaos"]])]],
            "Chaos",
        ),
        (Probe::CaseSensitiveIdentifiers, one(cell("on")), "system account"),
        (Probe::CaseSensitiveIdentifiers, vec![vec![cell("off")], vec![cell("true")]], "second account"),
        (
            Probe::CrossDatabase,
            vec![vec![cell(SYSTEM)], vec![error("cross-database\nreference")]],
            "cross-database ref",
        ),
        (Probe::LargeStrings, one(cell("true")), "is true"),
        (Probe::MetadataSecurity, one(cell("on")), "it is on"),
        (Probe::MetadataSecurity, vec![vec![error("no")], vec![cell("0")]], "not shown"),
        (Probe::UsageBelowViews, vec![vec![cell("f")], vec![error("Permission denied for schema x")]], "for schema x"),
        (Probe::ViewReader, one(cell(SYSTEM)), "owner"),
        (Probe::ViewReader, one(cell("eve")), "neither"),
        (
            Probe::ResultCache,
            vec![vec![cell(SYSTEM)], vec![cell(SYSTEM)], vec![cell(SYSTEM)], vec![cell(READER)]],
            "second account was given",
        ),
        (
            Probe::ResultCache,
            vec![vec![cell(SYSTEM)], vec![cell(READER)], vec![cell(READER)], vec![cell(READER)]],
            "system account was given",
        ),
        (Probe::Backslash, one(cell(r"a\\b''c\\")), r"a\\b"),
        (Probe::LambdaReply, one(error("Invalid External Function Response: Empty format")), "Empty format"),
        (Probe::LambdaReply, one(cell("a1")), "masked as a1"),
        (Probe::LambdaUser, vec![vec![done(), done()], vec![cell(SYSTEM)]], "owner"),
        (Probe::AutoCommit, vec![vec![done(), error("x"), Answer::NotRun], vec![rows(&[])]], "undoes the whole batch"),
        (Probe::AutoCommit, vec![vec![done(), error("x"), Answer::NotRun], vec![cell("before")]], "what follows"),
        (Probe::AutoCommit, vec![vec![done(), error("x"), done()], vec![cell("after")]], "what precedes"),
        (Probe::StatementSize, one(error("at most 50000 bytes")), "50000"),
    ] {
        let finding = found(&seen_with(probe, answers), probe);
        assert_eq!(finding.verdict, Verdict::Failed, "{finding}");
        assert!(finding.saw.contains(saw), "{finding}");
        let leaks = matches!(probe.severity(), Severity::Leaks(_));
        assert_eq!(finding.blocks(&BTreeSet::new()), leaks, "{finding}");
    }
}

#[test]
fn what_could_not_be_looked_at_is_unknown() {
    let nothing = || vec![Vec::new(); 4];
    for (probe, answers, blocks) in [
        (Probe::Isolation, vec![vec![error("permission denied")], vec![rows(&[])], vec![Answer::NotRun]], false),
        (Probe::Isolation, vec![vec![rows(&[&["dev", "Read Committed"]])]], false),
        (Probe::CaseSensitiveIdentifiers, vec![vec![error("no")], vec![cell("off")]], true),
        (Probe::CaseSensitiveIdentifiers, vec![vec![cell("perhaps")]], true),
        (Probe::CrossDatabase, vec![vec![error("no such database")], vec![error("no such database")]], false),
        (Probe::LargeStrings, vec![vec![error("permission denied")]], false),
        (Probe::MetadataSecurity, vec![vec![error("no such parameter")], vec![error("no")]], false),
        (Probe::UsageBelowViews, vec![vec![cell("t")], vec![cell("a1")]], false),
        (Probe::UsageBelowViews, vec![vec![cell("f")], vec![error("disk full")]], false),
        (Probe::UsageBelowViews, vec![vec![error("no")], vec![cell("a1")]], false),
        (Probe::ViewReader, vec![vec![error("disk full")]], true),
        (Probe::ViewReader, vec![vec![rows(&[])]], true),
        (Probe::ResultCache, vec![vec![cell(SYSTEM)], vec![error("no")], vec![cell(SYSTEM)], vec![cell(READER)]], true),
        (Probe::ResultCache, vec![vec![cell(SYSTEM)], vec![cell(READER)], vec![error("no")], vec![cell(READER)]], true),
        (Probe::Backslash, vec![vec![error("no")]], true),
        (Probe::LambdaReply, vec![vec![error("the function does not answer")]], false),
        (Probe::LambdaUser, vec![vec![error("no such function"), Answer::NotRun], vec![error("no view")]], false),
        (Probe::AutoCommit, vec![vec![error("no"), error("no"), error("no")], vec![rows(&[])]], false),
        (Probe::AutoCommit, vec![vec![done(), done(), done()], vec![rows(&[])]], false),
        (Probe::AutoCommit, vec![vec![done(), error("no"), done()], vec![error("no")]], false),
        (Probe::StatementSize, Vec::new(), false),
    ] {
        for answers in [answers, nothing()] {
            let finding = found(&seen_with(probe, answers), probe);
            assert_eq!(finding.verdict, Verdict::Unknown, "{finding}");
            assert_eq!(finding.blocks(&BTreeSet::new()), blocks, "{finding}");
        }
    }
}

#[test]
fn a_warehouse_older_than_the_option_has_no_large_strings() {
    let seen =
        seen_with(Probe::LargeStrings, vec![vec![error("ERROR: function is_large_string_enabled() does not exist")]]);
    assert_eq!(found(&seen, Probe::LargeStrings).verdict, Verdict::Passed);
}

/// The verdicts of the probes that are not as they are where all is well.
fn others(seen: &Seen) -> Vec<(Probe, Verdict)> {
    let report = report(&integration("multi_database", true, true), seen);
    let others = report.findings.iter().filter(|finding| finding.verdict != Verdict::Passed);
    others.map(|finding| (finding.id, finding.verdict)).collect()
}

#[test]
fn a_second_account_must_be_there_and_be_another() {
    let unknown = |probes: &[Probe]| probes.iter().map(|probe| (*probe, Verdict::Unknown)).collect::<Vec<_>>();
    let all =
        [Probe::MetadataSecurity, Probe::UsageBelowViews, Probe::ViewReader, Probe::ResultCache, Probe::LambdaUser];
    for reader in [Answer::NotRun, error("permission denied for database"), cell(SYSTEM)] {
        let seen = Seen { people: people(reader.clone(), Answer::NotRun), ..all_well() };
        assert_eq!(others(&seen), unknown(&all), "{reader:?}");
    }
    // A superuser reads what it likes, but is told who it is and given its own results like everybody.
    for superuser in [cell("true"), error("no")] {
        let seen = Seen { people: people(cell(READER), superuser.clone()), ..all_well() };
        assert_eq!(others(&seen), unknown(&all[..2]), "{superuser:?}");
    }
}

#[test]
fn a_view_that_takes_all_for_one_says_nothing_of_the_cache() {
    let mut seen = seen_with(Probe::ViewReader, vec![vec![cell(SYSTEM)]]);
    seen.probes[7] = vec![vec![cell(SYSTEM)]; 4];
    assert_eq!(others(&seen), [(Probe::ViewReader, Verdict::Failed), (Probe::ResultCache, Verdict::Unknown)]);
}

#[test]
fn without_objects_only_what_needs_none_is_known() {
    let seen = Seen { begin: vec![vec![done(); 2], vec![error("permission denied"), Answer::NotRun]], ..all_well() };
    let unknown: Vec<_> = others(&seen).into_iter().map(|(probe, _)| probe).collect();
    assert_eq!(
        unknown,
        [
            Probe::CrossDatabase,
            Probe::UsageBelowViews,
            Probe::ViewReader,
            Probe::ResultCache,
            Probe::LambdaReply,
            Probe::LambdaUser,
            Probe::AutoCommit
        ]
    );
    let mut nobody = all_well();
    nobody.people[0] = vec![error("no such secret")];
    assert_eq!(others(&nobody), Probe::ALL.map(|probe| (probe, Verdict::Unknown)));
    assert_eq!(report(&integration("multi_database", true, true), &Seen::default()).findings.len(), Probe::ALL.len());
}

#[test]
fn what_nothing_rests_on_is_not_needed() {
    let report = report(&integration("single_database", true, false), &all_well());
    let not_needed: Vec<_> =
        report.findings.iter().filter(|finding| finding.verdict == Verdict::NotNeeded).map(|one| one.id).collect();
    assert_eq!(not_needed, [Probe::CrossDatabase, Probe::LambdaReply, Probe::LambdaUser]);
    let finding = |integration: &Integration| self::report(integration, &all_well()).findings[2].clone();
    let elsewhere = finding(&integration("multi_database", false, true));
    assert_eq!((elsewhere.id, elsewhere.verdict), (Probe::CrossDatabase, Verdict::Unknown));
}

#[test]
fn a_risk_that_is_accepted_does_not_block() {
    let answers = |probe| match probe {
        Probe::Isolation => vec![vec![rows(&[&["immuta", "Read Committed"]])]],
        Probe::CaseSensitiveIdentifiers => vec![vec![cell("on")]],
        _ => vec![vec![error("no")]],
    };
    let mut seen = all_well();
    for (probe, seen) in Probe::ALL.into_iter().zip(&mut seen.probes) {
        *seen = answers(probe);
    }
    let report = report(&integration("multi_database", true, true), &seen);
    let blocks = |accepted: &[Risk]| {
        let accepted = accepted.iter().copied().collect();
        report.blocks(&accepted).iter().map(|finding| finding.id.as_str()).collect::<Vec<_>>()
    };
    let all = ["isolation", "case_sensitive_identifiers", "view_reader", "result_cache", "backslash"];
    assert_eq!(blocks(&[]), all);
    assert_eq!(blocks(&[Risk::ExternalSchemaUsage]), all);
    assert_eq!(blocks(&[Risk::Isolation, Risk::ResultCache]), [all[1], all[2], all[4]]);
    for probe in Probe::ALL {
        // What an administrator accepts is called as the probe is.
        if let Severity::Leaks(risk) = probe.severity() {
            assert_eq!(risk.as_str(), probe.as_str());
        }
        assert_eq!(serde_json::to_value(probe).unwrap(), probe.as_str());
        assert_eq!(probe.blocking(Verdict::Passed), None);
        assert_eq!(probe.blocking(Verdict::NotNeeded), None);
    }
}

#[test]
fn a_report_has_a_line_for_each_finding() {
    let report = Report {
        findings: vec![
            Finding::new(Probe::Isolation, Verdict::Passed, "Snapshot Isolation"),
            Finding::new(Probe::CaseSensitiveIdentifiers, Verdict::Failed, " two\n\n lines\t"),
            Finding::new(Probe::LambdaUser, Verdict::NotNeeded, &"é".repeat(900)),
        ],
    };
    assert_eq!(
        report.to_string(),
        format!(
            "passed      isolation                   leaks  the database isolates transactions by SNAPSHOT or \
             SERIALIZABLE: Snapshot Isolation\n\
             FAILED      case_sensitive_identifiers  leaks  enable_case_sensitive_identifier is off: two lines\n\
             not needed  lambda_user                 warns  a Lambda function is told who asks, below a view too: {}",
            "é".repeat(300)
        )
    );
    let stored = serde_json::to_value(&report).unwrap();
    assert_eq!(
        stored["findings"][1],
        json!({"id": "case_sensitive_identifiers", "verdict": "failed", "saw": "two lines"})
    );
    assert_eq!(serde_json::from_value::<Report>(stored).unwrap(), report);
}

#[test]
fn every_place_is_filled_and_only_the_system_account_changes_anything() {
    for (mode, setup, mask) in [
        ("multi_database", true, true),
        ("single_database", true, false),
        ("multi_database", false, true),
        ("single_database", false, false),
    ] {
        let integration = integration(mode, setup, mask);
        let examination = Examination::of(&integration).unwrap();
        assert_eq!(examination.probes.iter().map(|(probe, _)| *probe).collect::<Vec<_>>(), Probe::ALL);
        for Run { who, place, mode, statements } in examination.runs() {
            assert!((1..=40).contains(&statements.len()));
            assert!(*mode != Mode::Query || statements.len() == 1);
            for statement in statements {
                let sql = statement.execute();
                assert!(!sql.contains(['{', '}']), "{statement:?}");
                let reads = sql.starts_with("SELECT ") || sql.starts_with("SHOW ");
                assert!(reads || (*who, *place) == (Who::System, Place::Own), "{sql}");
                // Whatever is made stands in the two schemas that are dropped.
                let own = sql.contains("\"immuta_doctor\"") || sql.contains("\"immuta_doctor_below\"");
                assert!(reads || own, "{sql}");
            }
        }
        assert_eq!(examination.end, examination.begin[..1]);
        let elsewhere = examination.runs().filter(|run| run.place == Place::Elsewhere).count();
        assert_eq!(elsewhere, if mode == "multi_database" && setup { 2 } else { 0 });
    }
}

#[test]
fn two_people_send_the_same_text_only_where_that_is_the_question() {
    let examination = Examination::of(&integration("multi_database", true, true)).unwrap();
    let mut texts = BTreeSet::new();
    for (probe, run) in examination.probes.iter().flat_map(|(probe, runs)| runs.iter().map(move |run| (probe, run))) {
        for statement in &run.statements {
            let known = !texts.insert(statement.execute().to_owned());
            assert!(!known || matches!(probe, Probe::ResultCache | Probe::CaseSensitiveIdentifiers), "{statement:?}");
        }
    }
}

#[test]
fn the_longest_statement_is_as_long_as_redoubt_sends_any() {
    let examination = Examination::of(&integration("multi_database", true, true)).unwrap();
    let (probe, runs) = examination.probes.last().unwrap();
    assert_eq!((*probe, runs.len()), (Probe::StatementSize, 1));
    assert_eq!(runs[0].statements[0].len(), STATEMENT_BYTES);
}
