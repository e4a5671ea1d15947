//! What follows from what was seen.

use super::{
    Answer, Examination, Finding, Probe, Report, Seen, Verdict,
    plan::{BACKSLASHED, MASKED_SAMPLE, SAMPLE, elsewhere, not_needed},
};
use crate::model::Integration;

/// A verdict and what it rests on.
type Judged = (Verdict, String);

/// Judges everything that was seen.
#[must_use]
pub fn judge(integration: &Integration, examination: &Examination, seen: &Seen) -> Report {
    let people = People::of(seen);
    let begun = seen.begin.iter().flatten().find_map(error);
    let findings = examination.probes.iter().enumerate().map(|(index, (probe, _))| {
        let answers = Answers(seen.probes.get(index).map_or(&[], Vec::as_slice));
        let (verdict, saw) = match (not_needed(*probe, integration), &people.system, begun) {
            (Some(why), _, _) => (Verdict::NotNeeded, why.to_owned()),
            (None, Err(why), _) => (Verdict::Unknown, format!("the system account can't ask anything: {why}")),
            (None, Ok(_), Some(error)) if needs_objects(*probe) => {
                (Verdict::Unknown, format!("what the probe looks at could not be made: {error}"))
            }
            (None, Ok(system), _) => one(*probe, integration, system, &people, answers),
        };
        Finding::new(*probe, verdict, &saw)
    });
    Report { findings: findings.collect() }
}

/// Whether a probe looks at what the examination makes.
fn needs_objects(probe: Probe) -> bool {
    match probe {
        Probe::Isolation
        | Probe::CaseSensitiveIdentifiers
        | Probe::LargeStrings
        | Probe::MetadataSecurity
        | Probe::Backslash
        | Probe::StatementSize => false,
        Probe::CrossDatabase
        | Probe::UsageBelowViews
        | Probe::ViewReader
        | Probe::ResultCache
        | Probe::LambdaReply
        | Probe::LambdaUser
        | Probe::AutoCommit => true,
    }
}

fn one(probe: Probe, integration: &Integration, system: &str, people: &People<'_>, answers: Answers<'_>) -> Judged {
    match probe {
        Probe::Isolation => isolation(integration.database.as_str(), answers),
        Probe::CaseSensitiveIdentifiers => case_sensitive_identifiers(answers),
        Probe::CrossDatabase if elsewhere(integration).is_none() => unknown("`setup` names no other database"),
        Probe::CrossDatabase => cross_database(answers),
        Probe::LargeStrings => large_strings(answers),
        Probe::MetadataSecurity => metadata_security(people, answers),
        Probe::UsageBelowViews => with_reader(people, |_| usage_below_views(people, answers)),
        Probe::ViewReader => {
            with_reader(people, |reader| same_person(system, reader, answers.first(0), "CURRENT_USER"))
        }
        Probe::ResultCache => with_reader(people, |reader| result_cache(system, reader, answers)),
        Probe::Backslash => match answers.first(0) {
            Answer::Rows(_) if answers.cell(0) == Some(BACKSLASHED) => passed("the literal came back as it was meant"),
            Answer::Rows(_) => failed(format!("{BACKSLASHED} came back as {}", answers.shown(0))),
            other => not_seen(other),
        },
        Probe::LambdaReply => lambda_reply(answers),
        Probe::LambdaUser => with_reader(people, |reader| match answers.error(0) {
            Some(error) => unknown(format!("the view could not be made: {error}")),
            None => same_person(system, reader, answers.first(1), "`user`"),
        }),
        Probe::AutoCommit => auto_commit(answers),
        Probe::StatementSize => match answers.first(0) {
            Answer::Rows(_) if answers.cell(0) == Some("1") => passed("it was taken"),
            Answer::Rows(_) => failed(format!("it gave {}", answers.shown(0))),
            // The account can ask other things, so it is the length that is refused.
            Answer::Error(error) => failed(error),
            Answer::NotRun => not_seen(&Answer::NotRun),
        },
    }
}

fn isolation(database: &str, answers: Answers<'_>) -> Judged {
    let rows = (0..3).flat_map(|run| answers.rows(run));
    let levels = rows.filter_map(|row| match row.as_slice() {
        // Of type CHAR, which is padded.
        [Some(name), Some(level)] if name.trim().eq_ignore_ascii_case(database) => Some(level.trim()),
        _ => None,
    });
    let levels: Vec<&str> = levels.collect();
    let documented = |level: &&&str| {
        ["snapshot isolation", "snapshot", "serializable"].iter().any(|known| level.eq_ignore_ascii_case(known))
    };
    match (levels.iter().find(|level| !documented(level)), levels.first()) {
        (Some(level), _) => failed(*level),
        (None, Some(level)) => passed(*level),
        (None, None) => match (0..2).find_map(|run| answers.error(run)) {
            Some(error) => unknown(error),
            None => unknown("no account that asked is shown the level of this database"),
        },
    }
}

fn case_sensitive_identifiers(answers: Answers<'_>) -> Judged {
    let of = |run| answers.cell(run).and_then(truth);
    match (of(0), of(1)) {
        (Some(true), _) => failed("it is on for the system account"),
        (_, Some(true)) => failed("it is on for the second account"),
        (Some(false), Some(false)) => passed("off for both accounts"),
        (Some(false), None) => passed("off"),
        (None, _) => not_seen(answers.first(0)),
    }
}

fn cross_database(answers: Answers<'_>) -> Judged {
    if answers.cell(0).is_none() {
        return unknown(format!("the system account can't ask in the other database: {}", answers.shown(0)));
    }
    match answers.first(1) {
        Answer::Rows(_) if answers.cell(1) == Some(SAMPLE) => passed("it was read from the other database"),
        Answer::Rows(_) => failed(format!("it gave {}", answers.shown(1))),
        Answer::Error(error) => failed(error),
        Answer::NotRun => not_seen(&Answer::NotRun),
    }
}

fn large_strings(answers: Answers<'_>) -> Judged {
    match (answers.first(0), answers.cell(0).and_then(truth)) {
        (_, Some(true)) => failed("is_large_string_enabled() is true"),
        (_, Some(false)) => passed("is_large_string_enabled() is false"),
        // Releases before the option have no function that tells of it.
        (Answer::Error(error), None) if error.contains("does not exist") => {
            passed("the warehouse is older than the option")
        }
        (other, None) => not_seen(other),
    }
}

fn metadata_security(people: &People<'_>, answers: Answers<'_>) -> Judged {
    if let Some(on) = answers.cell(0).and_then(truth) {
        return if on { failed("it is on") } else { passed("it is off") };
    }
    // The setting can't be read; whether it works can be seen by whom it is made for.
    match (answers.cell(1), people.reader, people.superuser) {
        (Some("0"), Ok(_), _) => failed("the second account is not shown a table that it may not read"),
        (Some("1"), Ok(_), Some(false)) => passed("the second account is shown a table that it may not read"),
        (_, Err(why), _) => unknown(format!("the setting can't be read, and {why}")),
        (Some("1"), Ok(_), _) => unknown("the setting can't be read, and nothing is hidden from a superuser"),
        _ => not_seen(answers.first(1)),
    }
}

fn usage_below_views(people: &People<'_>, answers: Answers<'_>) -> Judged {
    if people.superuser != Some(false) || answers.cell(0).and_then(truth) != Some(false) {
        return unknown("the second account may use every schema (a superuser?), so it proves nothing");
    }
    match answers.first(1) {
        Answer::Rows(_) if answers.cell(1) == Some(SAMPLE) => passed("the second account read the view without it"),
        Answer::Error(error) if error.to_ascii_lowercase().contains("permission denied") => failed(error),
        other => not_seen(other),
    }
}

fn result_cache(system: &str, reader: &str, answers: Answers<'_>) -> Judged {
    // What the reader sees of a view that nobody else asked for.
    if answers.cell(3) != Some(reader) {
        return unknown("the view does not tell its readers apart, so nothing is known of its results");
    }
    let first =
        [(0, system), (1, reader), (2, system)].into_iter().find(|(run, name)| answers.cell(*run) != Some(*name));
    match first {
        None => passed("two accounts asked in turn, and each saw its own"),
        Some((run, _)) => match (answers.first(run), answers.cell(run)) {
            (_, Some(name)) if name == system => failed("the second account was given the system account's result"),
            (_, Some(name)) if name == reader => failed("the system account was given the second account's result"),
            (other, _) => not_seen(other),
        },
    }
}

fn lambda_reply(answers: Answers<'_>) -> Judged {
    match answers.first(0) {
        Answer::Rows(_) if answers.cell(0) == Some(MASKED_SAMPLE) => passed("mask_regex replied"),
        Answer::Rows(_) => failed(format!("{SAMPLE} was masked as {}", answers.shown(0))),
        // As users report it for replies that are no text; anything else is about the function, and not its reply.
        Answer::Error(error) if error.to_ascii_lowercase().contains("format") => failed(error),
        other => not_seen(other),
    }
}

fn auto_commit(answers: Answers<'_>) -> Judged {
    let batch = answers.run(0);
    match (batch.first(), batch.get(1)) {
        (Some(Answer::Rows(_)), Some(Answer::Error(_))) => {}
        (Some(Answer::Rows(_)), _) => return unknown("the statement that was to fail did not"),
        (first, _) => return not_seen(first.unwrap_or(&Answer::NotRun)),
    }
    if !matches!(answers.first(1), Answer::Rows(_)) {
        return not_seen(answers.first(1));
    }
    let kept = |mark: &str| answers.rows(1).any(|row| row.first().and_then(Option::as_deref) == Some(mark));
    match (kept("before"), kept("after")) {
        (true, true) => passed("what stood before and after the failure is there"),
        (true, false) => failed("what follows a failure is not done"),
        (false, true) => failed("what precedes a failure is undone"),
        (false, false) => failed("a failure undoes the whole batch"),
    }
}

/// Judges the name that another account than the view's owner got through a view.
fn same_person(system: &str, reader: &str, answer: &Answer, what: &str) -> Judged {
    match (answer, cell(answer)) {
        (_, Some(name)) if name == reader => passed("the second account saw its own name"),
        (_, Some(name)) if name == system => failed(format!("{what} is the view's owner")),
        (_, Some(_)) => failed(format!("{what} is neither the reader nor the view's owner")),
        (other, None) => not_seen(other),
    }
}

fn with_reader(people: &People<'_>, judge: impl FnOnce(&str) -> Judged) -> Judged {
    match people.reader {
        Ok(reader) => judge(reader),
        Err(why) => unknown(why),
    }
}

/// Who ran the probes.
struct People<'a> {
    system: Result<&'a str, String>,
    /// Another account than the system account, or why there is none.
    reader: Result<&'a str, &'static str>,
    superuser: Option<bool>,
}

impl<'a> People<'a> {
    fn of(seen: &'a Seen) -> Self {
        let answers = Answers(&seen.people);
        let system = answers.cell(0).ok_or_else(|| answers.shown(0));
        let reader = match (answers.first(1), answers.cell(1)) {
            (Answer::NotRun, _) => Err("there is no second account to look with"),
            (_, None) => Err("the second account can't ask anything in this database"),
            (_, Some(name)) if system == Ok(name) => Err("the second account is the system account itself"),
            (_, Some(name)) => Ok(name),
        };
        Self { system, reader, superuser: answers.cell(2).and_then(truth) }
    }
}

/// The answers of a probe's runs. A run that is not there was not run.
#[derive(Clone, Copy)]
struct Answers<'a>(&'a [Vec<Answer>]);

impl<'a> Answers<'a> {
    fn run(self, run: usize) -> &'a [Answer] {
        self.0.get(run).map_or(&[], Vec::as_slice)
    }

    fn first(self, run: usize) -> &'a Answer {
        self.run(run).first().unwrap_or(&Answer::NotRun)
    }

    fn rows(self, run: usize) -> impl Iterator<Item = &'a Vec<Option<String>>> {
        match self.first(run) {
            Answer::Rows(rows) => rows.as_slice(),
            Answer::Error(_) | Answer::NotRun => &[],
        }
        .iter()
    }

    fn cell(self, run: usize) -> Option<&'a str> {
        cell(self.first(run))
    }

    fn error(self, run: usize) -> Option<&'a str> {
        self.run(run).iter().find_map(error)
    }

    /// The first value of a run for people, or why there is none.
    fn shown(self, run: usize) -> String {
        match (self.cell(run), self.first(run)) {
            (Some(value), _) => value.to_owned(),
            (None, Answer::Error(error)) => error.clone(),
            (None, Answer::Rows(_)) => "nothing".to_owned(),
            (None, Answer::NotRun) => "it was not run".to_owned(),
        }
    }
}

fn cell(answer: &Answer) -> Option<&str> {
    match answer {
        Answer::Rows(rows) => rows.first()?.first()?.as_deref().map(str::trim_end),
        Answer::Error(_) | Answer::NotRun => None,
    }
}

fn error(answer: &Answer) -> Option<&str> {
    match answer {
        Answer::Error(error) => Some(error),
        Answer::Rows(_) | Answer::NotRun => None,
    }
}

/// A truth value as SHOW and the Data API write it.
fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "on" | "true" | "t" | "1" => Some(true),
        "off" | "false" | "f" | "0" => Some(false),
        _ => None,
    }
}

fn passed(saw: impl Into<String>) -> Judged {
    (Verdict::Passed, saw.into())
}

fn failed(saw: impl Into<String>) -> Judged {
    (Verdict::Failed, saw.into())
}

fn unknown(saw: impl Into<String>) -> Judged {
    (Verdict::Unknown, saw.into())
}

/// There is no answer to judge.
fn not_seen(answer: &Answer) -> Judged {
    unknown(match answer {
        Answer::Error(error) => error.as_str(),
        Answer::Rows(_) => "the answer says nothing",
        Answer::NotRun => "it was not run",
    })
}
