//! The SQL of a policy view, and the calls that put it in force or take it away.
//!
//! Entitlements are evaluated once per query in derived tables that are joined, never per row: Redshift refuses many
//! correlated subqueries as soon as a user wraps the view in a query of their own
//! (<https://docs.aws.amazon.com/redshift/latest/dg/r_correlated_subqueries.html>).

mod query;
mod transform;

use query::Builder;

use super::{counter, digest, plain, procedure};
use crate::{
    model::{Binding, Id, Names},
    plan::ViewPlan,
    record::State,
    sql::{
        Ident, QualifiedName, SqlText, Text, print, print_indented,
        tree::{Alias, Expr, Operator, Select, Statement, Table},
    },
};

/// Longest text that a procedure's argument can carry, in bytes:
/// <https://docs.aws.amazon.com/redshift/latest/dg/r_Character_types.html>.
pub const MAX_ARGUMENT_BYTES: usize = 65_535;

const SOURCE: Alias = Alias::fixed("s");
/// What is known of the reader and only the view's owner reads, in one row.
const READER: Alias = Alias::fixed("p");

/// Where a policy view goes.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    /// Names of Redoubt's own objects.
    pub names: &'a Names,
    /// The database the view lives in.
    pub database: &'a Ident,
    /// The schema of policy views.
    pub schema: &'a Ident,
    /// The view's name.
    pub view: &'a Ident,
}

/// A policy view, ready to be put in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The statement that makes it.
    pub definition: SqlText,
    /// Digest of the definition; the same policies on the same source give the same.
    pub fingerprint: String,
    /// Digest of the column names and types and of the binding; when it changes the view can't be replaced and is dropped
    /// first.
    pub shape: String,
}

/// The SQL of a planned view.
#[must_use]
pub fn view(plan: &ViewPlan, place: &Place<'_>) -> View {
    let (statement, blank) = statement(plan, place);
    let text = print(&statement);
    let fingerprint = fingerprint(&text);
    View { definition: text.with_marker(&blank, &fingerprint), fingerprint, shape: shape(plan) }
}

/// The same SQL over several lines, for people.
#[must_use]
pub fn view_indented(plan: &ViewPlan, place: &Place<'_>) -> SqlText {
    let (statement, blank) = statement(plan, place);
    let fingerprint = fingerprint(&print(&statement));
    print_indented(&statement).with_marker(&blank, &fingerprint)
}

/// Digits of the fingerprint that are kept.
const FINGERPRINT_DIGITS: usize = 32;

fn fingerprint(text: &SqlText) -> String {
    digest([text.execute().as_bytes()]).chars().take(FINGERPRINT_DIGITS).collect()
}

/// Whether a bound view may replace a late-binding one is not documented, so the binding is part of what a view can't change.
fn shape(plan: &ViewPlan) -> String {
    let types: Vec<String> = plan.columns.iter().map(|column| column.shown.to_string()).collect();
    let columns = plan.columns.iter().zip(&types);
    let parts = columns.flat_map(|(column, data_type)| [column.name.as_str().as_bytes(), data_type.as_bytes()]);
    let bound = (plan.binding == Binding::Bound).then_some(b"bound".as_slice());
    digest(parts.chain(bound)).chars().take(FINGERPRINT_DIGITS).collect()
}

/// The statement, with zeros where the fingerprint of all the rest will stand.
fn statement(plan: &ViewPlan, place: &Place<'_>) -> (Statement, String) {
    let mut builder = Builder::new(plan, place.names);
    let items = plan.columns.iter().map(|column| builder.column(column)).collect();
    let mut conditions = vec![Expr::internal(READER, "known").binary(Operator::Greater, Expr::Int(0))];
    conditions.extend(builder.access(&plan.subscription));
    for rows in &plan.rows {
        conditions.push(builder.rows(rows));
    }
    let joins = builder.joins();
    let mut location = plan.location.clone();
    if location.database.as_ref().is_some_and(|database| database.folded() == place.database.folded()) {
        location.database = None;
    }
    let blank = "0".repeat(FINGERPRINT_DIGITS);
    let comment = serde_json::json!({"source": plan.source.as_str(), "fingerprint": blank});
    let query = Select {
        comment: Some(format!("redoubt {comment}")),
        distinct: false,
        items,
        from: Table::Named(location, SOURCE),
        joins,
        filter: Some(Expr::And(conditions)),
    };
    let name = QualifiedName::new(place.schema.clone(), place.view.clone());
    let late_binding = plan.binding == Binding::Late;
    (Statement::CreateView { name, query, late_binding }, blank)
}

/// What a revision of a source asks of the warehouse.
#[derive(Debug, Clone, Copy)]
pub struct Revision<'a> {
    /// The data source.
    pub source: &'a Id,
    /// Its revision.
    pub revision: u64,
    /// How often the view's name changed hands: of two sources that had the same view name, the later one has the higher.
    pub claim: u64,
}

/// Statements that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Application {
    /// One call of a procedure, a transaction of its own.
    Call(SqlText),
    /// A definition too long for an argument: a guard that fails if stale, the definition, and the bookkeeping, in one
    /// transaction.
    Guarded([SqlText; 3]),
}

/// Statement that makes a source known to the warehouse, so that two first applications can't miss each other: they then
/// conflict on its row. `seed` is mixed with the warehouse's own randomness into the source's salt, which is therefore in no
/// statement's text.
#[must_use]
pub fn prepare(names: &Names, source: &Id, seed: &Text) -> SqlText {
    let arguments = vec![Expr::Text(source.text().clone()), Expr::Text(seed.clone())];
    print(&Statement::Call { procedure: procedure(names, "prepare_view"), arguments })
}

/// Statement that gives a project that allows masked joins its salt, unless it has one.
#[must_use]
pub fn prepare_project(names: &Names, project: &Text, seed: &Text) -> SqlText {
    let arguments = vec![Expr::Text(project.clone()), Expr::Text(seed.clone())];
    print(&Statement::Call { procedure: procedure(names, "prepare_project"), arguments })
}

/// Statements that put a view in force, unless a newer revision is.
#[must_use]
pub fn apply(view: &View, place: &Place<'_>, revision: Revision<'_>) -> Application {
    let source = || Expr::Text(revision.source.text().clone());
    let ident = |ident: &Ident| Expr::Text(Text::printed(ident.as_str().to_owned()));
    let head = || vec![source(), counter(revision.revision), counter(revision.claim)];
    let tail = || vec![plain(view.shape.clone()), ident(place.schema), ident(place.view)];
    let call = |name: &'static str, arguments: Vec<Expr>| {
        print(&Statement::Call { procedure: procedure(place.names, name), arguments })
    };
    let fingerprint = || plain(view.fingerprint.clone());
    if view.definition.len() <= MAX_ARGUMENT_BYTES {
        let definition = Expr::Text(Text::printed(view.definition.execute().to_owned()));
        let arguments = [head(), vec![fingerprint()], tail(), vec![definition]].into_iter().flatten().collect();
        Application::Call(call("apply_view", arguments))
    } else {
        Application::Guarded([
            call("begin_view", [head(), tail()].concat()),
            view.definition.clone(),
            call("finish_view", [head(), vec![fingerprint()], tail()].concat()),
        ])
    }
}

/// Longest reason that the warehouse keeps, in bytes.
const MAX_REASON_BYTES: usize = 1_024;

/// Statement that takes a source's view away, unless a newer revision is in force, and says what the source is from then on
/// and why.
#[must_use]
pub fn withdraw(names: &Names, revision: Revision<'_>, state: State, reason: Option<&str>) -> SqlText {
    let state = match state {
        State::Disabled => "disabled",
        State::Unhealthy => "unhealthy",
        State::Withdrawn | State::Applied | State::Pending => "withdrawn",
    };
    let reason = reason.map_or(Expr::Null, |reason| Expr::Text(Text::printed(fitting(reason))));
    let source = Expr::Text(revision.source.text().clone());
    let arguments = vec![source, counter(revision.revision), Expr::fixed(state), reason];
    print(&Statement::Call { procedure: procedure(names, "drop_view"), arguments })
}

/// As much of a reason as the warehouse keeps.
fn fitting(reason: &str) -> String {
    let mut kept = String::new();
    for c in reason.chars().filter(|c| *c != '\0') {
        if kept.len() + c.len_utf8() > MAX_REASON_BYTES {
            break;
        }
        kept.push(c);
    }
    kept
}
