//! What an operator reads of data sources.

use redoubt_core::{
    record::State,
    render::view::{self, Revision},
};

use crate::{people::begin, stand::with};

#[test]
fn each_data_source_says_how_it_fares() {
    with(async |warehouse| {
        let case = begin(warehouse, false).await;
        let names = &case.integration.names;
        let operator = warehouse.session("dora").await;
        let health = "SELECT source, state, reason, view_schema, view_name FROM immuta_system.data_source_health ORDER BY source";
        let refused = "ERROR: permission denied for view data_source_health";
        assert_eq!(operator.see(health).await, refused);
        warehouse.administer("GRANT SELECT ON immuta_system.data_source_health TO dora").await;
        let applied = |source: &str| format!("{source}|applied|NULL|governed|{source}");
        assert_eq!(operator.see(health).await, ["notes", "orders", "people"].map(applied).join("\n"));

        let reason = "the column's type, \\ and \u{e9}";
        for (place, state, reason) in [(0, State::Unhealthy, Some(reason)), (1, State::Disabled, None)] {
            let source = &case.sources[place].id;
            let revision = Revision { source, revision: warehouse.next(), claim: 0 };
            assert_eq!(warehouse.system(&[view::withdraw(names, revision, state, reason)]).await, None);
            // What comes late changes nothing.
            let late = Revision { revision: 1, ..revision };
            assert_eq!(warehouse.system(&[view::withdraw(names, late, State::Withdrawn, None)]).await, None);
        }
        let seed = redoubt_core::sql::Text::new("5eed").unwrap();
        let fresh = redoubt_core::model::Id::check("id", "fresh").unwrap();
        assert_eq!(warehouse.system(&[view::prepare(names, &fresh, &seed)]).await, None);
        let expected = [
            "fresh|pending|NULL|NULL|NULL".to_owned(),
            "notes|disabled|NULL|NULL|NULL".to_owned(),
            applied("orders"),
            format!("people|unhealthy|{reason}|NULL|NULL"),
        ];
        assert_eq!(operator.see(health).await, expected.join("\n"));

        // Nothing enforces keys: older rows, rows stored twice, and sources that claim the same view.
        warehouse
            .administer(
                "INSERT INTO immuta_system.data_source SELECT * FROM immuta_system.data_source; \
                 INSERT INTO immuta_system.data_source SELECT source, revision - 1, claim, fingerprint, shape, definition_digest, \
                 view_schema, 'older', 'withdrawn', 'older', updated_at FROM immuta_system.data_source; \
                 INSERT INTO immuta_system.data_source SELECT * FROM immuta_system.data_source",
            )
            .await;
        assert_eq!(operator.see(health).await, expected.join("\n"));
        let rows = "SELECT count(*) FROM immuta_system.data_source";
        assert_eq!(warehouse.session("root").await.see(rows).await, "32");
    });
}

#[test]
fn who_loses_the_name_of_its_view_does_not_look_applied() {
    with(async |warehouse| {
        let case = begin(warehouse, false).await;
        let (loser, winner) = (&case.sources[0], &case.sources[1]);
        let place = view::Place { view: &loser.view, ..case.place(winner) };
        let revision = Revision { source: &winner.id, revision: warehouse.next(), claim: 2 };
        let plan = case.plans().remove(1).2.unwrap();
        let view::Application::Call(call) = view::apply(&view::view(&plan, &place), &place, revision) else {
            panic!("a long view")
        };
        assert_eq!(warehouse.system(&[call]).await, None);
        let health = "SELECT source, state, reason, view_name FROM immuta_system.data_source_health \
                      WHERE source <> 'orders' ORDER BY source";
        assert_eq!(
            warehouse.session("root").await.see(health).await,
            "notes|applied|NULL|people\npeople|withdrawn|another data source took the name of its view|NULL"
        );
    });
}
