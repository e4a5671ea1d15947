//! The steps as a script for an administrator to review and run by hand.
//!
//! It comes in parts, each for one account in one database. A part's heading always has the form
//! `-- Part 1 of 3: as an administrator, connected to database "dev"`; all that is not a statement of a step is a comment, or
//! one of the `BEGIN` and `COMMIT` around what goes in one transaction. So each part runs in a query editor as well as in psql.

use std::fmt::Write as _;

use super::{
    Connection, LookMeaning, Made, Shared, Step, StepMode, TemplateError, Tolerates, change_steps, removal,
    setup::steps, template::Digest,
};
use crate::model::Integration;

/// What stands for the digest of the system account's password: a variable of psql.
pub const PASSWORD_DIGEST: &str = ":'password_digest'";

/// A part of a script, or what is to be done between two.
enum Section<'a> {
    Steps(&'a Integration, Vec<Step>),
    Pause(&'static str),
}

/// The script that sets an integration's warehouse up. It holds no password's digest, whatever the document says.
///
/// # Errors
/// [`TemplateError`], which a test rules out.
pub fn setup(integration: &Integration) -> Result<String, TemplateError> {
    let steps = steps(integration, Digest::Asked, true)?;
    let then = "Then let the system account read the raw tables, store its password in the secret, and send the integration \
                without `setup`.";
    let sections = [Section::Steps(integration, steps), Section::Pause(then)];
    Ok(print("Sets up", integration, &sections))
}

/// The script that changes an integration. What the event would do with a setup account is in it too.
///
/// # Errors
/// [`TemplateError`], which a test rules out.
pub fn change(before: &Integration, after: &Integration) -> Result<String, TemplateError> {
    let what = super::change(before, after);
    let mut sections = Vec::new();
    if what.refused.is_some() {
        sections.push(Section::Pause("This change can't be done: see the plan."));
    } else if what.leaves {
        sections.push(Section::Steps(after, steps(after, Digest::Asked, true)?));
        sections.push(Section::Pause(SEND));
        sections.push(Section::Steps(before, left(before, false, what.shared)?));
    } else {
        let change_steps = change_steps(before, after)?;
        let mut first = change_steps.first;
        if what.language == Some(super::ChangeBy::Administrator) {
            first.splice(0..0, super::setup::language(after)?);
        }
        sections.push(Section::Steps(after, first));
        sections.push(Section::Pause(SEND));
        sections.push(Section::Steps(after, change_steps.last));
    }
    Ok(print("Changes", after, &sections))
}

const SEND: &str = "Now send the changed integration, and go on when its data sources are applied.";

/// The script that takes an integration away: everything, or all but the profiles.
///
/// # Errors
/// [`TemplateError`], which a test rules out.
pub fn remove(integration: &Integration, keep_profiles: bool) -> Result<String, TemplateError> {
    let before =
        "First send `integration.deleted`, or switch the functions off. Revoke what you let the system account read.";
    let steps = left(integration, keep_profiles, Shared::default())?;
    Ok(print("Removes", integration, &[Section::Pause(before), Section::Steps(integration, steps)]))
}

/// Run by hand, a removal drops what the setup by hand made.
fn left(integration: &Integration, keep_profiles: bool, shared: Shared) -> Result<Vec<Step>, TemplateError> {
    let made = Made { account: true, database: integration.new_database };
    removal::steps(integration, keep_profiles, true, made, shared)
}

/// Who runs a part and where.
#[derive(PartialEq, Eq)]
struct Place {
    who: String,
    database: Option<String>,
}

impl Place {
    fn of(integration: &Integration, connection: Connection) -> Self {
        let name = |ident: &crate::sql::Ident| format!("\"{}\"", one_line(&ident.as_str().replace('"', "\"\"")));
        let own = || Some(name(&integration.database));
        let administrator = "an administrator".to_owned();
        match connection {
            Connection::System => Self { who: name(&integration.system_user), database: own() },
            Connection::Setup => Self { who: administrator, database: own() },
            Connection::SetupElsewhere => {
                let database = match &integration.setup {
                    Some(setup) => Some(name(&setup.database)),
                    None if integration.new_database => None,
                    None => own(),
                };
                Self { who: administrator, database }
            }
        }
    }

    fn heading(&self) -> String {
        let Self { who, database } = self;
        match database {
            Some(database) => format!("as {who}, connected to database {database}"),
            None => format!("as {who}, connected to another database"),
        }
    }
}

fn print(verb: &str, integration: &Integration, sections: &[Section<'_>]) -> String {
    let mut parts: Vec<(Option<Place>, String)> = Vec::new();
    for section in sections {
        match section {
            Section::Pause(words) => parts.push((None, comment(words))),
            Section::Steps(integration, steps) => {
                for step in steps {
                    let place = Place::of(integration, step.connection);
                    match parts.last_mut() {
                        Some((Some(last), text)) if *last == place => push(text, step),
                        _ => {
                            let mut text = String::new();
                            push(&mut text, step);
                            parts.push((Some(place), text));
                        }
                    }
                }
            }
        }
    }
    let count = parts.iter().filter(|(place, _)| place.is_some()).count();
    let mut out = comment(&format!("{verb} Redoubt's integration {}.", integration.id.as_str()));
    let mut number = 0;
    for (place, text) in parts {
        out.push('\n');
        if let Some(place) = place {
            number += 1;
            let _ = writeln!(out, "-- Part {number} of {count}: {}", place.heading());
            if let Some(database) = &place.database {
                let _ = writeln!(out, "-- In psql: \\connect {database}");
            }
            if text.contains(PASSWORD_DIGEST) {
                out.push_str(&comment(DIGEST_WORDS));
            }
        }
        out.push_str(&text);
    }
    out
}

const DIGEST_WORDS: &str = "\
:'password_digest' stands for the digest of the system account's password, sha256|digest|salt. In psql:
\\set password_digest 'sha256|…|…'
In a query editor write it in its place, between single quotes.";

fn push(out: &mut String, step: &Step) {
    let together = step.mode == StepMode::Together && step.statements.len() > 1;
    let how = if together { ", in one transaction" } else { "" };
    let _ = write!(out, "\n-- Step: {}{how}\n", step.name);
    if let Some(look) = &step.look {
        let words = match &look.meaning {
            LookMeaning::Exists { refuse: None } => "Leave this step out if this does not give 0:".to_owned(),
            LookMeaning::Exists { refuse: Some(refuse) } | LookMeaning::MustBeNone { refuse } => {
                format!("Stop if this does not give 0: {refuse}.")
            }
        };
        out.push_str(&comment(&words));
        out.push_str(&comment(look.query.execute()));
    }
    if step.tolerates == Tolerates::Gone {
        out.push_str(&comment("«does not exist» is no failure here."));
    }
    if together {
        out.push_str("BEGIN;\n");
    }
    for statement in &step.statements {
        let _ = writeln!(out, "{};", statement.execute());
    }
    if together {
        out.push_str("COMMIT;\n");
    }
}

/// Text as a comment. A name may hold line breaks, and what follows one would be a statement.
fn comment(text: &str) -> String {
    text.lines().map(|line| format!("-- {}\n", one_line(line))).collect()
}

/// Text without what may end a line.
fn one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'), " ")
}
