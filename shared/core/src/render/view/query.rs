//! The query of a policy view: what is selected, what is joined for it, and which rows pass.

use std::{borrow::Cow, collections::BTreeMap};

use super::{READER, SOURCE};
use crate::{
    model::{Condition, Entitlement, EntitlementKind, Names},
    plan::{Access, Grant, Held, PlannedColumn, PlannedRows, RowMatch, RowTest, Treatment, ViewPlan},
    render::{
        expression::{Surroundings, expression},
        system,
    },
    sql::{
        DataType, Text,
        tree::{Alias, Expr, Function, Join, Name, Operator, Select, Table},
    },
};

/// The parts of [`READER`]: the profile, the data source's keys, and what the user has.
const PROFILE: Alias = Alias::fixed("u");
const KEY: Alias = Alias::fixed("k");
const HELD: Alias = Alias::fixed("e");

/// Gathers, while columns and conditions are printed, what has to be joined for them.
pub(super) struct Builder<'a> {
    pub(super) plan: &'a ViewPlan,
    pub(super) names: &'a Names,
    flags: BTreeMap<Entitlement, usize>,
    sets: BTreeMap<(Held, usize), usize>,
    needs_name: bool,
    needs_salt: bool,
    needs_token: bool,
    needs_project_salts: bool,
}

impl<'a> Builder<'a> {
    pub(super) fn new(plan: &'a ViewPlan, names: &'a Names) -> Self {
        Self {
            plan,
            names,
            flags: BTreeMap::new(),
            sets: BTreeMap::new(),
            needs_name: false,
            needs_salt: false,
            needs_token: false,
            needs_project_salts: false,
        }
    }

    pub(super) fn column(&mut self, column: &'a PlannedColumn) -> (Expr, Option<Name>) {
        let value = Expr::Column(SOURCE, column.name.clone());
        match &column.treatment {
            Treatment::Clear => (value, None),
            Treatment::Masked { only_where, cases, otherwise } => {
                let mut whens = Vec::with_capacity(cases.len() + 1);
                if let Some(predicate) = only_where {
                    // A predicate that is unknown masks.
                    whens.push((Expr::Not(Box::new(expression(predicate, self))), value));
                }
                for (condition, transform) in cases {
                    whens.push((self.condition(condition), self.transform(transform, column)));
                }
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

    fn flag(&mut self, entitlement: &Entitlement) -> Expr {
        let flag = match self.flags.get(entitlement) {
            Some(flag) => *flag,
            None => {
                let next = self.flags.len() + 1;
                self.flags.insert(entitlement.clone(), next);
                next
            }
        };
        Expr::Internal(READER, Cow::Owned(format!("e{flag}"))).equals(Expr::Int(1))
    }

    /// The column of a set that is not null where the row's column is in it.
    fn set(&mut self, held: &Held, column: usize) -> Expr {
        let next = self.sets.len() + 1;
        let set = *self.sets.entry((held.clone(), column)).or_insert(next);
        Expr::IsNotNull(Box::new(Expr::internal(Alias::numbered("r", set), "value")))
    }

    /// The data source's salt. Null where there is none, and so is what is made of it.
    pub(super) fn salt(&mut self) -> Expr {
        self.needs_salt = true;
        Expr::internal(READER, "salt")
    }

    /// The salt of hashes: that of the project worked in, where it allows masked joins, else the data source's.
    pub(super) fn joined_salt(&mut self) -> Expr {
        let own = self.salt();
        let plan = self.plan;
        if plan.join_projects.is_empty() {
            return own;
        }
        self.needs_project_salts = true;
        let mut whens = Vec::with_capacity(plan.join_projects.len());
        for (index, project) in plan.join_projects.iter().enumerate() {
            let salt = Expr::Internal(READER, project_salt(index));
            whens.push((Surroundings::condition(self, &project.works_in), salt));
        }
        let shared = Expr::Case(whens, Box::new(Expr::Null));
        Expr::Call(Function::Coalesce, vec![shared, own])
    }

    /// The token from which the `mask` function derives keys.
    pub(super) fn token(&mut self) -> Expr {
        self.needs_token = true;
        Expr::internal(READER, "token")
    }

    pub(super) fn access(&mut self, access: &'a Access) -> Vec<Expr> {
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

    fn grant(&mut self, grant: &Grant) -> Expr {
        match grant {
            Grant::Anyone => Expr::Bool(true),
            Grant::If(condition) => self.condition(condition),
        }
    }

    pub(super) fn rows(&mut self, rows: &'a PlannedRows) -> Expr {
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
            RowTest::Where(predicate) => expression(predicate, self),
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
                let salted = self.salt().binary(Operator::Concat, self.text(*column));
                digest_number(sha2(salted), 0, SAMPLE_PARTS).binary(Operator::Less, Expr::Int(i64::from(*share)))
            }
        }
    }

    fn row_match(&mut self, wanted: &RowMatch, form: Form) -> Expr {
        match wanted {
            // A semi-join among alternatives would be evaluated beside them; only joins are sure to be done once.
            RowMatch::Any(any) => Expr::Or(any.iter().map(|one| self.row_match(one, Form::Join)).collect()),
            RowMatch::All(all) => Expr::And(all.iter().map(|one| self.row_match(one, form)).collect()),
            RowMatch::Equals { column, held } => match form {
                Form::Join => self.set(held, *column),
                Form::SemiJoin => {
                    let values = self.values_of(held, false);
                    Expr::InSelect(Box::new(self.text(*column)), Box::new(values))
                }
            },
        }
    }

    pub(super) fn raw(&self, column: usize) -> Expr {
        self.plan.columns.get(column).map_or(Expr::Null, |column| Expr::Column(SOURCE, column.name.clone()))
    }

    fn declared(&self, column: usize) -> DataType {
        self.plan.columns.get(column).map_or(DataType::VarChar(256), |column| column.declared)
    }

    /// A column as the text that entitlements are compared with and that is hashed.
    pub(super) fn text(&self, column: usize) -> Expr {
        as_text(self.raw(column), self.declared(column))
    }

    /// What is joined: the one row about the reader, then a set for each value that is looked up by row.
    pub(super) fn joins(&self) -> Vec<Join> {
        let mut joins = vec![Join::Cross(self.reader())];
        let mut sets: Vec<_> = self.sets.iter().collect();
        sets.sort_by_key(|(_, number)| **number);
        for ((held, column), number) in sets {
            let alias = Alias::numbered("r", *number);
            let table = Table::Derived(Box::new(self.values_of(held, true)), alias.clone());
            joins.push(Join::Left(table, Expr::internal(alias, "value").equals(self.text(*column))));
        }
        joins
    }

    /// Profile, entitlements and keys in one row, since each joined row costs the whole table once more. Whoever has a profile has
    /// at least their own identity among their entitlements; without any, everything here is null, which hides.
    fn reader(&self) -> Table {
        let names = self.names;
        let profile = Table::Named(system(names, "user_profile"), Alias::fixed("f"));
        let mut known = vec![(Expr::Call(Function::CountAll, vec![]), named("known"))];
        if self.needs_name {
            let account = Expr::Column(Alias::fixed("f"), names.userid.clone());
            known.push((Expr::Call(Function::Max, vec![account]), named("account")));
        }
        let own: Vec<_> = [("salt", self.needs_salt), ("token", self.needs_token)]
            .into_iter()
            .filter(|(_, wanted)| *wanted)
            .collect();
        if self.flags.is_empty() && own.is_empty() {
            return derived(known, profile, None, READER);
        }

        let most = |of: Alias, column: &'static str| Expr::Call(Function::Max, vec![Expr::internal(of, column)]);
        let mut items = vec![(most(PROFILE, "known"), named("known"))];
        if self.needs_name {
            items.push((most(PROFILE, "account"), named("account")));
        }
        let mut flags: Vec<_> = self.flags.iter().collect();
        flags.sort_by_key(|(_, number)| **number);
        for (wanted, number) in flags {
            let flag = Expr::Case(vec![(has(wanted), Expr::Int(1))], Box::new(Expr::Int(0)));
            items.push((Expr::Call(Function::Max, vec![flag]), Some(Name::Internal(format!("e{number}").into()))));
        }
        let profile = derived(known, profile, None, PROFILE);
        let (from, mut joins) = if self.flags.is_empty() {
            (profile, Vec::new())
        } else {
            (Table::Named(system(names, "user_entitlement"), HELD), vec![Join::Cross(profile)])
        };
        if !own.is_empty() {
            let columns: Vec<_> = own.into_iter().map(|(column, _)| column).collect();
            items.extend(columns.iter().map(|column| (most(KEY, column), named(column))));
            joins.push(Join::Cross(self.keys(self.plan.source.text(), "*", &columns, KEY)));
        }
        if self.needs_project_salts {
            for (index, project) in self.plan.join_projects.iter().enumerate() {
                let alias = Alias::numbered("j", index + 1);
                items.push((most(alias.clone(), "salt"), Some(Name::Internal(project_salt(index)))));
                joins.push(Join::Cross(self.keys(&project.id, "@project", &["salt"], alias)));
            }
        }
        let query = Select { comment: None, distinct: false, items, from, joins, filter: None };
        Table::Derived(Box::new(query), READER)
    }

    /// What only the view's owner can read, of a data source or a project.
    fn keys(&self, of: &Text, purpose: &'static str, columns: &[&'static str], alias: Alias) -> Table {
        let key = |column: &'static str| Expr::internal(Alias::fixed("m"), column);
        let items =
            columns.iter().map(|column| (Expr::Call(Function::Max, vec![key(column)]), named(column))).collect();
        let filter = Expr::And(vec![
            key("source").equals(Expr::Text(of.clone())),
            key("column_name").equals(Expr::fixed(purpose)),
        ]);
        let keys = Table::Named(system(self.names, "masking_key"), Alias::fixed("m"));
        derived(items, keys, Some(filter), alias)
    }

    /// The values of a kind that the user has. Joined, they must be distinct, since nothing in Redshift enforces that an
    /// entitlement is stored once.
    fn values_of(&self, held: &Held, distinct: bool) -> Select {
        let column = |column: &'static str| Expr::internal(Alias::fixed("e"), column);
        let mut tests = vec![column("kind").equals(Expr::fixed(kind_of(held).as_str()))];
        match held {
            Held::Group => {}
            Held::Attribute(attribute) => tests.push(column("name").equals(Expr::Text(attribute.clone()))),
            Held::Purpose => {
                tests.push(Expr::InList(Box::new(column("name")), self.plan.purpose_projects.clone()));
            }
        }
        Select {
            comment: None,
            distinct,
            items: vec![(column("value"), named("value"))],
            from: Table::Named(system(self.names, "user_entitlement"), Alias::fixed("e")),
            joins: vec![],
            filter: Some(Expr::And(tests)),
        }
    }
}

impl Surroundings for Builder<'_> {
    fn column(&self, index: usize) -> Expr {
        self.raw(index)
    }

    fn condition(&mut self, condition: &Condition) -> Expr {
        match condition {
            Condition::Any(any) => Expr::Or(any.iter().map(|one| self.condition(one)).collect()),
            Condition::All(all) => Expr::And(all.iter().map(|one| self.condition(one)).collect()),
            Condition::Has(entitlement) => self.flag(entitlement),
        }
    }

    fn contains(&mut self, kind: EntitlementKind, attribute: Option<&Text>, column: usize) -> Expr {
        let held = match (kind, attribute) {
            (EntitlementKind::Attribute, Some(attribute)) => Held::Attribute(attribute.clone()),
            (EntitlementKind::Group, None) => Held::Group,
            (EntitlementKind::Purpose, None) if !self.plan.purpose_projects.is_empty() => Held::Purpose,
            _ => return Expr::Bool(false),
        };
        self.set(&held, column)
    }

    fn username(&mut self) -> Expr {
        self.needs_name = true;
        Expr::internal(READER, "account")
    }
}

fn kind_of(held: &Held) -> EntitlementKind {
    match held {
        Held::Attribute(_) => EntitlementKind::Attribute,
        Held::Group => EntitlementKind::Group,
        Held::Purpose => EntitlementKind::Purpose,
    }
}

/// Whether a row of the entitlements is what is wanted.
fn has(wanted: &Entitlement) -> Expr {
    let column = |column: &'static str| Expr::internal(Alias::fixed("e"), column);
    let mut tests = vec![column("kind").equals(Expr::fixed(wanted.kind.as_str()))];
    if let Some(name) = &wanted.name {
        tests.push(column("name").equals(Expr::Text(name.clone())));
    }
    tests.push(Expr::InList(Box::new(column("value")), wanted.values.iter().cloned().collect()));
    Expr::And(tests)
}

/// The name of a project's salt, by its place among those that allow masked joins.
fn project_salt(index: usize) -> Cow<'static, str> {
    Cow::Owned(format!("salt{}", index + 1))
}

fn named(name: &'static str) -> Option<Name> {
    Some(Name::Internal(name.into()))
}

fn derived(items: Vec<(Expr, Option<Name>)>, from: Table, filter: Option<Expr>, alias: Alias) -> Table {
    Table::Derived(Box::new(Select { comment: None, distinct: false, items, from, joins: vec![], filter }), alias)
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

/// A value as text.
pub(super) fn as_text(value: Expr, data_type: DataType) -> Expr {
    match data_type {
        DataType::VarChar(_) => value,
        // The blanks that fill a CHAR up are not part of the value.
        DataType::Char(bytes) => value.cast(DataType::VarChar(bytes)),
        // The longest number has 38 digits, a sign and a point.
        _ => value.cast(DataType::VarChar(40)),
    }
}

/// `SHA2(text, 256)`, in hexadecimal digits.
pub(super) fn sha2(text: Expr) -> Expr {
    Expr::Call(Function::Sha2, vec![text, Expr::Int(256)])
}

/// Hexadecimal digits of a digest that make a number: 15 are the most that `STRTOL` takes without running over.
const NUMBER_DIGITS: i64 = 15;

/// A number from 0 up to, not including, the modulus, from 60 bits of a digest; there are four of them, from 0.
pub(super) fn digest_number(digest: Expr, place: i64, modulus: i64) -> Expr {
    let start = Expr::Int(place * NUMBER_DIGITS + 1);
    let digits = Expr::Call(Function::Substring, vec![digest, start, Expr::Int(NUMBER_DIGITS)]);
    let number = Expr::Call(Function::StrToL, vec![digits, Expr::Int(16)]);
    if modulus >= 1 << 60 { number } else { Expr::Call(Function::Mod, vec![number, Expr::Int(modulus)]) }
}
