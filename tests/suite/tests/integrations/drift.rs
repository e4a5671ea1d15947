//! Drift: each kind is made by hand, found, and repaired or reported within one run; the next run finds nothing.

use std::collections::BTreeMap;

use redoubt_aws::port::Queue;
use redoubt_core::{
    drift,
    record::{Kind, State},
};
use serde_json::{Value, json};

use super::{
    deployment::Deployment,
    lab::{ADMINISTRATOR, ELSEWHERE, Lab, integration},
    scene::{govern, is_governed, source, table},
};

/// Redoubt's own database.
const OWN: &str = "immuta";

/// Something done by hand, and what must come of it.
struct Case {
    kind: &'static str,
    /// Part of what it is about.
    object: &'static str,
    /// Statements of the administrator through the Data API, each in a database.
    by: &'static [(&'static str, &'static str)],
    /// What a person does who was told; none where Redoubt repairs.
    undo: &'static [(&'static str, &'static str)],
}

/// Repaired by Redoubt.
const fn repaired(kind: &'static str, object: &'static str, by: &'static [(&'static str, &'static str)]) -> Case {
    Case { kind, object, by, undo: &[] }
}

const CASES: &[Case] = &[
    repaired("view_dropped", "governed.people", &[(OWN, "DROP VIEW governed.people")]),
    repaired(
        "view_edited",
        "governed.people",
        &[(
            OWN,
            "CREATE OR REPLACE VIEW governed.people AS SELECT id, CAST(phone AS VARCHAR(15)) AS phone, \
             CAST(country AS VARCHAR(25)) AS country FROM dev.raw.people WITH NO SCHEMA BINDING",
        )],
    ),
    // Another shape, so that it can't be replaced.
    repaired(
        "view_edited",
        "governed.people",
        &[
            (OWN, "DROP VIEW governed.people"),
            (OWN, "CREATE VIEW governed.people AS SELECT 1 AS id, 'x' AS phone, 'FRANCE' AS country"),
            (OWN, "ALTER TABLE governed.people OWNER TO system"),
            (OWN, "GRANT SELECT ON governed.people TO PUBLIC"),
        ],
    ),
    repaired("view_reowned", "governed.people", &[(OWN, "ALTER TABLE governed.people OWNER TO mallory")]),
    repaired(
        "source_row_changed",
        "people",
        &[(OWN, "UPDATE immuta_system.data_source SET revision = 5000 WHERE source = 'people'")],
    ),
    repaired("source_row_changed", "people", &[(OWN, "DELETE FROM immuta_system.data_source WHERE source = 'people'")]),
    repaired(
        "policy_row_changed",
        "rules",
        &[(OWN, "UPDATE immuta_system.policy SET definition = '{}' WHERE policy = 'rules'")],
    ),
    repaired("policy_row_changed", "rules", &[(OWN, "DELETE FROM immuta_system.policy WHERE policy = 'rules'")]),
    repaired(
        "profile_changed",
        "eve",
        &[(
            OWN,
            "INSERT INTO immuta_system.profile_entitlement (immuta__userid, kind, value) VALUES ('eve', 'group', 'support')",
        )],
    ),
    repaired(
        "profile_changed",
        "ana",
        &[(
            OWN,
            "UPDATE immuta_system.profile_entitlement SET value = 'GERMANY' WHERE immuta__userid = 'ana' AND kind = 'attribute'",
        )],
    ),
    repaired("profile_changed", "bob", &[(OWN, "DELETE FROM immuta_system.profile WHERE immuta__userid = 'bob'")]),
    repaired(
        "profile_changed",
        "bob",
        &[(
            OWN,
            "UPDATE immuta_system.profile SET immuta__revision = immuta__revision + 700 WHERE immuta__userid = 'bob'",
        )],
    ),
    // Nothing that is said of Eve would ever be newer.
    repaired(
        "profile_changed",
        "eve",
        &[
            (
                OWN,
                "UPDATE immuta_system.profile SET immuta__revision = 9000000000000000000 WHERE immuta__userid = 'eve'",
            ),
            (
                OWN,
                "UPDATE immuta_system.profile_entitlement SET value = 'support' WHERE immuta__userid = 'eve' AND kind = 'group'",
            ),
        ],
    ),
    repaired(
        "profile_of_nobody",
        "mallory",
        &[
            (
                OWN,
                "INSERT INTO immuta_system.profile (immuta__userid, immuta__revision, active, updated_at) VALUES ('mallory', 1, TRUE, GETDATE())",
            ),
            (
                OWN,
                "INSERT INTO immuta_system.profile_entitlement (immuta__userid, kind, value) VALUES ('mallory', 'group', 'support')",
            ),
        ],
    ),
    repaired("object_grant", "immuta_system.profile", &[(OWN, "GRANT SELECT ON immuta_system.profile TO mallory")]),
    repaired(
        "object_grant",
        "immuta_system.masking_key",
        &[(OWN, "GRANT SELECT ON immuta_system.masking_key TO PUBLIC")],
    ),
    repaired("object_grant", "governed.people", &[(OWN, "GRANT DELETE ON governed.people TO ROLE crew")]),
    repaired("object_grant", "schema `immuta_system`", &[(OWN, "GRANT CREATE ON SCHEMA immuta_system TO mallory")]),
    repaired(
        "object_grant",
        "put_policy",
        &[(
            OWN,
            "GRANT EXECUTE ON PROCEDURE immuta_procedures.put_policy(varchar, bigint, varchar, varchar) TO mallory",
        )],
    ),
    Case {
        kind: "database_grant",
        object: "immuta",
        by: &[(OWN, "GRANT CREATE ON DATABASE immuta TO mallory")],
        undo: &[(OWN, "REVOKE CREATE ON DATABASE immuta FROM mallory")],
    },
    repaired(
        "schema_scoped_grant",
        "schema `immuta_system`",
        &[(OWN, "GRANT SELECT FOR TABLES IN SCHEMA immuta_system TO ROLE crew")],
    ),
    Case {
        kind: "schema_scoped_grant",
        object: "schema `raw`",
        by: &[(ELSEWHERE, "GRANT SELECT FOR TABLES IN SCHEMA raw TO mallory")],
        undo: &[(ELSEWHERE, "REVOKE SELECT FOR TABLES IN SCHEMA raw FROM mallory")],
    },
    Case {
        kind: "database_scoped_grant",
        object: "database `dev`",
        by: &[(ELSEWHERE, "GRANT SELECT FOR TABLES IN DATABASE dev TO mallory")],
        undo: &[(ELSEWHERE, "REVOKE SELECT FOR TABLES IN DATABASE dev FROM mallory")],
    },
    Case {
        kind: "database_scoped_grant",
        object: "database `immuta`",
        by: &[(OWN, "GRANT SELECT FOR TABLES IN DATABASE immuta TO ROLE crew")],
        undo: &[(OWN, "REVOKE SELECT FOR TABLES IN DATABASE immuta FROM ROLE crew")],
    },
    repaired(
        "default_privilege",
        "immuta_system",
        &[(OWN, "ALTER DEFAULT PRIVILEGES FOR USER system IN SCHEMA immuta_system GRANT SELECT ON TABLES TO mallory")],
    ),
    repaired(
        "default_privilege",
        "every schema",
        &[(OWN, "ALTER DEFAULT PRIVILEGES FOR USER system GRANT SELECT ON TABLES TO mallory")],
    ),
    Case {
        kind: "default_privilege",
        object: "schema `raw`",
        by: &[(ELSEWHERE, "ALTER DEFAULT PRIVILEGES IN SCHEMA raw GRANT SELECT ON TABLES TO mallory")],
        undo: &[(ELSEWHERE, "ALTER DEFAULT PRIVILEGES IN SCHEMA raw REVOKE SELECT ON TABLES FROM mallory")],
    },
    Case {
        kind: "frozen_view",
        object: "public.pin",
        by: &[(OWN, "CREATE VIEW public.pin AS SELECT * FROM governed.people")],
        undo: &[(OWN, "DROP VIEW public.pin")],
    },
    Case {
        kind: "raw_table_grant",
        object: "raw.people",
        by: &[(ELSEWHERE, "GRANT SELECT ON raw.people TO mallory")],
        undo: &[(ELSEWHERE, "REVOKE SELECT ON raw.people FROM mallory")],
    },
    Case {
        kind: "raw_table_grant",
        object: "raw.people",
        by: &[(ELSEWHERE, "GRANT SELECT ON raw.people TO PUBLIC")],
        undo: &[(ELSEWHERE, "REVOKE SELECT ON raw.people FROM PUBLIC")],
    },
    Case {
        kind: "raw_table_grant",
        object: "raw.people",
        by: &[(ELSEWHERE, "GRANT SELECT ON raw.people TO ROLE crew")],
        undo: &[(ELSEWHERE, "REVOKE SELECT ON raw.people FROM ROLE crew")],
    },
    Case {
        kind: "column_appeared",
        object: "salary",
        by: &[(ELSEWHERE, "ALTER TABLE raw.people ADD COLUMN salary integer")],
        undo: &[(ELSEWHERE, "ALTER TABLE raw.people DROP COLUMN salary")],
    },
    Case {
        kind: "column_vanished",
        object: "country",
        by: &[(ELSEWHERE, "ALTER TABLE raw.people RENAME COLUMN country TO land")],
        undo: &[(ELSEWHERE, "ALTER TABLE raw.people RENAME COLUMN land TO country")],
    },
    Case {
        kind: "column_retyped",
        object: "country",
        by: &[(ELSEWHERE, "ALTER TABLE raw.people ALTER COLUMN country TYPE varchar(40)")],
        undo: &[(ELSEWHERE, "ALTER TABLE raw.people ALTER COLUMN country TYPE varchar(25)")],
    },
    Case {
        kind: "table_vanished",
        object: "raw.people",
        by: &[(ELSEWHERE, "ALTER TABLE raw.people RENAME TO persons")],
        undo: &[(ELSEWHERE, "ALTER TABLE raw.persons RENAME TO people")],
    },
    Case {
        kind: "not_seen",
        object: "rights of others in database `dev`",
        by: &[(ELSEWHERE, "REVOKE ROLE sight FROM system")],
        undo: &[(ELSEWHERE, "GRANT ROLE sight TO system")],
    },
];

/// A governed warehouse whose system account sees the rights of others.
async fn begin(lab: &Lab) -> Deployment {
    let deployment = lab.sound_deployment();
    let status = deployment.integrate(&integration(json!({"mask": null}))).await;
    assert_eq!(status.state, State::Applied, "{status:?}");
    table(lab, ELSEWHERE, "system").await;
    govern(&deployment, source(ELSEWHERE, json!({}))).await;
    for sql in [
        "CREATE USER mallory PASSWORD DISABLE",
        "CREATE ROLE crew",
        "CREATE ROLE sight",
        "GRANT ACCESS SYSTEM TABLE TO ROLE sight",
        "GRANT ROLE sight TO system",
    ] {
        lab.data_api(ELSEWHERE, sql).await.unwrap();
    }
    is_governed(lab, OWN, "governed.people").await;
    deployment
}

async fn by_hand(lab: &Lab, statements: &[(&str, &str)]) {
    for (database, sql) in statements {
        lab.data_api(database, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

/// One run, and what it says it found.
async fn run(deployment: &Deployment, dry_run: bool) -> Vec<Value> {
    deployment.send(Queue::Reconcile, &json!({"type": "reconcile", "dry_run": dry_run})).await;
    assert!(deployment.serve(Queue::Reconcile).await);
    assert_eq!(deployment.dead_letters().len(), 0);
    let record = deployment.record(Kind::Installation, "wh").await;
    let drift = record.document().unwrap()["drift"].clone();
    assert_eq!((&drift["dry_run"], &drift["more"]), (&json!(dry_run), &json!(0)));
    drift["findings"].as_array().unwrap().clone()
}

/// Whether it is told in the status of the data source.
fn is_of_table(case: &Case) -> bool {
    case.kind.starts_with("column_") || ["table_vanished", "raw_table_grant"].contains(&case.kind)
}

/// What a case touches; two that touch the same are not made at once.
fn topic(case: &Case) -> &'static str {
    let says = |word: &str| case.by.iter().any(|(_, sql)| sql.contains(word));
    if case.kind == "not_seen" {
        "everything"
    } else if says("governed.people") || says("data_source") || is_of_table(case) && case.kind != "raw_table_grant" {
        // A view is not made anew while its table is another one.
        "view"
    } else if says("raw.people") {
        "table"
    } else {
        case.object
    }
}

/// The cases in rounds, each of which makes as many as don't disturb each other.
fn rounds() -> Vec<BTreeMap<&'static str, &'static Case>> {
    let mut rounds: Vec<BTreeMap<&str, &Case>> = Vec::new();
    for case in CASES {
        let topic = topic(case);
        let free = |round: &&mut BTreeMap<&str, &Case>| {
            topic != "everything" && !round.contains_key("everything") && !round.contains_key(topic)
        };
        match rounds.iter_mut().find(free) {
            Some(round) => _ = round.insert(topic, case),
            None => rounds.push(BTreeMap::from([(topic, case)])),
        }
    }
    rounds
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_is_found_and_repaired_or_reported_within_one_run() {
    let lab = Lab::start().await;
    let deployment = begin(&lab).await;
    assert_eq!(run(&deployment, false).await, [] as [Value; 0], "a warehouse that nobody touched");
    for round in rounds() {
        for case in round.values() {
            by_hand(&lab, case.by).await;
        }
        // A column with another name is one that vanished and one that appeared; who sees nothing sees nothing of both databases.
        let double = round.values().filter(|case| ["column_vanished", "not_seen"].contains(&case.kind)).count();
        let expected = round.len() + double;
        let before = lab.catalog().await;
        let found = run(&deployment, true).await;
        assert_eq!(found.len(), expected, "{found:#?}");
        assert!(found.iter().all(|finding| finding["then"] == "reported"), "a dry run: {found:#?}");
        let idle = [Queue::DataSource, Queue::User, Queue::Policy].map(|queue| deployment.app.queues.len(queue));
        assert_eq!(idle, [0; 3], "a dry run");
        assert_eq!(lab.catalog().await, before, "a dry run");
        assert_eq!(deployment.reason(Kind::DataSource, "people", State::Applied).await, "", "a dry run");

        let found = run(&deployment, false).await;
        assert_eq!(found.len(), expected, "{found:#?}");
        for case in round.values() {
            let told = format!("{} of {}", case.kind, case.object);
            let is_it = |finding: &&Value| {
                finding["kind"] == case.kind && finding["object"].as_str().unwrap().contains(case.object)
            };
            let finding = found.iter().find(is_it).unwrap_or_else(|| panic!("{told}: found {found:#?}"));
            let then = finding["then"].as_str().unwrap();
            let repairs = case.undo.is_empty();
            assert_eq!(repairs, ["rendering", "repaired"].contains(&then), "{told}: {finding:#}");
            assert_eq!(!repairs, then == "reported", "{told}: {finding:#}");
            // One whose revision was raised is told once that is in force.
            let raised = round.get("view").is_some_and(|case| case.kind == "source_row_changed");
            if is_of_table(case) && !raised {
                let reason = deployment.reason(Kind::DataSource, "people", State::Applied).await;
                assert!(reason.starts_with("drift: ") && reason.contains(case.kind), "{told}: {reason}");
            }
        }
        deployment.settle().await;
        for case in round.values() {
            by_hand(&lab, case.undo).await;
        }
        assert_eq!(run(&deployment, false).await, [] as [Value; 0], "afterwards");
        assert_eq!(deployment.reason(Kind::DataSource, "people", State::Applied).await, "", "afterwards");
        is_governed(&lab, OWN, "governed.people").await;
    }
    lab.stop().await;
}

/// What is made past the Data API, which knows no materialized views.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_keeps_rows_of_a_policy_view_is_reported_and_what_follows_it_is_not() {
    let lab = Lab::start().await;
    let deployment = begin(&lab).await;
    by_hand(&lab, &[(OWN, "CREATE VIEW public.late AS SELECT id FROM governed.people WITH NO SCHEMA BINDING")]).await;
    assert_eq!(run(&deployment, false).await, [] as [Value; 0], "it reads the policy view each time");
    let administrator = lab.session(ADMINISTRATOR, OWN).await;
    administrator.run("CREATE MATERIALIZED VIEW public.kept AS SELECT id FROM governed.people").await.unwrap();
    let found = run(&deployment, false).await;
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!((&found[0]["kind"], &found[0]["object"]), (&json!("frozen_view"), &json!("view `public.kept`")));
    lab.stop().await;
}

#[test]
fn every_kind_of_drift_is_made_by_hand() {
    for kind in drift::Kind::ALL {
        let cases: Vec<&Case> = CASES.iter().filter(|case| case.kind == kind.as_str()).collect();
        let repaired = cases.iter().filter(|case| case.undo.is_empty()).count();
        let expected = match kind.treatment() {
            drift::Treatment::Repaired => repaired > 0 && repaired == cases.len(),
            drift::Treatment::RepairedWhereOwn => repaired > 0 && repaired < cases.len(),
            drift::Treatment::Reported => repaired == 0 && !cases.is_empty(),
        };
        assert!(expected, "{kind}: {} cases, {repaired} of them repaired", cases.len());
    }
}

/// The table of kinds in `docs/reconcile.md` is the list in the code.
#[test]
fn every_kind_of_drift_is_documented() {
    let text = include_str!("../../../../docs/reconcile.md");
    let (_, rest) = text.split_once("## Kinds of drift").unwrap();
    let (table, _) = rest.split_once("\n\nSuperusers").unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let documented: Vec<(&str, &str)> = rows
        .map(|row| {
            let cells: Vec<&str> = row.split(" | ").collect();
            (cells[0].trim_end_matches('`'), cells[2].trim_end_matches(" |"))
        })
        .collect();
    let listed = drift::Kind::ALL.map(|kind| (kind.as_str(), kind.treatment().as_str()));
    assert_eq!(documented, listed);
}
