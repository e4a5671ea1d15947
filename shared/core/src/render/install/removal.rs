//! The steps that take away everything Redoubt made, and nothing else.
//!
//! What puts things in force goes first, so that nothing that comes late can. Nothing is dropped along with something else: what
//! others built on Redoubt's objects stops the removal with the database's words, until they took it away.

use super::{
    Connection, Look, LookMeaning, Shared, Step, StepMode, TemplateError, Tolerates, external,
    grants::{Grantee, Object, Privilege, statements as granted},
    template::{self, Digest, Kind, PARTS, Part, Places, literal, made, statements},
};
use crate::{
    model::{Integration, Removal},
    sql::Fill,
};

/// What Redoubt's setup account made, as far as it is known: a removal drops nothing else that others may have made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Made {
    /// The system account.
    pub account: bool,
    /// The database.
    pub database: bool,
}

/// The steps that take an integration away, in order. Those of the setup account are there if the removal names one.
///
/// # Errors
/// [`TemplateError`], which a test rules out.
pub fn removal(integration: &Integration, removal: &Removal, made: Made) -> Result<Vec<Step>, TemplateError> {
    steps(integration, removal.keep_profiles, removal.setup.is_some(), made, Shared::default())
}

/// Tables that stay with `keep_profiles`.
const PROFILES: [&str; 2] = ["profile", "profile_entitlement"];

/// The same, with what a new home shares with this one left alone.
pub(super) fn steps(
    integration: &Integration,
    keep_profiles: bool,
    administers: bool,
    made: Made,
    shared: Shared,
) -> Result<Vec<Step>, TemplateError> {
    let places = Places::new(integration, Digest::Document)?;
    let keep_profile = |object: &template::Made| {
        keep_profiles && object.kind == Kind::Table && object.fixed_name().is_some_and(|name| PROFILES.contains(&name))
    };
    let drops = |name: &'static str, kind: Kind| -> Result<Option<Step>, TemplateError> {
        let is_kept = |object: &template::Made| match kind {
            // Dropped with the policy views.
            Kind::Schema => object.name == "{views}" || keep_profiles && object.name == "{system}",
            _ => keep_profile(object),
        };
        let mut objects = Vec::new();
        // What a later part makes anew in another form, an earlier one has made already.
        for object in PARTS.iter().filter(|part| (part.when)(integration)).flat_map(last_made_first) {
            if object.kind == kind && !is_kept(&object) && !objects.contains(&object) {
                objects.push(object);
            }
        }
        drop_all(name, &places, objects)
    };

    let mut steps = Vec::new();
    steps.extend(drops("procedures", Kind::Procedure)?);
    steps.push(policy_views(integration, &places)?);
    steps.extend(each(
        "preflight",
        Connection::System,
        // Of an examination that was interrupted: constants, and views of them.
        ["DROP SCHEMA IF EXISTS {doctor} CASCADE", "DROP SCHEMA IF EXISTS {doctor_below} CASCADE"]
            .into_iter()
            .map(|statement| places.fill("preflight", statement))
            .collect::<Result<_, _>>()?,
    ));
    steps.extend(drops("secure views", Kind::View)?);
    steps.extend(drops("masking functions", Kind::Function)?);
    steps.extend(drops("tables", Kind::Table)?);
    let name = "default privileges";
    let is_default = |object: &Object| matches!(object, Object::FutureFunctions(_) | Object::FutureProcedures(_));
    let revoked = granted(name, integration, false, |grant| is_default(&grant.object))?;
    steps.extend(each(name, Connection::System, revoked));
    steps.extend(external::drop(
        "external schemas",
        &places,
        integration.external_schemas.iter().map(|schema| &schema.name),
    )?);
    if keep_profiles {
        let name = "kept profiles";
        let system = Object::Schema(integration.names.system.clone());
        let revoked = granted(name, integration, false, |grant| grant.object == system)?;
        steps.extend(each(name, Connection::System, revoked));
    }
    steps.extend(drops("schemas", Kind::Schema)?);
    if administers {
        let drops = Made {
            account: made.account && !keep_profiles && !shared.account,
            database: made.database && !keep_profiles && !shared.database,
        };
        steps.extend(of_the_setup_account(integration, &places, keep_profiles, drops, shared)?);
    }
    Ok(steps)
}

/// What a part makes, in the order in which it can be dropped.
fn last_made_first(part: &Part) -> Vec<template::Made> {
    let mut objects: Vec<_> = made(part.template).collect();
    objects.reverse();
    objects
}

/// A step that drops things one by one, in their order.
pub(super) fn drop_all(
    name: &'static str,
    places: &Places<'_>,
    objects: Vec<template::Made>,
) -> Result<Option<Step>, TemplateError> {
    let drop = |object: &template::Made| places.fill_with(name, &object.drop(), &[]);
    let statements = objects.iter().map(drop).collect::<Result<Vec<_>, _>>()?;
    Ok(each(name, Connection::System, statements))
}

/// A step whose statements may find their object, or its schema, gone.
fn each(name: &'static str, connection: Connection, statements: Vec<crate::sql::SqlText>) -> Option<Step> {
    Step::each(name, connection, statements, Tolerates::Gone)
}

/// All views of the system account in the view schema, whatever is known of them, and the schema: at once, so that whoever reads
/// the views sees all of them or none.
fn policy_views(integration: &Integration, places: &Places<'_>) -> Result<Step, TemplateError> {
    let name = "policy views";
    let views = literal(&integration.view_schema);
    let fill = |statement| places.fill_with(name, &[statement], &[("views_text", Fill::Literal(&views))]);
    let statements = statements(include_str!("../bootstrap/removal.sql")).map(fill).collect::<Result<_, _>>()?;
    Ok(Step {
        name,
        connection: Connection::System,
        statements,
        mode: StepMode::Together,
        tolerates: Tolerates::Nothing,
        look: None,
    })
}

fn of_the_setup_account(
    integration: &Integration,
    places: &Places<'_>,
    keep_profiles: bool,
    drops: Made,
    shared: Shared,
) -> Result<Vec<Step>, TemplateError> {
    let mut steps = Vec::new();
    let name = "database grants";
    let revoked = granted(name, integration, false, |grant| match (&grant.object, grant.grantee) {
        // Whoever owns the profiles must be able to read them.
        (Object::Database(_), Grantee::SystemAccount) if keep_profiles && grant.privilege == Privilege::Usage => false,
        (Object::Database(_) | Object::Language(_), Grantee::SystemAccount) => !(shared.database && shared.account),
        (Object::Database(_), Grantee::Public) => !shared.database,
        _ => false,
    })?;
    let look = if drops.database { Some(others_objects(name, integration, places)?) } else { None };
    steps.extend(each(name, Connection::Setup, revoked).map(|step| Step { look, ..step }));
    if drops.database {
        let name = "database";
        steps.extend(each(name, Connection::SetupElsewhere, vec![places.fill(name, "DROP DATABASE {database}")?]));
    }
    if drops.account {
        let name = "account";
        // Redshift looks for what an account owns only in the database where it is dropped:
        // https://docs.aws.amazon.com/redshift/latest/dg/r_DROP_USER.html
        let connection = if drops.database { Connection::SetupElsewhere } else { Connection::Setup };
        steps.extend(each(name, connection, vec![places.fill(name, "DROP USER IF EXISTS {system_user}")?]));
    }
    Ok(steps)
}

/// Refuses to drop a database in which somebody made something: `DROP DATABASE` knows no `RESTRICT`. Accounts below 100 are the
/// warehouse's own.
fn others_objects(step: &'static str, integration: &Integration, places: &Places<'_>) -> Result<Look, TemplateError> {
    let query = "SELECT COUNT(*) FROM (\
        SELECT c.relnamespace AS namespace FROM pg_catalog.pg_class AS c WHERE c.relowner >= 100 \
        UNION ALL SELECT p.pronamespace AS namespace FROM pg_catalog.pg_proc AS p WHERE p.proowner >= 100 \
        UNION ALL SELECT s.oid AS namespace FROM pg_catalog.pg_namespace AS s \
        WHERE s.nspowner >= 100 AND s.nspname <> 'public'\
        ) AS o JOIN pg_catalog.pg_namespace AS n ON n.oid = o.namespace \
        WHERE LEFT(CAST(n.nspname AS VARCHAR(128)), 3) <> 'pg_'";
    let refuse = format!(
        "found tables, views, functions or schemas that are not Redoubt's in database `{}`, expected none: they would go with \
         the database",
        integration.database.as_str()
    );
    Ok(Look { query: places.fill(step, query)?, meaning: LookMeaning::MustBeNone { refuse } })
}

/// What of an integration's parts another one lacks, apart from the functions that views call, and those functions.
pub(super) fn withdrawn(before: &Integration, after: &Integration) -> (Vec<template::Made>, Vec<template::Made>) {
    let parts = PARTS.iter().filter(|part| (part.when)(before) && !(part.when)(after));
    let stays: Vec<_> = PARTS.iter().filter(|part| (part.when)(after)).flat_map(|part| made(part.template)).collect();
    parts
        .flat_map(last_made_first)
        .filter(|object| !stays.contains(object))
        .partition(|object| object.kind != Kind::Function)
}
