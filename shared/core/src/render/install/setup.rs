//! The steps that set a warehouse up.

use super::{
    Connection, Look, LookMeaning, Step, StepMode, TemplateError, Tolerates, external,
    grants::{Object, statements as granted},
    template::{Digest, PARTS, Places, SCHEMAS, literal, statements},
};
use crate::{
    model::Integration,
    sql::{Fill, Ident, SqlText},
};

/// The steps that set an integration's warehouse up, in order. Without setup credentials the account, the database and the
/// grants on it are the administrator's business ([`super::script::setup`]), and only what the system account makes is left.
///
/// # Errors
/// [`TemplateError`], which a test rules out.
pub fn setup(integration: &Integration) -> Result<Vec<Step>, TemplateError> {
    steps(integration, Digest::Document, integration.setup.is_some())
}

/// The steps, with or without those of the setup account.
pub(super) fn steps(integration: &Integration, digest: Digest, administers: bool) -> Result<Vec<Step>, TemplateError> {
    let places = Places::new(integration, digest)?;
    let mut steps = Vec::new();
    if administers {
        steps.push(account(&places)?);
        if integration.new_database {
            steps.push(database(integration, &places)?);
        }
        steps.push(database_grants(integration)?);
        steps.extend(language(integration)?);
    }
    steps.extend(own(integration, &places)?);
    Ok(steps)
}

fn account(places: &Places<'_>) -> Result<Step, TemplateError> {
    let name = "account";
    let query = "SELECT COUNT(*) FROM pg_catalog.pg_user AS u WHERE u.usename = {system_user_text}";
    Ok(Step {
        name,
        connection: Connection::SetupElsewhere,
        statements: vec![places.fill(name, include_str!("../bootstrap/account.sql").trim())?],
        mode: StepMode::Together,
        tolerates: Tolerates::There,
        look: Some(Look { query: places.fill(name, query)?, meaning: LookMeaning::Exists { refuse: None } }),
    })
}

fn database(integration: &Integration, places: &Places<'_>) -> Result<Step, TemplateError> {
    let name = "database";
    let query = "SELECT COUNT(*) FROM pg_catalog.pg_database AS d \
                 WHERE LOWER(CAST(d.datname AS VARCHAR(128))) = LOWER({database_text})";
    let database = integration.database.as_str();
    let refuse = format!(
        "database `{database}` is there already and was not made by this integration: set `new_database` to false to use it, \
         or name another `database`"
    );
    Ok(Step {
        name,
        connection: Connection::SetupElsewhere,
        statements: vec![places.fill(name, include_str!("../bootstrap/database.sql").trim())?],
        // Not in a transaction: https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_DATABASE.html
        mode: StepMode::Each,
        tolerates: Tolerates::There,
        look: Some(Look { query: places.fill(name, query)?, meaning: LookMeaning::Exists { refuse: Some(refuse) } }),
    })
}

fn database_grants(integration: &Integration) -> Result<Step, TemplateError> {
    let name = "database grants";
    let statements = granted(name, integration, true, |grant| matches!(grant.object, Object::Database(_)))?;
    Ok(Step {
        name,
        connection: Connection::Setup,
        statements,
        mode: StepMode::Together,
        tolerates: Tolerates::Nothing,
        look: None,
    })
}

/// The step that lets the system account make external functions. `plpgsql` is everybody's.
pub(super) fn language(integration: &Integration) -> Result<Option<Step>, TemplateError> {
    let name = "mask language";
    let statements = granted(name, integration, true, |grant| matches!(grant.object, Object::Language(_)))?;
    Ok((!statements.is_empty()).then_some(Step {
        name,
        connection: Connection::Setup,
        statements,
        mode: StepMode::Together,
        tolerates: Tolerates::Nothing,
        look: None,
    }))
}

/// What the system account makes.
pub(super) fn own(integration: &Integration, places: &Places<'_>) -> Result<Vec<Step>, TemplateError> {
    let mut steps = Vec::new();
    for part in PARTS.iter().filter(|part| (part.when)(integration)) {
        let look = if part.name == SCHEMAS {
            let [system, functions, procedures] = integration.names.schemas();
            let names = [system, functions, procedures, &integration.view_schema];
            Some(owned_by_others(part.name, integration, places, &names)?)
        } else {
            None
        };
        steps.push(Step {
            name: part.name,
            connection: Connection::System,
            statements: statements(part.template)
                .map(|statement| places.fill(part.name, statement))
                .collect::<Result<_, _>>()?,
            mode: StepMode::Together,
            tolerates: Tolerates::Nothing,
            look,
        });
    }
    steps.extend(external::make(integration, places)?);
    Ok(steps)
}

/// Refuses schemas that are there already and belong to another account: `IF NOT EXISTS` would take them, and whoever owns a
/// schema may drop and replace what is in it.
pub(super) fn owned_by_others(
    step: &'static str,
    integration: &Integration,
    places: &Places<'_>,
    names: &[&Ident],
) -> Result<Look, TemplateError> {
    let mut query = vec![places.fill(
        step,
        "SELECT COUNT(*) FROM pg_catalog.pg_namespace AS n LEFT JOIN pg_catalog.pg_user AS u ON u.usesysid = n.nspowner \
         WHERE (u.usename IS NULL OR u.usename <> {system_user_text}) AND LOWER(CAST(n.nspname AS VARCHAR(128))) IN (",
    )?];
    for (index, name) in names.iter().enumerate() {
        let part = if index == 0 { "LOWER({name})" } else { ", LOWER({name})" };
        query.push(places.fill_with(step, &[part], &[("name", Fill::Literal(&literal(name)))])?);
    }
    query.push(places.fill(step, ")")?);
    let list: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_str())).collect();
    let refuse = format!(
        "found a schema called {} that belongs to another account, expected none, or one that `{}` owns",
        list.join(" or "),
        integration.system_user.as_str()
    );
    Ok(Look { query: SqlText::joined(query), meaning: LookMeaning::MustBeNone { refuse } })
}
