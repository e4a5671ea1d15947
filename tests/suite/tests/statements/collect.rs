//! Every kind of statement that Redoubt can send.

use std::collections::{BTreeMap, BTreeSet};

use redoubt_core::{
    doctor::{Answer, Examination},
    drift::{
        Definition, Finding, Page, Question, Remedy, Table, View,
        judge::{self, Answers},
        query, remedy,
    },
    model::{DataSource, Id, Integration},
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
        if DRIFT.contains(&case.name.as_str()) {
            all.extend(drift(&case.name, &case.integration, &case.sources));
        }
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

/// The cases of which drift is searched: hostile names, and a table in the database of its view.
const DRIFT: [&str; 2] = ["hostile-strings", "single-database"];

/// What is asked in search of drift, of sources and accounts with any names, and what undoes it.
fn drift(name: &str, integration: &Integration, sources: &[DataSource]) -> Vec<Statement> {
    let page = Page {
        views: sources
            .iter()
            .map(|source| View { source: source.id.clone(), revision: 7, name: source.view.clone() })
            .collect(),
        tables: sources.iter().map(|source| Table { source: source.clone() }).collect(),
        definitions: sources
            .iter()
            .map(|source| Definition { policy: source.id.clone(), revision: 7, status: None, digest: None })
            .collect(),
        after: "it's".to_owned(),
        last: sources.first().map(|_| "z\\".to_owned()),
        accounts: BTreeMap::new(),
    };
    let own = query::own(integration, &page).unwrap();
    let tables = sources.iter().flat_map(|source| query::tables(integration, &source.database, &page).unwrap());
    let asked = own.into_iter().chain(tables).map(|query| query.statement);
    let undone = findings(integration, &page).into_iter().flat_map(|finding| match finding.remedy {
        Remedy::Revoke(statement) => vec![statement],
        Remedy::Delete { statements, .. } => statements,
        Remedy::Remake(target) => vec![remedy::remake(integration, [target.id.as_str()]).unwrap()],
        Remedy::Report { .. } | Remedy::Render(_) | Remedy::RenderAbove(..) => Vec::new(),
    });
    let all: Vec<_> = asked.chain(undone).collect();
    all.iter().map(|statement| Statement::new(format!("{name}: drift"), statement.execute())).collect()
}

/// Every statement that undoes something, from answers in which everything is wrong.
fn findings(integration: &Integration, page: &Page) -> Vec<Finding> {
    let names = &integration.names;
    let row = |cells: &[&str]| cells.iter().map(|cell| Some((*cell).to_owned())).collect::<Vec<_>>();
    let holders = [("it's \"b\\", "user"), ("r", "role"), ("g", "group"), ("public", "public")];
    let each = |cells: &dyn Fn(&str, &str) -> Vec<Option<String>>| {
        Answer::Rows(holders.iter().map(|(name, kind)| cells(name, kind)).collect())
    };
    let (system, procedures) = (names.system.as_str(), names.procedures.as_str());
    let answers = Answers::from([
        (Question::Sight, Answer::Rows(vec![row(&["1"])])),
        (Question::Relations, each(&|name, kind| row(&[system, "pro\"file", "SELECT", name, kind]))),
        (Question::Procedures, each(&|name, kind| row(&[procedures, "apply_view", "EXECUTE", name, kind]))),
        (
            Question::Schemas,
            Answer::Rows(
                holders
                    .iter()
                    .flat_map(|(name, kind)| {
                        let scoped = ["TABLES", "FUNCTIONS", "PROCEDURES"];
                        let scoped = scoped.map(|scope| row(&[system, "SELECT", scope, name, kind]));
                        // Nobody but users and roles can have those.
                        let scoped = scoped.into_iter().filter(|_| matches!(*kind, "user" | "role"));
                        scoped.chain([row(&[system, "CREATE", "SCHEMA", name, kind])])
                    })
                    .collect(),
            ),
        ),
        (
            Question::Defaults,
            each(&|name, kind| row(&[system, "RELATION", integration.system_user.as_str(), "SELECT", name, kind])),
        ),
        (Question::Profiles, Answer::Rows(vec![row(&["it's b\\", "9000000000000000000", "true", ""])])),
        (Question::Entitlements, Answer::Rows(vec![row(&["no profile", "1", "5"])])),
    ]);
    let found = judge::own(integration, page, &answers);
    let undone = found.iter().filter(|finding| finding.remedy.repairs()).count();
    assert!(undone >= 23, "only {undone} are undone: {found:#?}");
    found
}

/// The statements without those that stand there already.
pub(crate) fn distinct(mut statements: Vec<Statement>) -> Vec<Statement> {
    let mut known = BTreeSet::new();
    statements.retain(|statement| known.insert(statement.sql.clone()));
    statements
}
