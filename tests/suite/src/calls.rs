//! The statements that are no view's definition: setting up a warehouse, profiles, policies, and the calls around a view.

use redoubt_core::{
    event::wire,
    model::{Id, Integration, Project, Standing, User},
    render::{
        install::{self, Step},
        policy,
        profile::{self, Profile, ProfileState},
        view::{self, Application, Revision, View},
    },
    sql::{SqlText, Text},
};
use serde_json::{Value, json};

use crate::case::Case;

/// What a deployment's integrations look like: each mode, with the setup and without.
///
/// # Errors
/// A fault of the documents, which are fixed.
pub fn integrations() -> Result<Vec<(&'static str, Integration)>, String> {
    let setup = json!({
        "secret": "admin", "database": "dev",
        "system_user_password_digest": format!("sha256|{}|a1b2", "0123456789abcdef".repeat(4)),
    });
    [
        ("multi-database", json!("multi_database"), setup.clone(), json!({"function": "redoubt-mask"})),
        (
            "single-database",
            json!("single_database"),
            setup,
            json!({
                "function": "arn:aws:lambda:eu-west-1:123456789012:function:redoubt-mask",
                "role": "arn:aws:iam::123456789012:role/warehouse",
            }),
        ),
        ("multi-database-without-setup", json!("multi_database"), Value::Null, Value::Null),
    ]
    .into_iter()
    .map(|(name, mode, setup, mask)| {
        let document: wire::IntegrationDocument = serde_json::from_value(json!({
            "id": "wh", "version": 1, "host": "wh", "workgroup": "wg", "mode": mode, "database": "immuta",
            "view_schema": "governed", "system_user": "immuta_system_account", "secret": "system", "setup": setup,
            "mask": mask,
        }))
        .map_err(|error| error.to_string())?;
        Ok((name, Integration::check(&document).map_err(|faults| faults.to_string())?))
    })
    .collect()
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
        ("withdraw a view", view::withdraw(names, revision)),
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
