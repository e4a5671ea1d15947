use serde_json::json;

use super::*;

fn faults(root: Root<'_>, value: &Value) -> Vec<String> {
    check(root, value, Path::Root).iter().map(ToString::to_string).collect()
}

fn in_event(value: Value) -> Vec<String> {
    faults(Root::Event, &value)
}

fn in_mask(value: Value) -> Vec<String> {
    faults(Root::Definition("Mask"), &value)
}

#[test]
fn the_built_in_schema_is_understood() {
    let schema = SCHEMA.as_ref().unwrap();
    let Shape::Tagged { tag, variants } = &schema.event else { panic!("{:?}", schema.event) };
    assert_eq!(tag, "type");
    let types: Vec<&str> = variants.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(types, super::super::wire::Event::TYPES);
}

#[test]
fn every_fault_of_a_policy_is_named() {
    let event = json!({
        "type": "policy.created",
        "polcy": 1,
        "policy": {
            "id": 7,
            "version": "1",
            "createdAt": "2026-03-02T09:30:00Z",
            "status": "activ",
            "scope": "everything",
            "guardrail": null,
            "rules": [
                {"mask": {"columns": {"tag": "pii"}, "using": {"kind": "hsah"}}},
                {"mask": {"columns": "c_phone", "using": {"kind": "show", "lst": 4, "first": 1.5}}},
                {"row": {}},
                {"rows": {"only": "al"}},
                {"rows": {"only": {"match": {"attribute": {"name": "country"}}}}}
            ]
        }
    });
    assert_eq!(
        in_event(event),
        [
            "`polcy`: found a field, expected no such field",
            "`policy.name`: found nothing, expected a string",
            "`policy.created_at`: found nothing, expected a string",
            "`policy.createdAt`: found a field, expected no such field (did you mean `created_at`?)",
            "`policy.guardrail`: found null, expected `true` or `false`",
            "`policy.id`: found the number `7`, expected a string",
            "`policy.rules[0].mask.using.kind`: found the string `hsah`, expected one of `clear`, `null`, `constant`, \
             `hash`, `round`, `show`, `custom`, `regex`, `reversible`, `format_preserving`, `randomized_response` (did you mean \
             `hash`?)",
            "`policy.rules[1].mask.columns`: found the string `c_phone`, expected one of `untagged`, `all`, or an \
             object with exactly one of `name`, `name_regex`, `tag`",
            "`policy.rules[1].mask.using.first`: found the number `1.5`, expected a whole number from 0 to 4294967295 or \
             null",
            "`policy.rules[1].mask.using.lst`: found a field, expected no such field (did you mean `last`?)",
            "`policy.rules[2].row`: found a field, expected one of `mask`, `rows` (did you mean `rows`?)",
            "`policy.rules[3].rows.only`: found the string `al`, expected one of `all`, `none`, or an object with exactly \
             one of `match`, `purposes`, `sample`, `time_window`, `where` or null (did you mean `all`?)",
            "`policy.rules[4].rows.only.match.attribute.column`: found nothing, expected one of `untagged`, \
             `all`, or an object with exactly one of `name`, `name_regex`, `tag`",
            "`policy.scope`: found the string `everything`, expected `all`, or an object with exactly one of \
             `data_sources`, `tags`",
            "`policy.status`: found the string `activ`, expected one of `active`, `staged`, `disabled` (did you mean \
             `active`?)",
            "`policy.version`: found the string `1`, expected a whole number from 0 to 18446744073709551615",
        ]
    );
}

#[test]
fn an_event_needs_a_known_type() {
    let one_of_types = format!("one of {}", describe::names(super::super::wire::Event::TYPES));
    assert_eq!(in_event(json!({"id": "a"})), [format!("`type`: found nothing, expected {one_of_types}")]);
    assert_eq!(
        in_event(json!({"type": "polcy.created"})),
        [format!("`type`: found the string `polcy.created`, expected {one_of_types} (did you mean `policy.created`?)")]
    );
    assert_eq!(
        in_event(json!({"type": ["policy.created"]})),
        [format!("`type`: found a list, expected {one_of_types}")]
    );
    for (value, found) in [(json!([]), "a list"), (json!("x"), "the string `x`"), (json!(null), "null")] {
        assert_eq!(in_event(value), [format!("`$`: found {found}, expected an object with the field `type`")]);
    }
}

#[test]
fn versions_are_whole_numbers() {
    let version = |version: Value| in_event(json!({"type": "policy.deleted", "id": "a", "version": version}));
    for good in [json!(0), json!(1), json!(u64::MAX)] {
        assert!(version(good).is_empty());
    }
    let cases = [
        (json!(-1), "the number `-1`"),
        (json!(1.5), "the number `1.5`"),
        (json!(1.0), "the number `1.0`"),
        (serde_json::from_str("18446744073709551616").unwrap(), "the number `1.8446744073709552e+19`"),
        (json!("1"), "the string `1`"),
        (json!(null), "null"),
        (json!(true), "`true`"),
        (json!([1]), "a list"),
    ];
    for (bad, found) in cases {
        let expected = format!("`version`: found {found}, expected a whole number from 0 to 18446744073709551615");
        assert_eq!(version(bad), [expected]);
    }
}

#[test]
fn small_numbers_have_their_own_limit() {
    let refresh = |attempt: u64| in_event(json!({"type": "user.refresh", "ids": ["u"], "attempt": attempt}));
    assert!(refresh(4_294_967_295).is_empty());
    assert_eq!(
        refresh(4_294_967_296),
        ["`attempt`: found the number `4294967296`, expected a whole number from 0 to 4294967295"]
    );
}

#[test]
fn what_may_be_absent_may_be_null() {
    assert!(in_mask(json!({"kind": "show", "first": null, "last": 4})).is_empty());
    assert!(in_mask(json!({"kind": "round", "unit": null, "bucket": null})).is_empty());
    assert_eq!(
        in_mask(json!({"kind": "round", "unit": "weak"})),
        ["`unit`: found the string `weak`, expected one of `hour`, `day`, `week`, `month`, `quarter`, `year` or null \
          (did you mean `week`?)"]
    );
}

#[test]
fn constants_may_be_anything_but_absent() {
    for value in [json!(null), json!(1), json!("x"), json!([1, {"a": 2}])] {
        assert!(in_mask(json!({"kind": "constant", "value": value})).is_empty());
    }
    assert_eq!(in_mask(json!({"kind": "constant"})), ["`value`: found nothing, expected a value"]);
}

#[test]
fn a_choice_is_made_by_one_field() {
    let condition = |value: Value| faults(Root::Definition("Condition"), &value);
    let one_of = "one of `all`, `any`, `attribute`, `group`, `purpose`";
    assert_eq!(
        condition(json!({"group": "a", "purpose": "b"})),
        [format!("`$`: found an object with `group`, `purpose`, expected an object with exactly {one_of}")]
    );
    assert_eq!(
        condition(json!({})),
        [format!("`$`: found an object without fields, expected an object with exactly {one_of}")]
    );
    assert_eq!(
        condition(json!({"a": 1, "b": 1, "c": 1, "d": 1, "e": 1})),
        [format!("`$`: found an object of 5 fields, expected an object with exactly {one_of}")]
    );
    assert_eq!(
        condition(json!({"any": [{"group": "a"}, {"grup": "b"}, "c"]})),
        [
            format!("`any[1].grup`: found a field, expected {one_of} (did you mean `group`?)"),
            format!("`any[2]`: found the string `c`, expected an object with exactly {one_of}"),
        ]
    );
    assert_eq!(condition(json!({"group": "a", "not": true})), ["`not`: found a field, expected no such field"]);
}

#[test]
fn maps_take_any_name_but_not_any_value() {
    let attributes = |value: Value| {
        in_event(json!({"type": "user.attributes_changed", "id": "u", "version": 1, "attributes": value}))
    };
    assert!(attributes(json!({"country": ["FRANCE"], "cost centre": []})).is_empty());
    assert_eq!(
        attributes(json!({"country": "FRANCE", "cost centre": [1]})),
        [
            "`attributes[\"cost centre\"][0]`: found the number `1`, expected a string",
            "`attributes.country`: found the string `FRANCE`, expected a list",
        ]
    );
    assert_eq!(attributes(json!([])), ["`attributes`: found a list, expected an object"]);
}

#[test]
fn long_values_and_possible_passwords_are_not_repeated() {
    let user = json!({"type": "user.deleted", "id": {"a": "b"}, "version": "9".repeat(65)});
    assert_eq!(
        in_event(user),
        [
            "`id`: found an object, expected a string",
            "`version`: found a string of 65 characters, expected a whole number from 0 to 18446744073709551615",
        ]
    );
    let setup = json!({"secret": 12345, "database": 12345, "system_user_password_digest": [1], "password": "hunter2"});
    assert_eq!(
        faults(Root::Definition("SetupDocument"), &setup),
        [
            "`database`: found the number `12345`, expected a string",
            "`password`: found a field, expected no such field",
            "`secret`: found a number, expected a string",
            "`system_user_password_digest`: found a list, expected a string",
        ]
    );
}

#[test]
fn hostile_input_costs_little() {
    let deep = (0..1000).fold(json!({"group": "a"}), |inner, _| json!({"any": [inner]}));
    assert_eq!(faults(Root::Definition("Condition"), &deep), ["`$`: found deeper nesting, expected at most 64 levels"]);
    let wide = json!({"any": vec![json!({"grp": "a"}); 50_000]});
    let found = faults(Root::Definition("Condition"), &wide);
    assert_eq!(found.len(), Faults::LIMIT + 1);
    assert_eq!(found.last().map(String::as_str), Some("`$`: found more than 100 faults, expected none"));
}

#[test]
fn a_definition_that_does_not_exist_is_a_fault() {
    assert_eq!(
        faults(Root::Definition("Nothing"), &json!(1)),
        ["`$`: found the number `1`, expected a definition of \
        the schema"]
    );
}
