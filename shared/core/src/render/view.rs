//! The SQL of a policy view, and the calls that put it in force or take it away.
//!
//! Entitlements are evaluated once per query in derived tables that are joined, never per row: Redshift refuses many
//! correlated subqueries as soon as a user wraps the view in a query of their own
//! (<https://docs.aws.amazon.com/redshift/latest/dg/r_correlated_subqueries.html>).

use std::{borrow::Cow, collections::BTreeMap};

use super::{counter, digest, plain, procedure, system};
use crate::{
    model::{Condition, Entitlement, EntitlementKind, Id, Names},
    plan::{Access, Grant, PlannedColumn, PlannedRows, RowMatch, RowTest, Transform, Treatment, ViewPlan},
    sql::{
        DataType, Ident, QualifiedName, SqlText, Text, print, print_indented,
        tree::{Alias, Expr, Function, Join, Name, Operator, Select, Statement, Table},
    },
};

/// Longest text that a procedure's argument can carry, in bytes:
/// <https://docs.aws.amazon.com/redshift/latest/dg/r_Character_types.html>.
pub const MAX_ARGUMENT_BYTES: usize = 65_535;

const SOURCE: Alias = Alias::fixed("s");
const KNOWN: Alias = Alias::fixed("u");
const FLAGS: Alias = Alias::fixed("p");
const KEY: Alias = Alias::fixed("k");

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
    /// Digest of the column names and types; when it changes the view can't be replaced and is dropped first.
    pub shape: String,
}

/// The SQL of a planned view.
#[must_use]
pub fn view(plan: &ViewPlan, place: &Place<'_>) -> View {
    let (statement, blank) = statement(plan, place);
    let text = print(&statement);
    let fingerprint = fingerprint(&text);
    View { definition: text.with_marker(&blank, &fingerprint), fingerprint, shape: shape(&plan.columns) }
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

fn shape(columns: &[PlannedColumn]) -> String {
    let types: Vec<String> = columns.iter().map(|column| column.shown.to_string()).collect();
    let parts = columns
        .iter()
        .zip(&types)
        .flat_map(|(column, data_type)| [column.name.as_str().as_bytes(), data_type.as_bytes()]);
    digest(parts).chars().take(FINGERPRINT_DIGITS).collect()
}

/// The statement, with zeros where the fingerprint of all the rest will stand.
fn statement(plan: &ViewPlan, place: &Place<'_>) -> (Statement, String) {
    let mut builder =
        Builder { plan, names: place.names, flags: BTreeMap::new(), sets: BTreeMap::new(), needs_salt: false };
    let items = plan.columns.iter().map(|column| builder.column(column)).collect();
    let mut conditions = vec![Expr::internal(KNOWN, "known").binary(Operator::Greater, Expr::Int(0))];
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
    (Statement::CreateView { name, query, late_binding: true }, blank)
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

/// Statement that takes a source's view away, unless a newer revision is in force.
#[must_use]
pub fn withdraw(names: &Names, revision: Revision<'_>) -> SqlText {
    let arguments = vec![Expr::Text(revision.source.text().clone()), counter(revision.revision)];
    print(&Statement::Call { procedure: procedure(names, "drop_view"), arguments })
}

/// Gathers, while columns and conditions are printed, what has to be joined for them.
struct Builder<'a> {
    plan: &'a ViewPlan,
    names: &'a Names,
    flags: BTreeMap<&'a Entitlement, usize>,
    sets: BTreeMap<(Option<&'a Text>, usize), usize>,
    needs_salt: bool,
}

impl<'a> Builder<'a> {
    fn column(&mut self, column: &'a PlannedColumn) -> (Expr, Option<Name>) {
        let value = Expr::Column(SOURCE, column.name.clone());
        match &column.treatment {
            Treatment::Clear => (value, None),
            Treatment::Masked { cases, otherwise } => {
                let whens: Vec<_> = cases
                    .iter()
                    .map(|(condition, transform)| (self.condition(condition), self.transform(transform, column)))
                    .collect();
                let otherwise = self.transform(otherwise, column);
                let masked = match otherwise {
                    Expr::Cast(inner, data_type) if whens.is_empty() && data_type == column.shown => {
                        Expr::Cast(inner, data_type)
                    }
                    otherwise if whens.is_empty() => otherwise.cast(column.shown),
                    otherwise => Expr::Case(whens, Box::new(otherwise)).cast(column.shown),
                };
                (masked, Some(Name::Column(column.name.clone())))
            }
        }
    }

    fn transform(&mut self, transform: &Transform, column: &PlannedColumn) -> Expr {
        let value = || Expr::Column(SOURCE, column.name.clone());
        self.needs_salt |= transform.needs_salt();
        match transform {
            Transform::Clear => value(),
            Transform::Null => Expr::Null.cast(column.shown),
            // Each branch has the column's type, so that the type of the whole does not hang on how branches are unified.
            Transform::Constant(text) => Expr::Text(text.clone()).cast(column.shown),
            Transform::HashText => salted(value(), column.declared),
            Transform::HashInteger { modulus } => {
                number_from(salted(value(), column.declared), *modulus).cast(column.shown)
            }
            Transform::RoundNumber { bucket, inexact: false } => {
                let rest = Expr::Call(Function::Mod, vec![value(), Expr::Int(*bucket)]);
                value().binary(Operator::Minus, rest).cast(column.shown)
            }
            Transform::RoundNumber { bucket, inexact: true } => {
                let buckets = value().cast(DataType::DoublePrecision).binary(Operator::Divide, Expr::Int(*bucket));
                let whole = Expr::Call(Function::Trunc, vec![buckets]);
                whole.binary(Operator::Times, Expr::Int(*bucket)).cast(column.shown)
            }
            Transform::RoundTime(unit) => {
                Expr::Call(Function::DateTrunc, vec![Expr::fixed(unit.as_str()), value()]).cast(column.shown)
            }
            Transform::Show { first, last, replace_with } => show(&value, *first, *last, replace_with),
        }
    }

    fn condition(&mut self, condition: &'a Condition) -> Expr {
        match condition {
            Condition::Any(any) => Expr::Or(any.iter().map(|one| self.condition(one)).collect()),
            Condition::All(all) => Expr::And(all.iter().map(|one| self.condition(one)).collect()),
            Condition::Has(entitlement) => {
                let next = self.flags.len() + 1;
                let flag = *self.flags.entry(entitlement).or_insert(next);
                Expr::Internal(FLAGS, Cow::Owned(format!("e{flag}"))).equals(Expr::Int(1))
            }
        }
    }

    fn access(&mut self, access: &'a Access) -> Vec<Expr> {
        let mut conditions = Vec::new();
        if !access.grants.contains(&Grant::Anyone) {
            let grants = access.grants.iter().map(|grant| self.grant(grant)).collect();
            conditions.push(Expr::Or(grants));
        }
        for guardrail in access.guardrails.iter().filter(|guardrail| **guardrail != Grant::Anyone) {
            conditions.push(self.grant(guardrail));
        }
        conditions
    }

    fn grant(&mut self, grant: &'a Grant) -> Expr {
        match grant {
            Grant::Anyone => Expr::Bool(true),
            Grant::If(condition) => self.condition(condition),
        }
    }

    fn rows(&mut self, rows: &'a PlannedRows) -> Expr {
        match rows.cases.as_slice() {
            // Nobody is exempt: a semi-join is the faster form of the same thing.
            [] => self.row_test(&rows.otherwise, Form::SemiJoin),
            [(condition, RowTest::All)] if rows.otherwise == RowTest::None => self.condition(condition),
            [(condition, RowTest::All)] => {
                Expr::Or(vec![self.condition(condition), self.row_test(&rows.otherwise, Form::Join)])
            }
            cases => {
                let whens =
                    cases.iter().map(|(condition, test)| (self.condition(condition), self.row_number(test))).collect();
                Expr::Case(whens, Box::new(self.row_number(&rows.otherwise))).equals(Expr::Int(1))
            }
        }
    }

    /// A test as 1 or 0; unknown is 0.
    fn row_number(&mut self, test: &'a RowTest) -> Expr {
        match test {
            RowTest::All => Expr::Int(1),
            RowTest::None => Expr::Int(0),
            test => Expr::Case(vec![(self.row_test(test, Form::Join), Expr::Int(1))], Box::new(Expr::Int(0))),
        }
    }

    fn row_test(&mut self, test: &'a RowTest, form: Form) -> Expr {
        match test {
            RowTest::All => Expr::Bool(true),
            RowTest::None => Expr::Bool(false),
            RowTest::While(condition) => self.condition(condition),
            RowTest::Match(wanted) => self.row_match(wanted, form),
            RowTest::TimeWindow { column, newer_than, older_than } => {
                let bound = |days: u32| Expr::Call(Function::GetDate, vec![]).binary(Operator::Minus, Expr::Days(days));
                let mut bounds = Vec::new();
                if let Some(days) = newer_than {
                    bounds.push(self.raw(*column).binary(Operator::Greater, bound(*days)));
                }
                if let Some(days) = older_than {
                    bounds.push(self.raw(*column).binary(Operator::Less, bound(*days)));
                }
                Expr::And(bounds)
            }
            RowTest::Sample { column, share } => {
                self.needs_salt = true;
                let declared = self.plan.columns.get(*column).map_or(DataType::VarChar(256), |column| column.declared);
                let hash = salted(self.raw(*column), declared);
                number_from(hash, SAMPLE_PARTS).binary(Operator::Less, Expr::Int(i64::from(*share)))
            }
        }
    }

    fn row_match(&mut self, wanted: &'a RowMatch, form: Form) -> Expr {
        match wanted {
            // A semi-join among alternatives would be evaluated beside them; only joins are sure to be done once.
            RowMatch::Any(any) => Expr::Or(any.iter().map(|one| self.row_match(one, Form::Join)).collect()),
            RowMatch::All(all) => Expr::And(all.iter().map(|one| self.row_match(one, form)).collect()),
            RowMatch::Equals { column, attribute } => match form {
                Form::Join => {
                    let next = self.sets.len() + 1;
                    let set = *self.sets.entry((attribute.as_ref(), *column)).or_insert(next);
                    Expr::IsNotNull(Box::new(Expr::internal(Alias::numbered("r", set), "value")))
                }
                Form::SemiJoin => {
                    let declared =
                        self.plan.columns.get(*column).map_or(DataType::VarChar(256), |column| column.declared);
                    let values = values_of(self.names, attribute.as_ref(), false);
                    Expr::InSelect(Box::new(as_text(self.raw(*column), declared)), Box::new(values))
                }
            },
        }
    }

    fn raw(&self, column: usize) -> Expr {
        self.plan.columns.get(column).map_or(Expr::Null, |column| Expr::Column(SOURCE, column.name.clone()))
    }

    fn joins(&self) -> Vec<Join> {
        let names = self.names;
        let entitlements = || Table::Named(system(names, "user_entitlement"), Alias::fixed("e"));
        let entitlement = |column: &'static str| Expr::internal(Alias::fixed("e"), column);
        let derived = |items, from, filter, distinct, alias| {
            Table::Derived(Box::new(Select { comment: None, distinct, items, from, joins: vec![], filter }), alias)
        };
        let named = |name: Cow<'static, str>| Some(Name::Internal(name));

        let profile = Table::Named(system(names, "user_profile"), Alias::fixed("f"));
        let count = Expr::Call(Function::CountAll, vec![]);
        let mut joins = vec![Join::Cross(derived(vec![(count, named("known".into()))], profile, None, false, KNOWN))];

        if !self.flags.is_empty() {
            let mut flags: Vec<_> = self.flags.iter().collect();
            flags.sort_by_key(|(_, number)| **number);
            let items = flags
                .into_iter()
                .map(|(wanted, number)| {
                    let mut tests = vec![entitlement("kind").equals(Expr::fixed(wanted.kind.as_str()))];
                    if let Some(name) = &wanted.name {
                        tests.push(entitlement("name").equals(Expr::Text(name.clone())));
                    }
                    tests.push(Expr::InList(Box::new(entitlement("value")), wanted.values.iter().cloned().collect()));
                    let flag = Expr::Case(vec![(Expr::And(tests), Expr::Int(1))], Box::new(Expr::Int(0)));
                    (Expr::Call(Function::Max, vec![flag]), named(format!("e{number}").into()))
                })
                .collect();
            joins.push(Join::Cross(derived(items, entitlements(), None, false, FLAGS)));
        }

        let mut sets: Vec<_> = self.sets.iter().collect();
        sets.sort_by_key(|(_, number)| **number);
        for ((attribute, column), number) in sets {
            let alias = Alias::numbered("r", *number);
            let table = Table::Derived(Box::new(values_of(names, *attribute, true)), alias.clone());
            let declared = self.plan.columns.get(*column).map_or(DataType::VarChar(256), |column| column.declared);
            let on = Expr::internal(alias, "value").equals(as_text(self.raw(*column), declared));
            joins.push(Join::Left(table, on));
        }

        if self.needs_salt {
            let keys = Table::Named(system(names, "masking_key"), Alias::fixed("m"));
            let key = |column: &'static str| Expr::internal(Alias::fixed("m"), column);
            let salt = vec![(Expr::Call(Function::Max, vec![key("salt")]), named("salt".into()))];
            let filter = Expr::And(vec![
                key("source").equals(Expr::Text(self.plan.source.text().clone())),
                key("column_name").equals(Expr::fixed("*")),
            ]);
            joins.push(Join::Cross(derived(salt, keys, Some(filter), false, KEY)));
        }
        joins
    }
}

/// How a match with what the user has is joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `LEFT JOIN`, where other ways in stand beside it.
    Join,
    /// `IN`, where it alone decides.
    SemiJoin,
}

/// Parts into which a sample divides the rows: hundredths of a percent.
const SAMPLE_PARTS: i64 = 10_000;

/// What the user has: the values of an attribute, or the groups. Joined, it must be distinct, since nothing in Redshift
/// enforces that an entitlement is stored once.
fn values_of(names: &Names, attribute: Option<&Text>, distinct: bool) -> Select {
    let column = |column: &'static str| Expr::internal(Alias::fixed("e"), column);
    let kind = if attribute.is_some() { EntitlementKind::Attribute } else { EntitlementKind::Group };
    let mut tests = vec![column("kind").equals(Expr::fixed(kind.as_str()))];
    if let Some(attribute) = attribute {
        tests.push(column("name").equals(Expr::Text(attribute.clone())));
    }
    Select {
        comment: None,
        distinct,
        items: vec![(column("value"), Some(Name::Internal("value".into())))],
        from: Table::Named(system(names, "user_entitlement"), Alias::fixed("e")),
        joins: vec![],
        filter: Some(Expr::And(tests)),
    }
}

/// A value as the text that entitlements are compared with and that is hashed.
fn as_text(value: Expr, data_type: DataType) -> Expr {
    match data_type {
        DataType::VarChar(_) => value,
        // The blanks that fill a CHAR up are not part of the value.
        DataType::Char(bytes) => value.cast(DataType::VarChar(bytes)),
        // The longest number has 38 digits and a sign.
        _ => value.cast(DataType::VarChar(40)),
    }
}

/// `SHA2(salt || value, 256)`. Without a salt it is null, and so is what is made of it.
fn salted(value: Expr, data_type: DataType) -> Expr {
    let salted = Expr::internal(KEY, "salt").binary(Operator::Concat, as_text(value, data_type));
    Expr::Call(Function::Sha2, vec![salted, Expr::Int(256)])
}

/// A number from 0 up to, not including, the modulus, from the first 60 bits of a digest: 15 digits are the most that `STRTOL`
/// takes without running over.
fn number_from(digest: Expr, modulus: i64) -> Expr {
    let digits = Expr::Call(Function::Substring, vec![digest, Expr::Int(1), Expr::Int(15)]);
    let number = Expr::Call(Function::StrToL, vec![digits, Expr::Int(16)]);
    if modulus >= 1 << 60 { number } else { Expr::Call(Function::Mod, vec![number, Expr::Int(modulus)]) }
}

/// The first and last characters, each of the others replaced; a value that would be shown whole is hidden whole.
fn show(value: &dyn Fn() -> Expr, first: u32, last: u32, replace_with: &Text) -> Expr {
    let shown = i64::from(first) + i64::from(last);
    let length = || Expr::Call(Function::Length, vec![value()]);
    let hide = |count: Expr| Expr::Call(Function::Repeat, vec![Expr::Text(replace_with.clone()), count]);
    let mut parts = hide(length().binary(Operator::Minus, Expr::Int(shown)));
    if first > 0 {
        let start = Expr::Call(Function::Left, vec![value(), Expr::Int(i64::from(first))]);
        parts = start.binary(Operator::Concat, parts);
    }
    if last > 0 {
        let end = Expr::Call(Function::Right, vec![value(), Expr::Int(i64::from(last))]);
        parts = parts.binary(Operator::Concat, end);
    }
    let long_enough = length().binary(Operator::Greater, Expr::Int(shown));
    Expr::Case(vec![(long_enough, parts)], Box::new(hide(length())))
}
