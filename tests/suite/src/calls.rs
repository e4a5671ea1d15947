//! The statements that are no view's definition: setting up a warehouse, profiles, policies, and the calls around a view.

use redoubt_core::{
    event::wire,
    model::{Id, Integration, Project, Removal, Standing, User},
    record::State,
    render::{
        install::{self, Made, Step},
        policy,
        profile::{self, Profile, ProfileState},
        view::{self, Application, Revision, View},
    },
    sql::{Ident, SqlText, Text},
};
use serde_json::{Value, json};

use crate::case::Case;

/// What a deployment's integrations look like: each mode, in a new database and in one that was there, with the setup and
/// without, and with impersonation.
///
/// # Errors
/// A fault of the documents, which are fixed.
pub fn integrations() -> Result<Vec<(&'static str, Integration)>, String> {
    let setup = json!({
        "secret": "admin", "database": "dev",
        "system_user_password_digest": format!("sha256|{}|a1b2", "0123456789abcdef".repeat(4)),
    });
    let mask = json!({
        "function": "arn:aws:lambda:eu-west-1:123456789012:function:redoubt-mask",
        "role": "arn:aws:iam::123456789012:role/warehouse",
    });
    let external = json!([
        {"name": "lake", "catalog_database": "raw"},
        {"name": "old \"lake\"", "catalog_database": "raw-2019", "region": "eu-west-1",
         "role": "arn:aws:iam::123456789012:role/lake"},
    ]);
    [
        ("multi-database", json!({"setup": setup, "mask": {"function": "redoubt-mask"}})),
        ("single-database", json!({"mode": "single_database", "setup": setup, "mask": mask})),
        ("multi-database-without-setup", json!({})),
        ("multi-database-existing", json!({"new_database": false, "setup": setup})),
        (
            "single-database-new",
            json!({"mode": "single_database", "new_database": true, "setup": setup, "external_schemas": external,
                "accepted_risks": ["external_schema_usage"]}),
        ),
        ("impersonation", json!({"mode": "single_database", "impersonation": true})),
    ]
    .into_iter()
    .map(|(name, own)| Ok((name, integration(own)?)))
    .collect()
}

fn integration(own: Value) -> Result<Integration, String> {
    let mut document = json!({
        "id": "wh", "version": 1, "host": "wh", "workgroup": "wg", "mode": "multi_database", "database": "immuta",
        "view_schema": "governed", "system_user": "immuta_system_account", "secret": "system",
    });
    if let (Value::Object(document), Value::Object(own)) = (&mut document, own) {
        document.extend(own);
    }
    let document: wire::IntegrationDocument = serde_json::from_value(document).map_err(|error| error.to_string())?;
    Integration::check(&document).map_err(|faults| faults.to_string())
}

/// Changes of integrations: what each is called, before and after.
///
/// # Errors
/// A fault of the documents, which are fixed.
pub fn changes() -> Result<Vec<(&'static str, Integration, Integration)>, String> {
    let find = |wanted: &str| -> Result<Integration, String> {
        let found = integrations()?.into_iter().find(|(name, _)| *name == wanted);
        found.map(|(_, integration)| integration).ok_or_else(|| format!("no integration {wanted}"))
    };
    let open = find("single-database-new")?;
    let mut redefined = open.clone();
    redefined.accepted_risks.clear();
    redefined.external_schemas.truncate(1);
    for schema in &mut redefined.external_schemas {
        schema.region = Some(Text::new("eu-west-1").map_err(|error| error.to_string())?);
    }
    let plain = find("multi-database-without-setup")?;
    Ok(vec![
        (
            "view-schema",
            plain.clone(),
            integration(json!({"view_schema": "policies", "view_name": "{schema}_{table}"}))?,
        ),
        ("masks", plain.clone(), find("multi-database")?),
        ("no-masks", find("multi-database")?, plain.clone()),
        ("external-schemas", open, redefined),
        ("to-single-database", plain, integration(json!({"mode": "single_database", "database": "analytics"}))?),
    ])
}

/// The steps of a change, those of leaving the old place included.
///
/// # Errors
/// A defect of their texts.
pub fn change(before: &Integration, after: &Integration) -> Result<Vec<Step>, String> {
    let steps = install::change_steps(before, after).map_err(|error| error.to_string())?;
    let mut steps: Vec<Step> = [steps.first, steps.last].concat();
    if install::change(before, after).leaves {
        let left = install::leave(before, after, &removed(false)?, MADE).map_err(|error| error.to_string())?;
        steps.extend(left);
    }
    Ok(steps)
}

/// Both were made by the setup.
pub const MADE: Made = Made { account: true, database: true };

fn removed(keep_profiles: bool) -> Result<Removal, String> {
    let database = Ident::new("dev").map_err(|error| error.to_string())?;
    Ok(Removal { keep_profiles, setup: Some(("admin".to_owned(), database)) })
}

/// The steps that take all of an integration away, or all but the profiles.
///
/// # Errors
/// A defect of their texts.
pub fn removal(integration: &Integration, keep_profiles: bool) -> Result<Vec<Step>, String> {
    let made = Made { database: integration.new_database, ..MADE };
    install::removal(integration, &removed(keep_profiles)?, made).map_err(|error| error.to_string())
}

/// The steps that set a warehouse up.
///
/// # Errors
/// A defect of their texts.
pub fn setup(integration: &Integration) -> Result<Vec<Step>, String> {
    install::setup(integration).map_err(|error| error.to_string())
}

/// Every other statement, with what it does.
///
/// # Errors
/// A fault of the documents, which are fixed.
pub fn calls(integration: &Integration) -> Result<Vec<(&'static str, SqlText)>, String> {
    let names = &integration.names;
    let text = |text: &str| Text::new(text).map_err(|error| error.to_string());
    let id = |id: &str| Id::check("id", id).map_err(|fault| fault.to_string());
    let source = id("it's \\ a source")?;
    let revision = Revision { source: &source, revision: 7, claim: 2 };
    let mut calls = vec![
        ("prepare a view", view::prepare(names, &source, &text("5eed")?)),
        ("prepare a project", view::prepare_project(names, source.text(), &text("5eed")?)),
        ("withdraw a view", view::withdraw(names, revision, State::Withdrawn, None)),
        (
            "withdraw a view that can't be applied",
            view::withdraw(names, revision, State::Unhealthy, Some("it's \\ no view")),
        ),
    ];
    let (small, case) = (view_of(8)?, case_of(8)?);
    for (what, view) in [("apply a view", small), ("apply a long view", view_of(60_000)?)] {
        let place = case.sources.first().map(|source| case.place(source)).ok_or("no source")?;
        match view::apply(&view, &place, revision) {
            Application::Call(call) => calls.push((what, call)),
            Application::Guarded(statements) => calls.extend(statements.map(|statement| (what, statement))),
        }
    }
    calls.push(("lock before policies are written", policy::lock(names)));
    let definition = text(r#"{"name": "it's a \"policy\""}"#)?;
    let put = policy::put(names, &source, 3, Some((&text("active")?, &definition)));
    calls.push(("put a policy", put));
    calls.push(("drop a policy", policy::put(names, &source, 4, None)));
    calls.extend(profile::merge(names, &profiles()?).into_iter().map(|sql| ("merge profiles", sql)));
    let gone: Vec<Profile> = profiles()?.into_iter().filter(|profile| profile.state.is_none()).collect();
    calls.extend(profile::merge(names, &gone).into_iter().map(|sql| ("merge profiles of users that are gone", sql)));
    Ok(calls)
}

/// A case with two constants of so many bytes.
fn case_of(bytes: usize) -> Result<Case, String> {
    let mask = |column: &str| json!({"mask": {"columns": {"name": column}, "using": {"kind": "constant", "value": "x".repeat(bytes)}}});
    let input = json!({
        "data_sources": [{"id": "notes", "table": "notes", "columns": [
            {"name": "a", "type": "varchar(65535)"}, {"name": "b", "type": "varchar(65535)"},
        ]}],
        "policies": [{"id": "p", "rules": [mask("a"), mask("b")]}],
    });
    Case::parse("notes", &input.to_string())
}

fn view_of(bytes: usize) -> Result<View, String> {
    let case = case_of(bytes)?;
    case.views().pop().map(|(_, view)| view).ok_or_else(|| "no view".to_owned())
}

/// Profiles with everything a user can have, with nothing, and of a user that is gone.
fn profiles() -> Result<Vec<Profile>, String> {
    let read = |value: Value| -> Result<User, String> {
        let document: wire::UserDocument = serde_json::from_value(value).map_err(|error| error.to_string())?;
        User::check(&document).map_err(|faults| faults.to_string())
    };
    let id = |id: &str| Id::check("id", id).map_err(|fault| fault.to_string());
    let text = |text: &str| Text::new(text).map_err(|error| error.to_string());
    let project: wire::ProjectDocument = serde_json::from_value(json!({
        "id": "churn", "version": 1, "name": "Churn", "members": ["ada"], "purposes": ["research", "billing"],
    }))
    .map_err(|error| error.to_string())?;
    let project = Project::check(&project).map_err(|faults| faults.to_string())?;
    let standing = Standing {
        groups: [text("support")?, text("o'brien \\ sons")?].into(),
        attributes: [(text("country")?, [text("DE")?, text("FR")?].into())].into(),
        project: Some(id("churn")?),
        acknowledged: [(id("churn")?, text("research")?)].into(),
        approved: [id("orders")?].into(),
    };
    let ada = read(json!({"id": "ada", "version": 1, "database_user": "Ada O'Hara"}))?;
    let bob = read(json!({"id": "bob", "version": 1, "database_user": "bob"}))?;
    let profile = |user: &User, revision, state| Profile { database_user: user.database_user.clone(), revision, state };
    Ok(vec![
        profile(&ada, 9, Some(ProfileState::resolve(&ada, &standing, Some(&project)))),
        profile(&bob, profile::profile_revision(1, 4), Some(ProfileState::resolve(&bob, &Standing::default(), None))),
        profile(&read(json!({"id": "eve", "version": 1, "database_user": "eve"}))?, 2, None),
    ])
}
