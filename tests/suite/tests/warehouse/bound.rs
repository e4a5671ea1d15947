//! Views that are bound to their tables.

use redoubt_core::{
    record::State,
    render::view::{self, Application, Revision},
};
use redoubt_tests::case::Case;
use serde_json::json;

use crate::{
    people::begin,
    stand::{Warehouse, integration, with},
};

fn case(binding: &str, columns: &[&str]) -> Case {
    let columns: Vec<_> = columns.iter().map(|name| json!({"name": name, "type": "bigint"})).collect();
    let documents = json!({
        "integration": integration(false),
        "data_sources": [{"id": "bound", "database": "dev", "schema": "raw", "table": "orders", "view": "bound",
                          "binding": binding, "columns": columns}],
        "policies": [{"id": "open", "subscription": {"level": "anyone"}}],
    });
    Case::parse("bound", &documents.to_string()).unwrap()
}

/// The view's identity in the catalog: another one where it was dropped and made again.
const WHICH: &str = "SELECT 'governed.bound'::regclass::oid";

async fn apply(warehouse: &Warehouse, case: &Case) -> Option<String> {
    let (source, view) = &case.views()[0];
    let revision = Revision { source: &source.id, revision: warehouse.next(), claim: 1 };
    let Application::Call(call) = view::apply(view, &case.place(source), revision) else { panic!("a long view") };
    warehouse.system(&[call]).await
}

#[test]
fn a_view_whose_binding_changes_is_made_anew_and_read_by_the_same() {
    with(async |warehouse| {
        begin(warehouse, false).await;
        warehouse.apply(&case("late", &["id"])).await;
        let ada = warehouse.session("ada").await;
        let late = ada.see(WHICH).await;
        assert_eq!(apply(warehouse, &case("late", &["id"])).await, None);
        assert_eq!(ada.see(WHICH).await, late, "replaced");
        assert_eq!(apply(warehouse, &case("bound", &["id"])).await, None);
        let bound = ada.see(WHICH).await;
        assert_ne!(bound, late);
        assert_eq!(ada.see("SELECT id FROM governed.bound ORDER BY id").await, "1\n2\n3");
        // The table's owner is told.
        let dropped = warehouse.session("root").await.see("DROP TABLE raw.orders").await;
        assert!(dropped.contains("cannot drop table raw.orders because other objects depend on it"), "{dropped}");
        assert_eq!(apply(warehouse, &case("late", &["id"])).await, None);
        assert_ne!(ada.see(WHICH).await, bound);
    });
}

/// Whoever may read a view may make one of it, and would keep an old policy in force if that stopped a withdrawal.
#[test]
fn views_of_readers_keep_no_policy_view_in_force() {
    with(async |warehouse| {
        begin(warehouse, false).await;
        warehouse.apply(&case("bound", &["id"])).await;
        let mallory = warehouse.session("mallory").await;
        let pin = "CREATE VIEW public.pin AS SELECT * FROM governed.bound";
        mallory.run(pin).await;
        let wide = case("bound", &["id", "id2"]);
        warehouse.administer("ALTER TABLE raw.orders ADD COLUMN id2 bigint").await;
        assert_eq!(apply(warehouse, &wide).await, None, "another shape");
        assert_eq!(mallory.see("SELECT count(*), count(id2) FROM governed.bound").await, "3|0");
        assert!(mallory.see("SELECT * FROM public.pin").await.starts_with("ERROR: relation"));
        mallory.run(pin).await;
        let source = &wide.sources[0].id;
        let revision = Revision { source, revision: warehouse.next(), claim: 0 };
        let withdrawal = view::withdraw(&wide.integration.names, revision, State::Disabled, None);
        assert_eq!(warehouse.system(&[withdrawal]).await, None);
        for view in ["governed.bound", "public.pin"] {
            let seen = mallory.see(&format!("SELECT * FROM {view}")).await;
            assert!(seen.starts_with("ERROR: relation"), "{seen}");
        }
    });
}
