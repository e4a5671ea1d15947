//! Attacks by ordinary accounts of the warehouse on the local stack: each invariant of the enforcement, over PostgreSQL's own
//! port, against what the deployed functions put there.
//!
//! The warehouse is played by PostgreSQL, whose planner is not Redshift's. What that changes is said where it does.

mod functions;
mod identity;
mod inference;
mod rights;
mod secrets;
mod strings;
mod tampering;

use redoubt_tests::stack::{Scene, Session, StackError};
use serde_json::{Value, json};

/// What an attacker has to begin with: `mallory`, registered, in group `staff`, with the country FRANCE. Of `people` she may see
/// the rows of her country, the phone number masked, the name hashed, and the balance not at all.
pub struct Target {
    /// The stack.
    pub scene: Scene,
    /// The attacker's session.
    pub mallory: Session,
    /// The view attacked.
    pub view: String,
}

/// What `mallory` sees by the query of [`Target::query`].
pub const ALLOWED: &str = "1|********0001|NULL|FRANCE\n3|********0003|NULL|FRANCE";

impl Target {
    /// Sets the table up and waits until it is protected.
    pub async fn begin(name: &str) -> Result<Self, StackError> {
        let scene = Scene::begin(name).await?;
        let source = scene.people().await?;
        let mallory = scene.account("mallory").await?;
        scene.send(&[source, scene.user("mallory", 1, &["staff"], json!({"country": ["FRANCE"]}))]).await?;
        scene.send(&policies(&scene)).await?;
        let view = scene.view("people");
        let target = Self { scene, mallory, view };
        target.mallory.until(&target.query(), ALLOWED).await?;
        Ok(target)
    }

    /// The query that shows all there is to see.
    pub fn query(&self) -> String {
        format!("SELECT id, phone, balance, country FROM {} ORDER BY id", self.view)
    }
}

fn policies(scene: &Scene) -> [Value; 2] {
    [
        scene.subscription("readers", 1, json!({"level": "entitlement", "condition": {"group": "staff"}})),
        scene.rules(
            "rules",
            1,
            json!([
                {"mask": {"columns": {"tag": scene.tag("phone")}, "using": {"kind": "show", "last": 4},
                          "except": {"group": "support"}}},
                {"mask": {"columns": {"tag": scene.tag("name")}, "using": {"kind": "hash"}, "except": {"group": "support"}}},
                {"mask": {"columns": {"tag": scene.tag("balance")}, "using": {"kind": "null"},
                          "except": {"attribute": {"name": "clearance", "values": ["high"]}}}},
                {"rows": {"only": {"match": {"attribute": {"name": "country", "column": {"name": "country"}}}},
                          "except": {"group": "support"}}},
            ]),
        ),
    ]
}
