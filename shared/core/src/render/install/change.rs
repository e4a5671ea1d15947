//! What an integration that changed asks of the warehouse.
//!
//! Nothing that was closed is open in between. Within a place nothing is taken away before what replaces it is in force either:
//! each view is moved in a transaction of its own. In a move to another place the old one goes as soon as the new one is set up and
//! everything is told to be rendered there, and is not kept until the last view is: what changes meanwhile would no longer
//! reach its views.

use super::{
    Connection, Made, Step, TemplateError, Tolerates, external, removal, setup,
    template::{Digest, Places},
};
use crate::{
    model::{
        Integration, Mode, Removal,
        integration::{ExternalSchema, Risk},
    },
    sql::{Fill, Ident},
};

/// What differs and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What differs.
    pub differences: Vec<Difference>,
    /// The place is another one: it is set up, everything is told to be rendered there, and the old one is removed ([`leave`]).
    pub leaves: bool,
    /// The steps of [`change_steps`] are run.
    pub installs: bool,
    /// All data sources are rendered anew.
    pub renders: bool,
    /// Schemas of views that are dropped when no view is left in them.
    pub old_view_schemas: Vec<Ident>,
    /// External schemas that are dropped.
    pub old_external_schemas: Vec<Ident>,
    /// What the new place shares with the old one.
    pub shared: Shared,
    /// Who lets the system account make external functions, where it now has to.
    pub language: Option<By>,
    /// Why it can't be done.
    pub refused: Option<String>,
}

/// Who does something that the system account can't.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The setup account that the document names.
    SetupAccount,
    /// An administrator, before.
    Administrator,
}

/// A setting that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its name in documents.
    pub field: &'static str,
    /// What it was and is, for people; `None` where that says nothing or is nobody's business.
    pub values: Option<(String, String)>,
}

/// What two places have in common, and a removal of one therefore leaves alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shared {
    /// The system account.
    pub account: bool,
    /// The database.
    pub database: bool,
}

/// The steps of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSteps {
    /// Before data sources are rendered anew.
    pub first: Vec<Step>,
    /// After the last of them is in force.
    pub last: Vec<Step>,
}

/// What must happen when an integration's document is replaced by another.
#[must_use]
pub fn change(before: &Integration, after: &Integration) -> Change {
    let differences = differences(before, after);
    let differs = |fields: &[&str]| differences.iter().any(|difference| fields.contains(&difference.field));
    let same_warehouse = before.warehouse == after.warehouse;
    let shared = Shared {
        account: same_warehouse && before.system_user == after.system_user,
        database: same_warehouse && before.database.is_same(&after.database),
    };
    let same_prefix = before.names.prefix == after.names.prefix;
    let leaves = !(shared.account && shared.database && same_prefix);
    let old_view_schemas =
        if before.view_schema.is_same(&after.view_schema) { Vec::new() } else { vec![before.view_schema.clone()] };
    let gone = |schema: &&ExternalSchema| after.external_schemas.iter().all(|other| !other.name.is_same(&schema.name));
    let old_external_schemas = before.external_schemas.iter().filter(gone).map(|schema| schema.name.clone());
    let mask_appears = before.mask.is_none() && after.mask.is_some();
    let language = match after.setup {
        _ if leaves || !mask_appears => None,
        Some(_) => Some(By::SetupAccount),
        None => Some(By::Administrator),
    };
    Change {
        leaves,
        installs: leaves || differs(&["view_schema", "mask", "external_schemas", "impersonation", "accepted_risks"]),
        renders: leaves
            || before.mask.is_some() != after.mask.is_some()
            || differs(&["host", "mode", "view_schema", "view_name", "external_schemas", "accepted_risks"]),
        old_view_schemas: if leaves { Vec::new() } else { old_view_schemas },
        old_external_schemas: if leaves { Vec::new() } else { old_external_schemas.collect() },
        refused: if leaves && shared.database { overlap(before, after) } else { None },
        shared,
        language,
        differences,
    }
}

/// Two places in one database must have nothing in common: removing the one would take from the other.
fn overlap(before: &Integration, after: &Integration) -> Option<String> {
    let schemas = |integration: &Integration| -> Vec<Ident> {
        let own = integration.names.schemas().into_iter().chain([&integration.view_schema]);
        let external = integration.external_schemas.iter().map(|schema| &schema.name);
        own.chain(external).cloned().collect()
    };
    let (old, new) = (schemas(before), schemas(after));
    let common = new.iter().find(|name| old.iter().any(|other| other.is_same(name)))?;
    Some(format!(
        "found schema `{}` in the old and in the new place, which are in one database, expected another `prefix`, \
         `view_schema` and `external_schemas` than before, or another `database`; or remove the integration first",
        common.as_str()
    ))
}

fn differences(before: &Integration, after: &Integration) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut named = |field, old: &str, new: &str| {
        if old != new {
            found.push(Difference { field, values: Some((old.to_owned(), new.to_owned())) });
        }
    };
    let yes = |value: bool| if value { "true" } else { "false" };
    let mode = |integration: &Integration| match integration.mode {
        Mode::MultiDatabase => "multi_database",
        Mode::SingleDatabase => "single_database",
    };
    let (old_place, new_place) = (before.warehouse.to_string(), after.warehouse.to_string());
    named("host", &before.host, &after.host);
    named("warehouse", &old_place, &new_place);
    named("mode", mode(before), mode(after));
    named("database", before.database.as_str(), after.database.as_str());
    named("new_database", yes(before.new_database), yes(after.new_database));
    named("prefix", &before.names.prefix, &after.names.prefix);
    named("system_user", before.system_user.as_str(), after.system_user.as_str());
    named("view_schema", before.view_schema.as_str(), after.view_schema.as_str());
    named("view_name", before.view_name.as_str(), after.view_name.as_str());
    named("impersonation", yes(before.impersonation), yes(after.impersonation));
    let risks = |integration: &Integration| -> String {
        let names: Vec<_> = integration.accepted_risks.iter().map(|risk| risk.as_str()).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    named("accepted_risks", &risks(before), &risks(after));
    let schemas = |integration: &Integration| -> String {
        let names: Vec<_> = integration.external_schemas.iter().map(|schema| schema.name.as_str()).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    let (old_schemas, new_schemas) = (schemas(before), schemas(after));
    named("external_schemas", &old_schemas, &new_schemas);
    let redefined = before.external_schemas != after.external_schemas && old_schemas == new_schemas;
    for (field, differs) in [
        ("external_schemas", redefined),
        ("mask", before.mask != after.mask),
        ("secret", before.secret != after.secret),
        ("setup", before.setup != after.setup),
    ] {
        if differs {
            found.push(Difference { field, values: None });
        }
    }
    found
}

impl Change {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.differences.is_empty()
    }

    /// What differs and what will be done, for people: one line each.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let mut words: Vec<String> = self.differences.iter().map(Difference::words).collect();
        if let Some(refused) = &self.refused {
            words.push(format!("This can't be done: {refused}."));
            return words;
        }
        let mut say = |line: &str| words.push(line.to_owned());
        if self.leaves {
            say("The new place is set up; the old one stays as it is meanwhile.");
            say(
                "Then everything is rendered in the new place, and the old one is removed without waiting for that: changes \
                 would no longer reach it.",
            );
            match self.shared {
                Shared { account: true, .. } => say("The system account stays: both places have it."),
                Shared { account: false, .. } => say("The new place has a system account of its own."),
            }
        } else if self.installs {
            say("The system account makes its objects again where they are. Nothing is closed meanwhile.");
        }
        match self.language {
            Some(By::SetupAccount) => say("The setup account lets the system account make external functions."),
            Some(By::Administrator) => {
                say("An administrator must let the system account make external functions before: \
                     GRANT USAGE ON LANGUAGE exfunc.");
            }
            None => {}
        }
        if self.renders {
            say("Every view is rendered anew, each in a transaction of its own.");
        }
        for schema in &self.old_view_schemas {
            words.push(format!("Schema `{}` is dropped once no view is left in it.", schema.as_str()));
        }
        for schema in &self.old_external_schemas {
            let name = schema.as_str();
            words.push(format!("External schema `{name}` is dropped; its database in the catalog stays."));
        }
        if !self.installs && !self.renders {
            words.push("Nothing in the warehouse changes.".to_owned());
        }
        words
    }
}

impl Difference {
    fn words(&self) -> String {
        match &self.values {
            Some((before, after)) => format!("`{}`: `{before}` becomes `{after}`.", self.field),
            None => format!("`{}` is another.", self.field),
        }
    }
}

/// The steps of a change. Where the place is another one, those that set it up; [`leave`] has the rest.
///
/// # Errors
/// [`TemplateError`], which a test rules out.
pub fn change_steps(before: &Integration, after: &Integration) -> Result<ChangeSteps, TemplateError> {
    let change = change(before, after);
    if change.refused.is_some() || !change.installs {
        return Ok(ChangeSteps { first: Vec::new(), last: Vec::new() });
    }
    if change.leaves {
        return Ok(ChangeSteps { first: setup::setup(after)?, last: Vec::new() });
    }
    let places = Places::new(after, Digest::Document)?;
    let mut first = Vec::new();
    if before.accepts(Risk::ExternalSchemaUsage) && !after.accepts(Risk::ExternalSchemaUsage) {
        first.extend(external::close(&places, before.external_schemas.iter().map(|schema| &schema.name))?);
    }
    let redefined = before
        .external_schemas
        .iter()
        .filter(|old| after.external_schemas.iter().any(|new| new.name.is_same(&old.name) && new != *old));
    first.extend(external::drop("external schemas defined anew", &places, redefined.map(|schema| &schema.name))?);
    let (withdrawn, functions) = removal::withdrawn(before, after);
    if change.language == Some(By::SetupAccount) {
        first.extend(setup::language(after)?);
    }
    first.extend(setup::own(after, &places)?);
    // Only now: what stays may have been in the form that needs it.
    first.extend(removal::drop_all("what is switched off", &places, withdrawn)?);

    let mut last = Vec::new();
    last.extend(removal::drop_all("former masking functions", &places, functions)?);
    last.extend(external::drop("former external schemas", &places, &change.old_external_schemas)?);
    for schema in &change.old_view_schemas {
        let name = "former view schema";
        let parts = ["DROP SCHEMA IF EXISTS {former} RESTRICT"];
        let statement = places.fill_with(name, &parts, &[("former", Fill::Ident(schema))])?;
        last.extend(Step::each(name, Connection::System, vec![statement], Tolerates::Nothing));
    }
    Ok(ChangeSteps { first, last })
}

/// The steps that remove the old place after a change that [`Change::leaves`] it. What both places share stays.
///
/// # Errors
/// [`TemplateError`], which a test rules out.
pub fn leave(
    before: &Integration,
    after: &Integration,
    removal: &Removal,
    made: Made,
) -> Result<Vec<Step>, TemplateError> {
    let shared = change(before, after).shared;
    removal::steps(before, removal.keep_profiles, removal.setup.is_some(), made, shared)
}
