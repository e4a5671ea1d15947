//! The statements that undo drift. Each takes something away; none gives.

use crate::{
    model::Integration,
    render::{
        counter_text,
        install::{TemplateError, procedure_types},
    },
    sql::{Fill, Ident, SqlText, Text, fill_parts},
};

/// Who has a right, as the `SVV_*` views tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Holder {
    User(Ident),
    Role(Ident),
    Group(Ident),
    Public,
}

impl Holder {
    /// Reads name and type; nothing where either is unknown.
    pub(super) fn read(name: &str, kind: &str) -> Option<Self> {
        let ident = || Ident::new(name).ok();
        match kind.to_ascii_lowercase().as_str() {
            "user" => ident().map(Self::User),
            "role" => ident().map(Self::Role),
            "group" => ident().map(Self::Group),
            "public" => Some(Self::Public),
            _ => None,
        }
    }

    fn parts(&self) -> (&'static str, Option<&Ident>) {
        match self {
            Self::User(name) => (" FROM {holder}", Some(name)),
            Self::Role(name) => (" FROM ROLE {holder}", Some(name)),
            Self::Group(name) => (" FROM GROUP {holder}", Some(name)),
            Self::Public => (" FROM PUBLIC", None),
        }
    }
}

/// The privileges that may be taken back, in the words of `REVOKE`.
const PRIVILEGES: [&str; 13] = [
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "REFERENCES",
    "RULE",
    "TRIGGER",
    "DROP",
    "ALTER",
    "TRUNCATE",
    "EXECUTE",
    "USAGE",
    "CREATE",
];

/// The kinds of objects that rights on a whole schema are for.
const SCOPES: [&str; 4] = ["TABLES", "FUNCTIONS", "PROCEDURES", "LANGUAGES"];

/// A word of a list, as the list has it.
fn word(words: &[&'static str], wanted: &str) -> Option<&'static str> {
    words.iter().copied().find(|word| word.eq_ignore_ascii_case(wanted))
}

/// Takes back a right on a relation of Redoubt's; nothing where a name or a word is unknown.
pub(super) fn relation(schema: &str, name: &str, privilege: &str, holder: &Holder) -> Option<SqlText> {
    let (schema, name) = (Ident::new(schema).ok()?, Ident::new(name).ok()?);
    let values = [("schema", Fill::Ident(&schema)), ("name", Fill::Ident(&name))];
    revoke(&["REVOKE {privilege} ON {schema}.{name}"], &values, privilege, holder)
}

/// Takes back a right on a procedure of Redoubt's.
pub(super) fn procedure(integration: &Integration, name: &str, privilege: &str, holder: &Holder) -> Option<SqlText> {
    let types = procedure_types(name)?;
    let ident = Ident::new(name).ok()?;
    let mut parts = vec!["REVOKE {privilege} ON PROCEDURE {schema}.{name}("];
    for (index, data_type) in types.iter().enumerate() {
        parts.extend([if index > 0 { ", " } else { "" }, *data_type]);
    }
    parts.push(")");
    let values = [("schema", Fill::Ident(&integration.names.procedures)), ("name", Fill::Ident(&ident))];
    revoke(&parts, &values, privilege, holder)
}

/// Takes back a right on a schema of Redoubt's, or one for everything of a kind in it.
pub(super) fn schema(schema: &str, scope: &str, privilege: &str, holder: &Holder) -> Option<SqlText> {
    let ident = Ident::new(schema).ok()?;
    let values = [("schema", Fill::Ident(&ident))];
    if scope.eq_ignore_ascii_case("schema") {
        return revoke(&["REVOKE {privilege} ON SCHEMA {schema}"], &values, privilege, holder);
    }
    let scope = word(&SCOPES, scope)?;
    revoke(&["REVOKE {privilege} FOR ", scope, " IN SCHEMA {schema}"], &values, privilege, holder)
}

/// Takes back a right on what the system account will make, in one schema or in every one.
pub(super) fn default(schema: &str, objects: &str, privilege: &str, holder: &Holder) -> Option<SqlText> {
    let objects = match objects.to_ascii_uppercase().as_str() {
        "RELATION" => " ON TABLES",
        "FUNCTION" => " ON FUNCTIONS",
        "PROCEDURE" => " ON PROCEDURES",
        _ => return None,
    };
    let every = schema.is_empty();
    let ident = if every { None } else { Some(Ident::new(schema).ok()?) };
    let values: Vec<_> = ident.iter().map(|ident| ("schema", Fill::Ident(ident))).collect();
    let head = if every { "ALTER DEFAULT PRIVILEGES" } else { "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema}" };
    revoke(&[head, " REVOKE {privilege}", objects], &values, privilege, holder)
}

fn revoke(parts: &[&'static str], values: &[(&str, Fill<'_>)], privilege: &str, holder: &Holder) -> Option<SqlText> {
    let privilege = word(&PRIVILEGES, privilege)?;
    let (from, name) = holder.parts();
    let mut values = values.to_vec();
    values.push(("privilege", Fill::Word(privilege)));
    values.extend(name.map(|name| ("holder", Fill::Ident(name))));
    fill_parts(&[parts, &[from]].concat(), &values).ok()
}

/// Has the views of data sources dropped before they are made anew: no view has the shape that is noted then.
///
/// # Errors
/// [`TemplateError`], which a test rules out.
pub fn remake<'a>(
    integration: &Integration,
    sources: impl IntoIterator<Item = &'a str>,
) -> Result<SqlText, TemplateError> {
    const TEXT: &str = "UPDATE {system}.\"data_source\" SET shape = '' WHERE source IN ({sources})";
    let sources: Vec<Text> = sources.into_iter().map(|source| Text::printed(source.to_owned())).collect();
    let values = [("system", Fill::Ident(&integration.names.system)), ("sources", Fill::Literals(&sources))];
    fill_parts(&[TEXT], &values).map_err(|place| TemplateError { step: "drift: remake", place })
}

/// Takes away the profile of an account as it was seen, with everything that the account has. The caller's transaction holds the
/// lock of [`lock`], so nothing newer can come in between.
///
/// # Errors
/// [`TemplateError`], which a test rules out.
pub(super) fn forget(
    integration: &Integration,
    account: &Text,
    revision: Option<u64>,
) -> Result<Vec<SqlText>, TemplateError> {
    let names = &integration.names;
    let failure = |place: String| TemplateError { step: "drift: forget", place };
    let revision_column =
        Ident::new(format!("{}__revision", names.prefix)).map_err(|error| failure(error.to_string()))?;
    let values = [
        ("system", Fill::Ident(&names.system)),
        ("userid", Fill::Ident(&names.userid)),
        ("revision", Fill::Ident(&revision_column)),
        ("account", Fill::Literal(account)),
        ("seen", Fill::Number(counter_text(revision.unwrap_or_default()))),
    ];
    let mut texts = vec!["DELETE FROM {system}.\"profile_entitlement\" WHERE {userid} = {account}"];
    if revision.is_some() {
        texts.push("DELETE FROM {system}.\"profile\" WHERE {userid} = {account} AND {revision} = {seen}");
    }
    texts.into_iter().map(|text| fill_parts(&[text], &values).map_err(failure)).collect()
}
