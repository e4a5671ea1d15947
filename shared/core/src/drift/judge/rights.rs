//! Rights on what is Redoubt's, and what others built on it. The questions leave out what should be, so that each row of an
//! answer is a difference.

use super::{Judge, Row, cell, same};
use crate::{
    drift::{
        Kind, Question, Remedy,
        remedy::{self, Holder},
    },
    sql::SqlText,
};

/// Who has a right, for people.
fn holder(name: &str, kind: &str) -> String {
    match kind.to_ascii_lowercase().as_str() {
        "public" => "PUBLIC".to_owned(),
        "user" => format!("`{name}`"),
        other => format!("{other} `{name}`"),
    }
}

/// To run a statement, or to be told where there is none.
fn undo(statement: Option<SqlText>) -> Remedy {
    statement.map_or_else(Remedy::report, Remedy::Revoke)
}

impl Judge<'_> {
    pub(super) fn relations(&mut self) {
        for row in self.rows(Question::Relations).unwrap_or_default() {
            let (schema, name, privilege) = (cell(row, 0), cell(row, 1), cell(row, 2));
            let statement = Holder::read(cell(row, 3), cell(row, 4))
                .and_then(|holder| remedy::relation(schema, name, privilege, &holder));
            let found = format!("{privilege} for {}", holder(cell(row, 3), cell(row, 4)));
            self.note(Kind::ObjectGrant, format!("`{schema}.{name}`"), found, "no such right", undo(statement));
        }
    }

    pub(super) fn procedures(&mut self) {
        let integration = self.integration;
        for row in self.rows(Question::Procedures).unwrap_or_default() {
            let (schema, name, privilege) = (cell(row, 0), cell(row, 1), cell(row, 2));
            let statement = Holder::read(cell(row, 3), cell(row, 4))
                .and_then(|holder| remedy::procedure(integration, name, privilege, &holder));
            let found = format!("{privilege} for {}", holder(cell(row, 3), cell(row, 4)));
            let object = format!("procedure `{schema}.{name}`");
            self.note(Kind::ObjectGrant, object, found, "no such right", undo(statement));
        }
    }

    pub(super) fn schemas(&mut self) {
        for row in self.rows(Question::Schemas).unwrap_or_default() {
            let (schema, privilege, scope) = (cell(row, 0), cell(row, 1), cell(row, 2));
            let statement = Holder::read(cell(row, 3), cell(row, 4))
                .and_then(|holder| remedy::schema(schema, scope, privilege, &holder));
            let of = holder(cell(row, 3), cell(row, 4));
            let (kind, found) = if same(scope, "schema") {
                (Kind::ObjectGrant, format!("{privilege} for {of}"))
            } else {
                (Kind::SchemaScopedGrant, format!("{privilege} on all {} for {of}", scope.to_ascii_lowercase()))
            };
            self.note(kind, format!("schema `{schema}`"), found, "no such right", undo(statement));
        }
    }

    /// The system account does not own the database, so what others have on it is only told; and a database that was there
    /// before is not Redoubt's.
    pub(super) fn database(&mut self) {
        let new = self.integration.new_database;
        for row in self.rows(Question::Database).unwrap_or_default() {
            let (database, privilege, scope) = (cell(row, 0), cell(row, 1), cell(row, 2));
            let of = holder(cell(row, 3), cell(row, 4));
            let object = format!("database `{database}`");
            if !same(scope, "database") {
                let found = format!("{privilege} on all {} for {of}", scope.to_ascii_lowercase());
                self.note(Kind::DatabaseScopedGrant, object, found, "no such right", Remedy::report());
            } else if new {
                self.note(
                    Kind::DatabaseGrant,
                    object,
                    format!("{privilege} for {of}"),
                    "no such right",
                    Remedy::report(),
                );
            }
        }
    }

    pub(super) fn defaults(&mut self) {
        let integration = self.integration;
        let expected = |row: &Row| {
            let functions = same(cell(row, 0), integration.names.functions.as_str()) && same(cell(row, 1), "function");
            functions && same(cell(row, 3), "execute") && same(cell(row, 5), "public")
        };
        for row in self.rows(Question::Defaults).unwrap_or_default() {
            let (schema, objects, owner, privilege) = (cell(row, 0), cell(row, 1), cell(row, 2), cell(row, 3));
            let own = same(owner, integration.system_user.as_str());
            if own && expected(row) || same(owner, cell(row, 4)) {
                continue;
            }
            let statement = Holder::read(cell(row, 4), cell(row, 5))
                .filter(|_| own)
                .and_then(|holder| remedy::default(schema, objects, privilege, &holder));
            let place = if schema.is_empty() { "every schema".to_owned() } else { format!("schema `{schema}`") };
            let found = format!("{privilege} for {}", holder(cell(row, 4), cell(row, 5)));
            let object = format!("{} to come of `{owner}` in {place}", objects.to_ascii_lowercase());
            self.note(Kind::DefaultPrivilege, object, found, "no such right", undo(statement));
        }
    }

    pub(super) fn frozen(&mut self) {
        for row in self.rows(Question::Frozen).unwrap_or_default() {
            let object = format!("view `{}.{}`", cell(row, 0), cell(row, 1));
            let found = format!("one of `{}` that is bound to Redoubt's views, or keeps their rows", cell(row, 2));
            let expected = "one WITH NO SCHEMA BINDING, which follows the policies";
            self.note(Kind::FrozenView, object, found, expected, Remedy::report());
        }
    }

    pub(super) fn database_readers(&mut self) {
        for row in self.rows(Question::DatabaseReaders).unwrap_or_default() {
            let found = format!("SELECT on all tables for {}", holder(cell(row, 1), cell(row, 2)));
            let object = format!("database `{}`", cell(row, 0));
            self.note(Kind::DatabaseScopedGrant, object, found, "readers of views only", Remedy::report());
        }
    }

    /// Who reads tables of the page past their views, in each of the ways there are.
    pub(super) fn readers(&mut self, superusers: &[&str], is_of_page: impl Fn(&str, &str) -> Option<(String, Remedy)>) {
        let ordinary = |name: &str| !superusers.iter().any(|superuser| same(superuser, name));
        for row in self.rows(Question::Readers).unwrap_or_default() {
            let Some((owner, remedy)) = is_of_page(cell(row, 0), cell(row, 1)) else { continue };
            if same(&owner, cell(row, 2)) || !ordinary(cell(row, 2)) {
                continue;
            }
            let found = format!("SELECT for {}", holder(cell(row, 2), cell(row, 3)));
            let object = format!("table `{}.{}`", cell(row, 0), cell(row, 1));
            self.note(Kind::RawTableGrant, object, found, "readers of its view only", remedy);
        }
        for row in self.rows(Question::SchemaReaders).unwrap_or_default() {
            if ordinary(cell(row, 1)) {
                let found = format!("SELECT on all tables for {}", holder(cell(row, 1), cell(row, 2)));
                let object = format!("schema `{}`", cell(row, 0));
                self.note(Kind::SchemaScopedGrant, object, found, "readers of views only", Remedy::report());
            }
        }
        for row in self.rows(Question::FutureReaders).unwrap_or_default() {
            if ordinary(cell(row, 2)) && !same(cell(row, 1), cell(row, 2)) {
                let found = format!("SELECT for {}", holder(cell(row, 2), cell(row, 3)));
                let object = format!("tables to come of `{}` in schema `{}`", cell(row, 1), cell(row, 0));
                self.note(Kind::DefaultPrivilege, object, found, "readers of views only", Remedy::report());
            }
        }
    }
}
