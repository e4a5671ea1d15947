//! External schemas: databases of a data catalog as the warehouse sees them.
//!
//! A grant on one is refused in a transaction block (<https://docs.aws.amazon.com/redshift/latest/dg/r_GRANT.html>), so all of
//! it is done one by one.

use super::{Connection, Step, TemplateError, Tolerates, setup::owned_by_others, template::Places};
use crate::{
    model::{
        Integration,
        integration::{ExternalSchema, Risk},
    },
    sql::{Fill, Ident, SqlText, Text},
};

/// One statement for each name.
fn all<'a>(
    step: &'static str,
    statement: &'static str,
    tolerates: Tolerates,
    places: &Places<'_>,
    names: impl IntoIterator<Item = &'a Ident>,
) -> Result<Option<Step>, TemplateError> {
    let fill = |name: &Ident| places.fill_with(step, &[statement], &[("external", Fill::Ident(name))]);
    let statements = names.into_iter().map(fill).collect::<Result<_, _>>()?;
    Ok(Step::each(step, Connection::System, statements, tolerates))
}

/// The steps that make external schemas, and open them to all if that is accepted. A schema that is there already is kept only
/// if the system account owns it.
pub(super) fn make(integration: &Integration, places: &Places<'_>) -> Result<Vec<Step>, TemplateError> {
    let name = "external schemas";
    let schemas = &integration.external_schemas;
    let statements = schemas.iter().map(|schema| create(name, schema, places)).collect::<Result<_, _>>()?;
    let Some(step) = Step::each(name, Connection::System, statements, Tolerates::Nothing) else {
        return Ok(Vec::new());
    };
    let names: Vec<_> = schemas.iter().map(|schema| &schema.name).collect();
    let look = Some(owned_by_others(name, integration, places, &names)?);
    let mut steps = vec![Step { look, ..step }];
    if integration.accepts(Risk::ExternalSchemaUsage) {
        let statement = "GRANT USAGE ON SCHEMA {external} TO PUBLIC";
        steps.extend(all("external schema usage", statement, Tolerates::Nothing, places, names)?);
    }
    Ok(steps)
}

/// <https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_EXTERNAL_SCHEMA.html>
fn create(step: &'static str, schema: &ExternalSchema, places: &Places<'_>) -> Result<SqlText, TemplateError> {
    let nothing = Text::fixed("");
    let values = [
        ("external", Fill::Ident(&schema.name)),
        ("catalog_database", Fill::Literal(&schema.catalog_database)),
        ("region", Fill::Literal(schema.region.as_ref().unwrap_or(&nothing))),
        ("external_role", schema.role.as_ref().map_or(Fill::Word("default"), Fill::Literal)),
    ];
    let parts = [
        "CREATE EXTERNAL SCHEMA IF NOT EXISTS {external} FROM DATA CATALOG DATABASE {catalog_database}",
        if schema.region.is_some() { " REGION {region}" } else { "" },
        " IAM_ROLE {external_role}",
    ];
    places.fill_with(step, &parts, &values)
}

/// The step that closes external schemas to all again.
pub(super) fn close<'a>(
    places: &Places<'_>,
    names: impl IntoIterator<Item = &'a Ident>,
) -> Result<Option<Step>, TemplateError> {
    let statement = "REVOKE USAGE ON SCHEMA {external} FROM PUBLIC";
    all("external schemas closed", statement, Tolerates::Gone, places, names)
}

/// The step that drops external schemas. The catalog's databases stay.
pub(super) fn drop<'a>(
    step: &'static str,
    places: &Places<'_>,
    names: impl IntoIterator<Item = &'a Ident>,
) -> Result<Option<Step>, TemplateError> {
    all(step, "DROP SCHEMA IF EXISTS {external} RESTRICT", Tolerates::Gone, places, names)
}
