//! Two warehouses in one deployment, on the local stack: one is away in the middle of a burst of events, the other goes on; then
//! both are the same. It runs alone, since users' profiles go to all warehouses.

mod drift;

use redoubt_aws::port::Store;
use redoubt_core::record::{Kind, State};
use redoubt_tests::stack::{Function, SECOND, SECOND_DATABASE, Scene, Session, StackError, Workgroup, ident, wait};
use serde_json::{Value, json};

/// Users that come and change during the burst.
const USERS: usize = 60;

/// A version that is newer than any of an earlier run.
fn now() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    now.as_secs()
}

/// What a warehouse knows of the test's users, revisions apart: those count what was tried.
async fn profiles(session: &Session, prefix: &str) -> String {
    session
        .see(&format!(
            "SELECT p.immuta__userid, p.active, p.project, e.kind, e.name, e.value FROM immuta_system.profile p \
             LEFT JOIN immuta_system.profile_entitlement e ON e.immuta__userid = p.immuta__userid \
             WHERE p.immuta__userid LIKE '{prefix}%' ORDER BY 1, 4, 5, 6"
        ))
        .await
}

async fn system(scene: &Scene, workgroup: Workgroup) -> Result<Session, StackError> {
    let database = if workgroup == Workgroup::First { &scene.warehouse.database } else { SECOND_DATABASE };
    Session::open_on(&scene.stack.settings, workgroup, &scene.warehouse.system_user, database).await
}

#[tokio::test]
async fn one_is_away_in_the_middle_of_a_burst_and_catches_up() -> Result<(), StackError> {
    let scene = Scene::begin("several").await?;
    let stack = &scene.stack;
    let _second = stack.second().await?;
    let version = now();
    stack.send(&[stack.second_integration(version).await?]).await?;
    stack.status(Kind::Integration, SECOND, State::Applied).await?;

    // A table on each, and a person who may see part of both.
    scene.people_on_second().await?;
    let near_source = scene.people().await?;
    let mut far_source = near_source.clone();
    for (name, value) in [("id", scene.name("far")), ("host", stack.settings.host(Workgroup::Second).to_owned())] {
        let Some(field) = far_source.pointer_mut(&format!("/data_source/{name}")) else { panic!("no {name}") };
        *field = json!(value);
    }
    let user = |number: usize, version: u64, countries: Value| {
        scene.user(&format!("u{number}"), version, &["staff"], json!({"country": countries}))
    };
    let near_ada = scene.account("u0").await?;
    let account = ident(&scene.name("u0"));
    stack
        .administrator_on(Workgroup::Second, SECOND_DATABASE)
        .await?
        .run(&format!("CREATE ROLE {account} LOGIN"))
        .await?;
    let far_ada = Session::open_on(&stack.settings, Workgroup::Second, &scene.name("u0"), SECOND_DATABASE).await?;
    scene
        .send(&[
            near_source,
            far_source,
            scene.subscription("readers", 1, json!({"level": "entitlement", "condition": {"group": "staff"}})),
            scene.rules(
                "rows",
                1,
                json!([{"rows": {"only": {"match": {"attribute": {"name": "country", "column": {"name": "country"}}}}}}]),
            ),
        ])
        .await?;
    let first_half: Vec<Value> = (0..USERS).map(|number| user(number, 1, json!(["FRANCE"]))).collect();
    scene.send(&first_half).await?;
    let query = format!("SELECT id FROM {} ORDER BY id", scene.view("people"));
    near_ada.until(&query, "1\n3").await?;
    far_ada.until(&query, "1\n3").await?;

    // In the middle of the second half of the burst the second warehouse goes away.
    let second_half: Vec<Value> = (0..USERS).map(|number| user(number, 2, json!(["GERMANY"]))).collect();
    let (before, after) = second_half.split_at(USERS / 2);
    scene.send(before).await?;
    stack.stop_warehouse(Workgroup::Second).await?;
    scene.send(after).await?;
    scene
        .send(&[
            user(0, 3, json!(["SPAIN"])),
            scene.rules(
                "phones",
                1,
                json!([{"mask": {"columns": {"tag": scene.tag("phone")}, "using": {"kind": "null"}}}]),
            ),
        ])
        .await?;
    near_ada.until(&query, "4").await?;
    let phone = format!("SELECT phone FROM {}", scene.view("people"));
    near_ada.until(&phone, "NULL").await?;
    // What is for the one that is away waits, and says for what.
    let place = format!("{SECOND}/{SECOND_DATABASE}");
    for (kind, id) in [(Kind::User, scene.name("u0")), (Kind::DataSource, scene.name("far"))] {
        wait::until(
            || format!("{kind} `{id}` waits for the warehouse"),
            async || {
                let record = stack.record(kind, &id).await?;
                let status = record.and_then(|record| record.status_in(&place).cloned());
                Ok(match &status {
                    Some(status) if status.state == State::Pending => match &status.reason {
                        Some(reason) if reason.starts_with("the warehouse does not answer") => Ok(()),
                        _ => Err(format!("{status:?}")),
                    },
                    _ => Err(format!("{status:?}")),
                })
            },
        )
        .await?;
    }
    let record = stack.record(Kind::DataSource, &scene.name("people")).await?;
    let near = record.and_then(|record| record.status());
    assert!(near.as_ref().is_some_and(|status| status.state == State::Applied), "{near:?}");

    // Back again, it is found by the schedule, and gets what waited.
    stack.start_warehouse(Workgroup::Second).await?;
    stack.send_bodies(Function::Reconcile, &[r#"{"type":"sweep"}"#.to_owned()]).await?;
    let far_ada = Session::open_on(&stack.settings, Workgroup::Second, &scene.name("u0"), SECOND_DATABASE).await?;
    far_ada.until(&query, "4").await?;
    far_ada.until(&phone, "NULL").await?;
    let (near, far) = (system(&scene, Workgroup::First).await?, system(&scene, Workgroup::Second).await?);
    wait::until(
        || "both warehouses know the same of all users".to_owned(),
        async || {
            let (near, far) = (profiles(&near, &scene.prefix).await, profiles(&far, &scene.prefix).await);
            let lines = near.lines().count();
            Ok(if near == far && lines >= USERS { Ok(()) } else { Err(format!("{lines} lines\n{near}\n---\n{far}")) })
        },
    )
    .await?;
    for record in stack.store.list(Kind::User).await?.into_iter().filter(|record| record.id.starts_with(&scene.prefix))
    {
        stack.status(Kind::User, &record.id, State::Applied).await?;
    }

    // Left, it has nothing of Redoubt's any more; what the administrator gave comes back first. A database in use stays until it is
    // not.
    drop((far, far_ada));
    scene.leave_second(version + 1).await?;
    let reason = stack.unhealthy(Kind::DataSource, &scene.name("far")).await?;
    assert!(reason.contains("expected the host of an integration"), "{reason}");
    Ok(())
}
