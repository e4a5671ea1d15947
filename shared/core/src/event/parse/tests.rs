use proptest::prelude::*;
use serde_json::json;

use super::super::strategies;
use super::super::wire::Versioned;
use super::*;

fn refusal(body: &str) -> String {
    parse(body).unwrap_err().to_string()
}

#[test]
fn a_raw_event_is_read() {
    let incoming = parse(r#"{"type": "policy.deleted", "id": "p", "version": 3}"#).unwrap();
    assert_eq!(incoming.event, Event::PolicyDeleted(Versioned { id: "p".to_owned(), version: 3 }));
    assert_eq!(incoming.envelope_id, None);
    assert_eq!(incoming.event.type_name(), "policy.deleted");
}

#[test]
fn an_event_is_taken_out_of_its_envelope() {
    let deleted = Event::PolicyDeleted(Versioned { id: "p".to_owned(), version: 3 });
    let with_type = json!({"type": "policy.deleted", "id": "p", "version": 3});
    let without_type = json!({"id": "p", "version": 3});
    for detail in [with_type, without_type] {
        let envelope = json!({
            "version": "0", "id": "e-1", "detail-type": "policy.deleted", "source": "catalog", "detail": detail
        });
        let incoming = parse(&envelope.to_string()).unwrap();
        assert_eq!(
            incoming,
            Incoming {
                event: deleted.clone(),
                envelope_id: Some("e-1".to_owned()),
                enveloped: true,
                correlation_id: None
            }
        );
    }
}

#[test]
fn an_event_is_called_by_its_producer_or_by_its_envelope() {
    let label = |body: Value| parse(&body.to_string()).unwrap().label().map(|id| id.to_string());
    let mut event = json!({"type": "policy.deleted", "id": "p", "version": 3});
    let around = |event: &Value, id: &str| json!({"id": id, "detail-type": "policy.deleted", "detail": event});
    assert_eq!(label(event.clone()), None);
    assert_eq!(label(around(&event, "e-1")).as_deref(), Some("e-1"));
    assert_eq!(label(around(&event, "not a name")), None, "what can't stand in a log is no name, and harms nobody");
    event["correlation_id"] = json!("change-7");
    assert_eq!(label(event.clone()).as_deref(), Some("change-7"));
    assert_eq!(label(around(&event, "e-1")).as_deref(), Some("change-7"));
    event["correlation_id"] = json!("two words");
    assert_eq!(
        refusal(&event.to_string()),
        "`correlation_id`: found the string `two words`, expected 1 to 128 letters, digits and characters of `._:/+=@#-`"
    );
}

#[test]
fn a_labelled_event_is_read_with_its_label() {
    let event = Event::PolicyDeleted(Versioned { id: "p".to_owned(), version: 3 });
    let id = CorrelationId::new("change-7").unwrap();
    let incoming = parse(&event.labelled(Some(&id)).unwrap().to_string()).unwrap();
    assert_eq!(
        incoming,
        Incoming { event: event.clone(), envelope_id: None, enveloped: false, correlation_id: Some(id) }
    );
    assert_eq!(event.labelled(None).unwrap(), serde_json::to_value(&event).unwrap());
}

#[test]
fn an_envelope_that_contradicts_its_event_is_refused() {
    let body = r#"{"detail-type": "policy.enabled", "detail": {"type": "policy.deleted", "id": "p", "version": 3}}"#;
    assert_eq!(refusal(body), "`type`: found the string `policy.deleted`, expected the same as in `detail-type`");
}

#[test]
fn faults_of_an_envelope_are_named() {
    assert_eq!(
        refusal(r#"{"detail": [], "id": 7}"#),
        "`detail-type`: found nothing, expected a string; \
         `id`: found the number `7`, expected a string; \
         `detail`: found a list, expected an object"
    );
    assert_eq!(refusal(r#"{"detail-type": "policy.deleted"}"#), "`detail`: found nothing, expected an object");
    assert_eq!(
        refusal(
            r#"{"detail-type": "policy.deleted\u0000", "detail": {"type": "policy.deleted", "id": "p", "version": 1}}"#
        ),
        "`detail-type`: found a NUL character, expected a string"
    );
}

#[test]
fn paths_are_those_inside_the_event() {
    let event = r#"{"type": "policy.deleted", "id": "a", "id": "b\u0000", "version": -1, "nmae\u0000": 1}"#;
    let faults = "`id`: found the field again, expected each field once; \
                  `[\"nmae\\0\"]`: found a NUL character, expected text without NUL; \
                  `[\"nmae\\0\"]`: found a field, expected no such field; \
                  `version`: found the number `-1`, expected a whole number from 0 to 18446744073709551615";
    assert_eq!(refusal(event), faults);
    assert_eq!(refusal(&format!(r#"{{"detail-type": "policy.deleted", "detail": {event}}}"#)), faults);
}

#[test]
fn a_field_that_stands_twice_is_refused_though_the_rest_is_right() {
    assert_eq!(
        refusal(r#"{"type": "policy.deleted", "id": "a", "version": 1, "version": 2}"#),
        "`version`: found the field again, expected each field once"
    );
}

#[test]
fn nul_is_refused_wherever_it_stands() {
    let user = json!({
        "type": "user.attributes_changed", "id": "u\0", "version": 1, "attributes": {"a": ["ok", "x\0y"]}
    });
    assert_eq!(
        refusal(&user.to_string()),
        "`attributes.a[1]`: found a NUL character, expected text without NUL; \
         `id`: found a NUL character, expected text without NUL"
    );
}

#[test]
fn other_bodies_are_refused() {
    assert!(refusal("not json").starts_with("`$`: found text that is not JSON (expected ident at line 1 column 2)"));
    assert_eq!(refusal("[]"), "`$`: found a list, expected an object with the field `type`");
    let sweep = refusal(r#"{"type": "sweep"}"#);
    assert!(sweep.starts_with("`type`: found the string `sweep`, expected one of `policy.created`, "), "{sweep}");
}

#[test]
fn a_document_alone_is_checked_like_one_in_an_event() {
    let user: UserDocument =
        document(json!({"id": "u", "version": 1, "database_user": "Ada", "groups": ["a"]})).unwrap();
    assert_eq!(user.groups, Some(vec!["a".to_owned()]));
    let refusal = document::<UserDocument>(json!({"id": "u", "version": "1", "databaseUser": "Ada\0"})).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "`user.databaseUser`: found a NUL character, expected text without NUL; \
         `user.database_user`: found nothing, expected a string; \
         `user.databaseUser`: found a field, expected no such field (did you mean `database_user`?); \
         `user.version`: found the string `1`, expected a whole number from 0 to 18446744073709551615"
    );
    let refusal = document::<PolicyDocument>(json!(null)).unwrap_err();
    assert_eq!(refusal.to_string(), "`policy`: found null, expected an object");
}

#[test]
fn every_document_has_a_definition() {
    fn missing<T: Document + std::fmt::Debug>() -> String {
        document::<T>(json!(1)).unwrap_err().to_string()
    }
    assert_eq!(missing::<PolicyDocument>(), "`policy`: found the number `1`, expected an object");
    assert_eq!(missing::<DataSourceDocument>(), "`data_source`: found the number `1`, expected an object");
    assert_eq!(missing::<UserDocument>(), "`user`: found the number `1`, expected an object");
    assert_eq!(missing::<ProjectDocument>(), "`project`: found the number `1`, expected an object");
    assert_eq!(missing::<IntegrationDocument>(), "`integration`: found the number `1`, expected an object");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn what_was_written_is_read(event in strategies::event()) {
        let body = serde_json::to_string(&event).unwrap();
        prop_assert_eq!(parse(&body).map(|incoming| incoming.event), Ok(event.clone()));

        let mut detail = serde_json::to_value(&event).unwrap();
        detail.as_object_mut().unwrap().remove("type");
        let envelope = json!({"id": "e", "detail-type": event.type_name(), "detail": detail});
        let expected = Incoming { event, envelope_id: Some("e".to_owned()), enveloped: true, correlation_id: None };
        prop_assert_eq!(parse(&envelope.to_string()), Ok(expected));
    }

    #[test]
    fn any_text_is_read_or_refused(body in any::<String>()) {
        prop_assert!(parse(&body).is_err());
    }

    #[test]
    fn any_cut_of_an_event_is_refused(event in strategies::event(), cut in any::<prop::sample::Index>()) {
        let body = serde_json::to_string(&event).unwrap();
        let cut = cut.index(body.chars().count());
        let body: String = body.chars().take(cut).collect();
        let faults = parse(&body).unwrap_err();
        prop_assert_eq!(faults.iter().map(|fault| fault.path.as_str()).collect::<Vec<_>>(), ["$"]);
    }
}
