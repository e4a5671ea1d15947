//! Setup and removal on a warehouse: run step by step as a deployment does, each step twice, as after an interruption; and by
//! hand from the script. What is there afterwards is read back from the catalog.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that can't read what it checks must fail"
)]

mod catalog;
mod warehouse;

use std::collections::BTreeSet;

use redoubt_core::{
    event::wire,
    model::{Integration, Removal},
    render::install::{self, Grantee, Made, Object, script},
    sql::Ident,
};
use redoubt_tests::script::parts;
use serde_json::{Value, json};

use crate::warehouse::{Warehouse, digest};

fn integration(own: Value) -> Integration {
    let mut document = json!({
        "id": "wh", "version": 1, "host": "wh", "workgroup": "redoubt-local", "mode": "multi_database", "database": "immuta",
        "view_schema": "governed", "system_user": "redoubt_system", "secret": "system",
        "setup": {"secret": "administrator", "database": "dev", "system_user_password_digest": digest()},
    });
    for (name, value) in own.as_object().unwrap() {
        document[name] = value.clone();
    }
    let document: wire::IntegrationDocument = serde_json::from_value(document).unwrap();
    Integration::check(&document).unwrap()
}

fn removed(secret: &str, keep_profiles: bool) -> Removal {
    Removal { keep_profiles, setup: Some((secret.to_owned(), Ident::new("dev").unwrap())) }
}

/// What was granted since, in the words of the list, without what is granted to an owner.
async fn granted(warehouse: &Warehouse, integration: &Integration, before: &BTreeSet<String>) -> BTreeSet<String> {
    let after = catalog::privileges(warehouse, integration.database.as_str(), integration.system_user.as_str()).await;
    after.difference(before).cloned().collect()
}

fn listed(integration: &Integration) -> BTreeSet<String> {
    let grants = install::grants(integration).into_iter();
    // There are no views yet, and what the system account may do with its own procedures it may do as their owner.
    let grants = grants.filter(|grant| !matches!(grant.object, Object::PolicyViews(_)));
    grants
        .map(|grant| {
            let who = if grant.grantee == Grantee::Public { "PUBLIC" } else { integration.system_user.as_str() };
            format!("{}: {} to {who}", grant.object, grant.privilege.in_postgresql(&grant.object))
        })
        .collect()
}

#[tokio::test]
async fn what_is_set_up_is_what_is_listed_and_all_of_it_goes_again() {
    let warehouse = Warehouse::start().await;
    let masked = json!({"function": "redoubt-mask"});
    let cases = [
        ("administrator", integration(json!({"mask": masked}))),
        ("administrator", integration(json!({"mode": "single_database", "database": "dev", "mask": masked}))),
        // Accounts with the documented privileges and no more.
        (
            "makes_databases",
            integration(json!({"setup": {"secret": "makes_databases", "database": "dev",
                "system_user_password_digest": digest()}})),
        ),
        (
            "is_granted",
            integration(json!({"new_database": false, "database": "analytics", "mask": masked,
                "setup": {"secret": "is_granted", "database": "dev", "system_user_password_digest": digest()}})),
        ),
    ];
    for (secret, integration) in &cases {
        let database = integration.database.as_str();
        let untouched = warehouse.catalog().await;
        let before = catalog::privileges(&warehouse, database, "redoubt_system").await;
        warehouse.run(integration, secret, &install::setup(integration).unwrap()).await;
        assert_eq!(granted(&warehouse, integration, &before).await, listed(integration), "{database}");
        let installed = warehouse.catalog().await;

        let made = Made { account: true, database: integration.new_database };
        warehouse.view_and_table(integration).await;
        let steps = install::removal(integration, &removed(secret, false), made).unwrap();
        warehouse.run(integration, secret, &steps).await;
        assert_eq!(warehouse.catalog().await, untouched, "{database}: removed");

        if *secret != "administrator" {
            continue;
        }
        for part in parts(&script::setup(integration).unwrap()).unwrap() {
            warehouse.by_hand(&part).await;
        }
        assert_eq!(warehouse.catalog().await, installed, "{database}: set up by hand");
        for part in parts(&script::remove(integration, false).unwrap()).unwrap() {
            warehouse.by_hand(&part).await;
        }
        assert_eq!(warehouse.catalog().await, untouched, "{database}: removed by hand");
    }
    warehouse.stop().await;
}

#[tokio::test]
async fn nothing_of_others_is_dropped() {
    let warehouse = Warehouse::start().await;
    let integration = integration(json!({}));
    warehouse.run(&integration, "administrator", &install::setup(&integration).unwrap()).await;
    warehouse.view_and_table(&integration).await;
    warehouse.administer("immuta", "CREATE VIEW public.mine AS SELECT * FROM governed.v").await;
    let made = Made { account: true, database: true };
    let steps = install::removal(&integration, &removed("administrator", false), made).unwrap();
    let refused = warehouse.try_run(&integration, "administrator", &steps).await.unwrap_err();
    assert!(refused.starts_with("policy views: ") && refused.contains("view mine depends on"), "{refused}");
    // Nothing can be put in force any more, and what is in force stays until the other is out of the way.
    assert!(warehouse.catalog().await.iter().any(|line| line.contains("governed.v ")));
    warehouse.administer("immuta", "DROP VIEW public.mine; CREATE TABLE public.own (a INTEGER)").await;
    let refused = warehouse.try_run(&integration, "administrator", &steps).await.unwrap_err();
    assert!(refused.starts_with("database grants: found tables, views, functions or schemas"), "{refused}");
    warehouse.administer("immuta", "DROP TABLE public.own").await;
    let account_and_database = steps.iter().position(|step| step.name == "database grants").unwrap();
    warehouse.run(&integration, "administrator", &steps[account_and_database..]).await;
    assert!(!warehouse.catalog().await.iter().any(|line| line.contains("redoubt_system")));

    // Neither are schemas taken over that are somebody else's, nor databases.
    warehouse.administer("dev", "CREATE SCHEMA governed").await;
    let existing = self::integration(json!({"new_database": false, "database": "dev"}));
    let refused = warehouse.try_run(&existing, "administrator", &install::setup(&existing).unwrap()).await.unwrap_err();
    assert!(refused.starts_with("schemas: found a schema called"), "{refused}");
    let new = self::integration(json!({"database": "dev"}));
    let refused = warehouse.try_run(&new, "administrator", &install::setup(&new).unwrap()).await.unwrap_err();
    assert!(refused.starts_with("database: database `dev` is there already"), "{refused}");
    warehouse.stop().await;
}

#[tokio::test]
async fn profiles_that_stay_are_their_owners() {
    let warehouse = Warehouse::start().await;
    let integration = integration(json!({"mask": {"function": "redoubt-mask"}}));
    warehouse.run(&integration, "administrator", &install::setup(&integration).unwrap()).await;
    let made = Made { account: true, database: true };
    let steps = install::removal(&integration, &removed("administrator", true), made).unwrap();
    warehouse.run(&integration, "administrator", &steps).await;
    let left = catalog::privileges(&warehouse, "immuta", "redoubt_system").await;
    assert_eq!(left.into_iter().collect::<Vec<_>>(), ["database `immuta`: CONNECT to redoubt_system"]);
    let left = warehouse.catalog().await;
    let left: Vec<_> = left
        .iter()
        .filter(|line| line.starts_with("immuta: ") && !line.starts_with("immuta: schema public "))
        .collect();
    assert_eq!(left.len(), 3, "{left:?}");
    assert!(left.iter().all(|line| {
        ["schema immuta_system ", ".profile ", ".profile_entitlement "].iter().any(|name| line.contains(name))
    }));
    warehouse.stop().await;
}

#[tokio::test]
async fn a_changed_warehouse_is_one_that_was_set_up_so() {
    let warehouse = Warehouse::start().await;
    let before = integration(json!({}));
    let setup = |integration: &Integration| install::setup(integration).unwrap();
    let made = Made { account: true, database: true };
    let everything = removed("administrator", false);
    for own in [
        json!({"view_schema": "policies", "view_name": "{schema}_{table}", "mask": {"function": "redoubt-mask"}}),
        // Both have the account, and this one also the database.
        json!({"mode": "single_database", "database": "dev"}),
        json!({"prefix": "other", "view_schema": "policies", "new_database": false}),
    ] {
        let after = integration(own);
        // What the two places share was made for the first one.
        let database = if before.database == after.database { made.database } else { after.new_database };
        let made_after = Made { database, ..made };
        warehouse.run(&before, "administrator", &setup(&before)).await;
        let steps = install::change_steps(&before, &after).unwrap();
        warehouse.run(&after, "administrator", &steps.first).await;
        warehouse.run(&after, "administrator", &steps.last).await;
        if install::change(&before, &after).leaves {
            let left = install::leave(&before, &after, &everything, made).unwrap();
            warehouse.run(&before, "administrator", &left).await;
        }
        let changed = warehouse.catalog().await;
        let steps = install::removal(&after, &everything, made_after).unwrap();
        warehouse.run(&after, "administrator", &steps).await;

        let afresh = if after.database == before.database {
            Integration { new_database: true, ..after.clone() }
        } else {
            after.clone()
        };
        warehouse.run(&afresh, "administrator", &setup(&afresh)).await;
        assert_eq!(warehouse.catalog().await, changed);
        warehouse.run(&afresh, "administrator", &install::removal(&afresh, &everything, made_after).unwrap()).await;
    }
    warehouse.stop().await;
}
