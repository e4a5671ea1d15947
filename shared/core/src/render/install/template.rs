//! The texts of what the system account makes, what they make, and how they are filled in.

use super::{TemplateError, impersonation};
use crate::{
    model::Integration,
    sql::{Fill, Ident, SqlText, Text, fill, fill_parts},
};

/// Statements that the system account runs to make something of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    /// Name of the step.
    pub(super) name: &'static str,
    /// The statements, with places to fill in.
    pub(super) template: &'static str,
    /// Whether an integration has it.
    pub(super) when: fn(&Integration) -> bool,
}

const fn part(name: &'static str, template: &'static str, when: fn(&Integration) -> bool) -> Part {
    Part { name, template, when }
}

fn always(_: &Integration) -> bool {
    true
}

fn with_impersonation(integration: &Integration) -> bool {
    integration.impersonation
}

fn with_mask(integration: &Integration) -> bool {
    integration.mask.is_some()
}

/// All parts, in order. What ordinary users may do with the functions is said before there are any.
pub(super) const PARTS: &[Part] = &[
    part(SCHEMAS, include_str!("../bootstrap/schemas.sql"), always),
    part("tables", include_str!("../bootstrap/tables.sql"), always),
    part("secure views", include_str!("../bootstrap/secure_views.sql"), always),
    part("procedures", include_str!("../bootstrap/procedures.sql"), always),
    part("grants", include_str!("../bootstrap/grants.sql"), always),
    part(FUNCTIONS, include_str!("../bootstrap/functions.sql"), with_mask),
    part("impersonation", impersonation::TEMPLATE, with_impersonation),
];

/// The part that comes before all others.
pub(super) const SCHEMAS: &str = "schemas";
/// The part that views call, and that goes after them.
pub(super) const FUNCTIONS: &str = "masking functions";

/// The statements of a text that is part of this crate.
pub(super) fn statements(template: &'static str) -> impl Iterator<Item = &'static str> {
    const SEPARATOR: &str = ";;\n";
    template.split(SEPARATOR).map(str::trim)
}

/// What a statement makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Schema,
    Table,
    View,
    Function,
    Procedure,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Schema, Self::Table, Self::View, Self::Function, Self::Procedure];

    /// How the statement that makes one begins.
    const fn made_by(self) -> &'static str {
        match self {
            Self::Schema => "CREATE SCHEMA IF NOT EXISTS ",
            Self::Table => "CREATE TABLE IF NOT EXISTS ",
            Self::View => "CREATE OR REPLACE VIEW ",
            Self::Function => "CREATE OR REPLACE EXTERNAL FUNCTION ",
            Self::Procedure => "CREATE OR REPLACE PROCEDURE ",
        }
    }
}

/// Something that a text makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) kind: Kind,
    /// Its name as it stands in the text, with places.
    pub(super) name: &'static str,
    /// Types of the arguments of a function or procedure, without lengths, which are no part of a signature.
    pub(super) types: Vec<&'static str>,
}

impl Made {
    /// The last part of its name, if that is fixed.
    pub(super) fn fixed_name(&self) -> Option<&'static str> {
        self.name.rsplit_once(".\"").and_then(|(_, name)| name.strip_suffix('"'))
    }

    /// The statement that drops it, in parts to fill in. Nothing that depends on it goes along.
    pub(super) fn drop(&self) -> Vec<&'static str> {
        let mut parts = match self.kind {
            Kind::Schema => vec!["DROP SCHEMA IF EXISTS ", self.name],
            Kind::Table => vec!["DROP TABLE IF EXISTS ", self.name],
            Kind::View => vec!["DROP VIEW IF EXISTS ", self.name],
            Kind::Function => vec!["DROP FUNCTION ", self.name, "("],
            Kind::Procedure => vec!["DROP PROCEDURE ", self.name, "("],
        };
        for (index, data_type) in self.types.iter().enumerate() {
            parts.extend([if index > 0 { ", " } else { "" }, data_type]);
        }
        // RESTRICT is said where the grammar has it: https://docs.aws.amazon.com/redshift/latest/dg/r_DROP_PROCEDURE.html
        parts.push(match self.kind {
            Kind::Procedure => ")",
            Kind::Function => ") RESTRICT",
            Kind::Schema | Kind::Table | Kind::View => " RESTRICT",
        });
        parts
    }
}

/// What the statements of a text make, in order.
pub(super) fn made(template: &'static str) -> impl Iterator<Item = Made> {
    statements(template).filter_map(|statement| {
        let start = |kind: Kind| Some((kind, statement.strip_prefix(kind.made_by())?));
        let (kind, rest) = Kind::ALL.into_iter().find_map(start)?;
        let (name, rest) = rest.split_at_checked(rest.find([' ', '(', '\n']).unwrap_or(rest.len()))?;
        let types = match kind {
            Kind::Procedure => arguments(rest).into_iter().map(|argument| data_type(argument, true)).collect(),
            Kind::Function => arguments(rest).into_iter().map(|argument| data_type(argument, false)).collect(),
            Kind::Schema | Kind::Table | Kind::View => Vec::new(),
        };
        Some(Made { kind, name, types })
    })
}

/// The types of the arguments of one of Redoubt's procedures.
pub(crate) fn procedure_types(name: &str) -> Option<Vec<&'static str>> {
    let mut procedures = PARTS.iter().flat_map(|part| made(part.template)).filter(|made| made.kind == Kind::Procedure);
    procedures.find(|made| made.fixed_name() == Some(name)).map(|made| made.types)
}

/// What stands between the brackets with which a text begins, cut at its commas.
fn arguments(text: &'static str) -> Vec<&'static str> {
    let (mut depth, mut start, mut found) = (0_usize, 0, Vec::new());
    for (index, c) in text.char_indices() {
        let end = match c {
            '(' => {
                depth += 1;
                if depth == 1 {
                    start = index + 1;
                }
                false
            }
            ')' => {
                depth = depth.saturating_sub(1);
                depth == 0
            }
            ',' => depth == 1,
            _ => false,
        };
        if end {
            found.extend(text.get(start..index).map(str::trim).filter(|argument| !argument.is_empty()));
            start = index + 1;
        }
        if c == ')' && depth == 0 {
            break;
        }
    }
    found
}

/// The type of an argument, without its length.
fn data_type(argument: &'static str, named: bool) -> &'static str {
    let data_type = if named { argument.split_once(' ').map_or("", |(_, data_type)| data_type) } else { argument };
    data_type.split_once('(').map_or(data_type, |(name, _)| name).trim()
}

/// Where the digest of the system account's password comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Digest {
    /// The integration's document.
    Document,
    /// Whoever runs a script says it.
    Asked,
}

/// What the places in the texts are filled with.
#[derive(Debug)]
pub(super) struct Places<'a> {
    integration: &'a Integration,
    digest: Digest,
    revision: Ident,
    nothing: Text,
    /// Names as literals, to be compared with what the catalog says.
    system_user: Text,
    database: Text,
}

/// A name as a literal.
pub(super) fn literal(name: &Ident) -> Text {
    Text::printed(name.as_str().to_owned())
}

impl<'a> Places<'a> {
    pub(super) fn new(integration: &'a Integration, digest: Digest) -> Result<Self, TemplateError> {
        let names = &integration.names;
        let revision = Ident::new(format!("{}__revision", names.prefix))
            .map_err(|error| TemplateError { step: "all", place: error.to_string() })?;
        let (system_user, database) = (literal(&integration.system_user), literal(&integration.database));
        Ok(Self { integration, digest, revision, nothing: Text::fixed(""), system_user, database })
    }

    /// A statement.
    pub(super) fn fill(&self, step: &'static str, statement: &'static str) -> Result<SqlText, TemplateError> {
        fill(statement, &self.values()).map_err(|place| TemplateError { step, place })
    }

    /// A statement put together from parts, with more places.
    pub(super) fn fill_with(
        &self,
        step: &'static str,
        parts: &[&'static str],
        more: &[(&str, Fill<'_>)],
    ) -> Result<SqlText, TemplateError> {
        let mut values = self.values();
        values.extend_from_slice(more);
        fill_parts(parts, &values).map_err(|place| TemplateError { step, place })
    }

    fn values(&self) -> Vec<(&str, Fill<'_>)> {
        let Integration { names, mask, setup, .. } = self.integration;
        let mask_role = match mask.as_ref().and_then(|mask| mask.role.as_ref()) {
            Some(role) => Fill::Literal(role),
            None => Fill::Word("default"),
        };
        let password_digest = match (self.digest, setup) {
            (Digest::Document, Some(setup)) => Fill::Literal(&setup.system_user_password_digest),
            (Digest::Document | Digest::Asked, _) => Fill::Word(super::script::PASSWORD_DIGEST),
        };
        vec![
            ("system", Fill::Ident(&names.system)),
            ("functions", Fill::Ident(&names.functions)),
            ("procedures", Fill::Ident(&names.procedures)),
            ("views", Fill::Ident(&self.integration.view_schema)),
            ("doctor", Fill::Ident(&names.doctor)),
            ("doctor_below", Fill::Ident(&names.doctor_below)),
            ("database", Fill::Ident(&self.integration.database)),
            ("system_user", Fill::Ident(&self.integration.system_user)),
            ("userid", Fill::Ident(&names.userid)),
            ("revision", Fill::Ident(&self.revision)),
            ("system_user_text", Fill::Literal(&self.system_user)),
            ("database_text", Fill::Literal(&self.database)),
            ("password_digest", password_digest),
            ("mask_function", Fill::Literal(mask.as_ref().map_or(&self.nothing, |mask| &mask.function))),
            ("mask_role", mask_role),
        ]
    }
}
