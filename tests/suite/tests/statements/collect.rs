//! Every kind of statement that Redoubt can send.

use std::collections::BTreeSet;

use redoubt_core::{
    doctor::Examination,
    model::{Id, Integration},
    record::State,
    render::{
        install::Step,
        view::{self, Application, Revision},
    },
};
use redoubt_tests::{calls, case};

/// A statement and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    pub(crate) what: String,
}

impl Statement {
    pub(crate) fn new(what: impl Into<String>, sql: &str) -> Self {
        Self { sql: sql.to_owned(), what: what.into() }
    }
}

/// The definitions of the policy views of every golden case.
pub(crate) fn views() -> Vec<Statement> {
    let cases = case::read_all().unwrap();
    let views: Vec<_> = cases
        .iter()
        .flat_map(|case| {
            case.views().into_iter().map(|(_, view)| Statement::new(&case.name, view.definition.execute()))
        })
        .collect();
    assert!(views.len() > 40, "only {} views were found", views.len());
    views
}

/// All statements, each once.
pub(crate) fn all() -> Vec<Statement> {
    let mut all = views();
    for case in case::read_all().unwrap() {
        let names = &case.integration.names;
        for (source, view) in case.views() {
            let revision = Revision { source: &source.id, revision: 12, claim: 3 };
            let applied = match view::apply(&view, &case.place(source), revision) {
                Application::Call(call) => vec![call],
                Application::Guarded(statements) => statements.to_vec(),
            };
            let withdrawn = view::withdraw(names, revision, State::Disabled, None);
            for statement in applied.iter().chain([&withdrawn]) {
                all.push(Statement::new(&case.name, statement.execute()));
            }
        }
        all.extend(doctor(&case.name, &case.integration));
        // The names of the hostile case and of those with other prefixes go through setup and removal too.
        all.extend(of_steps(&case.name, calls::setup(&case.integration).unwrap()));
        all.extend(of_steps(&case.name, calls::removal(&case.integration, false).unwrap()));
    }
    for (name, integration) in calls::integrations().unwrap() {
        all.extend(of_steps(name, calls::setup(&integration).unwrap()));
        for keep_profiles in [false, true] {
            all.extend(of_steps(name, calls::removal(&integration, keep_profiles).unwrap()));
        }
        all.extend(doctor(name, &integration));
        let calls = calls::calls(&integration).unwrap();
        all.extend(calls.iter().map(|(what, statement)| Statement::new(*what, statement.execute())));
    }
    for (name, before, after) in calls::changes().unwrap() {
        all.extend(of_steps(name, calls::change(&before, &after).unwrap()));
    }
    let longest = Id::check("id", &"'".repeat(128)).unwrap();
    let names = &calls::integrations().unwrap()[0].1.names.clone();
    let last = Revision { source: &longest, revision: u64::MAX, claim: u64::MAX };
    let largest = view::withdraw(names, last, State::Unhealthy, Some(&"\\".repeat(2_000)));
    all.push(Statement::new("the largest counters", largest.execute()));
    distinct(all)
}

/// The statements of steps, and the queries before them.
fn of_steps(name: &str, steps: Vec<Step>) -> Vec<Statement> {
    let mut found = Vec::new();
    for step in steps {
        let what = format!("{name}: step {}", step.name);
        let looks = step.look.iter().map(|look| &look.query);
        found.extend(step.statements.iter().chain(looks).map(|statement| Statement::new(&what, statement.execute())));
    }
    found
}

/// What the doctor runs.
fn doctor(name: &str, integration: &Integration) -> Vec<Statement> {
    let examination = Examination::of(integration).unwrap();
    let statements = examination.runs().flat_map(|run| &run.statements);
    statements.map(|statement| Statement::new(format!("{name}: doctor"), statement.execute())).collect()
}

/// The statements without those that stand there already.
pub(crate) fn distinct(mut statements: Vec<Statement>) -> Vec<Statement> {
    let mut known = BTreeSet::new();
    statements.retain(|statement| known.insert(statement.sql.clone()));
    statements
}
