//! Setting up a warehouse: the account, the database, Redoubt's own tables, secure views and procedures, and the grants.
//!
//! Each step can be run again, whatever became of it the first time: what can say `IF NOT EXISTS` or `OR REPLACE` does, and
//! the two that can't ([`Step::may_exist`]) are known to be done when the warehouse answers that the thing is there.

pub mod impersonation;

use crate::{
    model::{Integration, Mode, integration::Setup},
    sql::{Fill, Ident, SqlText, Text, fill},
};

/// One step of the setup; its statements go in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it does, for logs and status.
    pub name: &'static str,
    /// Who runs it and where.
    pub connection: Connection,
    /// The statements.
    pub statements: Vec<SqlText>,
    /// «already exists» means that the step was done.
    pub may_exist: bool,
}

/// Who runs a step and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// The setup account, in the database that exists already.
    SetupElsewhere,
    /// The setup account, in Redoubt's database.
    Setup,
    /// The system account, in Redoubt's database. What it makes, it owns.
    System,
}

/// A text of a step could not be filled in: a defect of this crate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the text of setup step `{step}` has a place `{place}` that nothing fills")]
pub struct TemplateError {
    /// The step.
    pub step: &'static str,
    /// The place.
    pub place: String,
}

const SEPARATOR: &str = ";;\n";

/// The steps that set an integration's warehouse up, in order. Without setup credentials the account, the database and its
/// grants are the administrator's business, and only what the system account makes is left.
///
/// # Errors
/// [`TemplateError`], which a test rules out.
pub fn steps(integration: &Integration) -> Result<Vec<Step>, TemplateError> {
    let mut steps = Vec::new();
    if let Some(setup) = &integration.setup {
        steps.push(step(
            "account",
            Connection::SetupElsewhere,
            include_str!("account.sql"),
            true,
            integration,
            Some(setup),
        )?);
        if integration.mode == Mode::MultiDatabase {
            steps.push(step(
                "database",
                Connection::SetupElsewhere,
                include_str!("database.sql"),
                true,
                integration,
                Some(setup),
            )?);
        }
        steps.push(step(
            "database grants",
            Connection::Setup,
            include_str!("database_grants.sql"),
            false,
            integration,
            Some(setup),
        )?);
    }
    let functions = integration.mask.as_ref().map(|_| ("masking functions", include_str!("functions.sql")));
    let templates = [
        ("schemas", include_str!("schemas.sql")),
        ("tables", include_str!("tables.sql")),
        ("secure views", include_str!("secure_views.sql")),
        ("procedures", include_str!("procedures.sql")),
        ("grants", include_str!("grants.sql")),
    ];
    let impersonation = integration.impersonation.then_some(("impersonation", impersonation::TEMPLATE));
    // What ordinary users may do with the functions is said before there are any.
    for (name, template) in templates.into_iter().chain(functions).chain(impersonation) {
        steps.push(step(name, Connection::System, template, false, integration, None)?);
    }
    Ok(steps)
}

fn step(
    name: &'static str,
    connection: Connection,
    template: &'static str,
    may_exist: bool,
    integration: &Integration,
    setup: Option<&Setup>,
) -> Result<Step, TemplateError> {
    let names = &integration.names;
    let revision = Ident::new(format!("{}__revision", names.prefix))
        .map_err(|error| TemplateError { step: name, place: error.to_string() })?;
    let nothing = Text::fixed("");
    let digest = setup.map_or(&nothing, |setup| &setup.system_user_password_digest);
    let mask = integration.mask.as_ref();
    let role = match mask.and_then(|mask| mask.role.as_ref()) {
        Some(role) => Fill::Literal(role),
        None => Fill::Word("default"),
    };
    let values = [
        ("system", Fill::Ident(&names.system)),
        ("functions", Fill::Ident(&names.functions)),
        ("procedures", Fill::Ident(&names.procedures)),
        ("views", Fill::Ident(&integration.view_schema)),
        ("database", Fill::Ident(&integration.database)),
        ("system_user", Fill::Ident(&integration.system_user)),
        ("userid", Fill::Ident(&names.userid)),
        ("revision", Fill::Ident(&revision)),
        ("password_digest", Fill::Literal(digest)),
        ("mask_function", Fill::Literal(mask.map_or(&nothing, |mask| &mask.function))),
        ("mask_role", role),
    ];
    let statements = template
        .split(SEPARATOR)
        .map(|statement| fill(statement.trim(), &values).map_err(|place| TemplateError { step: name, place }))
        .collect::<Result<_, _>>()?;
    Ok(Step { name, connection, statements, may_exist })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::wire;

    fn integration(mode: &str) -> Integration {
        let wire: wire::IntegrationDocument = serde_json::from_value(serde_json::json!({
            "id": "wh", "version": 1, "host": "wh", "workgroup": "wg", "mode": mode, "database": "immuta",
            "view_schema": "gover\"ned", "prefix": "other", "system_user": "o'system", "secret": "s",
            "setup": {"secret": "t", "database": "dev", "system_user_password_digest": format!("sha256|{}|a1", "0".repeat(64))},
        }))
        .unwrap();
        Integration::check(&wire).unwrap()
    }

    #[test]
    fn every_place_is_filled_and_quoted() {
        for mode in ["multi_database", "single_database"] {
            let steps = steps(&integration(mode)).unwrap();
            assert_eq!(steps.iter().any(|step| step.name == "database"), mode == "multi_database");
            for statement in steps.iter().flat_map(|step| &step.statements) {
                assert!(!statement.execute().contains(['{', '}']), "{statement:?}");
                assert!(!statement.execute().contains("immuta_"), "the prefix is one setting: {statement:?}");
                assert!(!statement.execute().contains("gover\"ned\""), "{statement:?}");
            }
        }
    }

    #[test]
    fn the_password_digest_is_redacted() {
        let steps = steps(&integration("multi_database")).unwrap();
        let account = steps.iter().find(|step| step.name == "account").unwrap();
        assert_eq!(format!("{:?}", account.statements), "[SqlText(CREATE USER \"o'system\" PASSWORD '…')]");
    }
}
