use proptest::{collection::vec, option, prelude::*};
use serde_json::{Value, json};

use super::*;

const TAIL: [&str; 3] = ["p", "r", "g"];

fn request(rows: Value) -> Value {
    let count = rows.as_array().map_or(0, Vec::len);
    json!({
        "request_id": "r", "cluster": "c", "user": "ann", "database": "dev", "query_id": 5,
        "external_function": "immuta_functions.mask_regex", "num_records": count, "arguments": rows,
    })
}

fn check(request: &Value) -> Result<Request, Fault> {
    Payload::parse(request.to_string().as_bytes()).and_then(Payload::check)
}

fn row(row: usize, fault: RowFault) -> Fault {
    Fault::Row { row, fault }
}

#[test]
fn functions_are_known_by_their_last_name() {
    for name in ["unmask", "immuta_functions.unmask", "\"x.y\".\"unmask\"", "dev.immuta_functions.\"UNMASK\""] {
        assert_eq!(Function::named(name), Some(Function::Unmask), "{name}");
    }
    for name in ["", ".", "\"", "unmask.", "unmask()", "\"a.unmask\"", "mask", "immuta_functions.unmask\"\""] {
        assert_eq!(Function::named(name), None, "{name}");
    }
    for function in Function::ALL {
        assert_eq!(Function::named(function.name()), Some(function));
        assert!(function.arguments().len() <= 4);
    }
}

#[test]
fn fields_come_in_any_order_and_others_are_passed_over() {
    for text in [
        r#"{"num_records":1,"arguments":[["v","p","r","g"]],"external_function":"mask_regex","user":"ann"}"#,
        r#"{"external_function":"mask_regex","more":{"a":[1,{"arguments":2}]},"user":"ann","num_records":1,
            "arguments": [ [ "v" , "p" , "r" , "g" ] ] , "x": null}"#,
        r#"{"external_function":"mask\u005fregex","user":"a\u006en","num_records":1,"arguments":[["\u0076","p","r","\u0067"]]}"#,
    ] {
        let request = Payload::parse(text.as_bytes()).and_then(Payload::check).unwrap();
        assert_eq!((request.function(), request.user(), request.rows().len()), (Function::Regex, "ann", 1));
        assert_eq!(request.rows().value(0), Some("v"));
        let (run, rows) = request.runs().next().unwrap();
        assert_eq!((rows, request.rows().argument(run, 2)), (0..1, Some("g")));
    }
}

#[test]
fn what_is_wrong_with_a_request_is_said() {
    let good = request(json!([["v", "p", "r", "g"]]));
    check(&good).unwrap();
    let with = |field: &str, value: Value| {
        let mut request = good.clone();
        request[field] = value;
        check(&request).unwrap_err()
    };
    let without = |field: &str| {
        let mut request = good.clone();
        request.as_object_mut().unwrap().remove(field);
        check(&request)
    };
    assert_eq!(with("external_function", json!("f")), Fault::UnknownFunction);
    assert_eq!(with("external_function", json!(1)).to_string(), "`external_function` is not a text");
    assert_eq!(with("num_records", json!(2)).to_string(), "`num_records` says 2, found 1 rows");
    assert_eq!(with("num_records", json!(-1)).to_string(), "`num_records` is not a whole number");
    assert_eq!(with("arguments", json!({"a": 1})).to_string(), "`arguments` is not a list");
    assert_eq!(with("arguments", json!(null)).to_string(), "`arguments` is not a list");
    for field in ["external_function", "num_records", "arguments"] {
        assert_eq!(without(field).unwrap_err(), Fault::Missing(field));
    }
    without("user").unwrap();
    for (function, row) in [("unmask", json!(["v", "h", "s", "c"])), ("caller", json!(["v"]))] {
        let anonymous = json!({"external_function": function, "num_records": 1, "arguments": [row]});
        assert_eq!(check(&anonymous).unwrap_err(), Fault::Missing("user"), "{function}");
    }
    assert_eq!(check(&json!(5)).unwrap_err(), Fault::NotAnObject);
    assert_eq!(check(&json!([[good]])).unwrap_err(), Fault::NotAnObject);
    assert_eq!(Payload::parse(b"{]").unwrap_err(), Fault::NotJson { line: 1, column: 2 });
    assert_eq!(Payload::parse(b"{\"user\":\"\xff\"}").unwrap_err(), Fault::NotJson { line: 1, column: 10 });
    let twice = good.to_string().replacen('{', "{\"user\": \"eve\",", 1);
    assert_eq!(Payload::parse(twice.as_bytes()).unwrap().check().unwrap_err(), Fault::Twice("user"));
}

#[test]
fn what_is_wrong_with_a_row_is_said() {
    let fault = |rows: Value| check(&request(rows)).unwrap_err();
    let good = json!(["v", "p", "r", "g"]);
    let arguments = |found| RowFault::Arguments { expected: 4, found };
    assert_eq!(fault(json!([good, ["v", "p", "r"]])), row(2, arguments(3)));
    assert_eq!(fault(json!([["v", "p", "r", "g", "g", "g"], good])), row(1, arguments(6)));
    assert_eq!(fault(json!([null, good, [null]])), row(3, arguments(1)));
    assert_eq!(fault(json!([good, []])), row(2, RowFault::NoValue));
    assert_eq!(fault(json!([good, "v"])), row(2, RowFault::NotAList));
    assert_eq!(fault(json!([good, {"v": 1}, 5])), row(2, RowFault::NotAList));
    assert_eq!(fault(json!([good, [5, "p", "r", "g"]])), row(2, RowFault::NotText(1)));
    assert_eq!(fault(json!([good, good, ["v", "p", ["r"], "g"]])), row(3, RowFault::NotText(3)));
    assert_eq!(fault(json!([["v", "p", true, "g"], ["v", {"a": "b"}, "r", "g"]])), row(1, RowFault::NotText(3)));
}

#[test]
fn rows_that_share_their_arguments_are_one_run() {
    let rows = json!([
        null,
        ["a", "p", "r", "g"],
        ["b", "p", "r", "g"],
        null,
        [null, "p", "r", "g"],
        ["\"", "p", "r", "g"],
        ["c", "p", "r", null],
        ["d", "p", "r", null],
        ["e", "q", "r", null],
    ]);
    let request = check(&request(rows)).unwrap();
    let runs: Vec<_> =
        request.runs().map(|(run, rows)| (rows, [0, 1, 2].map(|index| request.rows().argument(run, index)))).collect();
    assert_eq!(
        runs,
        [
            (1..6, [Some("p"), Some("r"), Some("g")]),
            (6..8, [Some("p"), Some("r"), None]),
            (8..9, [Some("q"), Some("r"), None])
        ]
    );
    let values: Vec<_> = (0..9).map(|row| request.rows().value(row)).collect();
    assert_eq!(values, [None, Some("a"), Some("b"), None, None, Some("\""), Some("c"), Some("d"), Some("e")]);
    assert_eq!(format!("{request:?}"), "Request { function: Regex, rows: Rows { rows: 9, runs: 3, .. }, .. }");
}

#[test]
fn only_columns_with_values_are_to_be_unmasked() {
    let mut json = request(json!([
        ["v", "h", "s", "a"],
        [null, "h", "s", "b"],
        ["v", "h", "s", "c"],
        ["v", "x", "s", "a"],
        ["v", "h", null, "a"]
    ]));
    assert!(!check(&request(json!([["v", "p", "r", "g"]]))).unwrap().needs_secret());
    json["external_function"] = json!("unmask");
    let request = check(&json).unwrap();
    let column = |column: &str| Column { source: "s".to_owned(), column: column.to_owned() };
    assert_eq!(request.unmasks(), [column("a"), column("c")].into());
    assert!(request.needs_secret());
    json["arguments"] = json!([null, [null, "h", "s", "b"]]);
    json["num_records"] = json!(2);
    let request = check(&json).unwrap();
    assert_eq!((request.unmasks(), request.needs_secret()), (BTreeSet::new(), false));
}

fn cell() -> impl Strategy<Value = Option<String>> {
    option::weighted(0.9, prop_oneof![Just("p".to_owned()), "[a\"\\\\,\\[\\]é\n]{0,3}"])
}

proptest! {
    /// Every row is kept as it was, however rows share arguments and however the JSON is spaced.
    #[test]
    fn rows_are_kept(
        rows in vec(option::weighted(0.9, (cell(), prop_oneof![Just(TAIL.map(|cell| Some(cell.to_owned()))), [cell(), cell(), cell()]])), 0..12),
        pretty: bool,
    ) {
        let json: Vec<_> = rows.iter().map(|row| row.as_ref().map(|(value, [a, b, c])| [value, a, b, c])).collect();
        let json = request(json!(json));
        let text = if pretty { serde_json::to_string_pretty(&json).unwrap() } else { json.to_string() };
        let request = Payload::parse(text.as_bytes()).unwrap().check().unwrap();
        prop_assert_eq!(request.rows().len(), rows.len());
        let mut covered = request.runs().next().map_or(rows.len(), |(run, _)| run.row);
        prop_assert!(rows.iter().take(covered).all(Option::is_none));
        for (run, range) in request.runs() {
            prop_assert_eq!(covered, range.start);
            covered = range.end;
            for index in range {
                let found = request.rows().value(index);
                match &rows[index] {
                    None => prop_assert_eq!(found, None),
                    Some((value, arguments)) => {
                        prop_assert_eq!(found, value.as_deref());
                        for (at, argument) in arguments.iter().enumerate() {
                            prop_assert_eq!(request.rows().argument(run, at), argument.as_deref());
                        }
                    }
                }
            }
        }
        prop_assert_eq!(covered, rows.len());
    }

    #[test]
    fn garbage_is_refused(json in vec(any::<u8>(), 0..200)) {
        prop_assert!(Payload::parse(&json).and_then(Payload::check).is_err());
    }

    /// A good request with some bytes exchanged, removed or repeated.
    #[test]
    fn almost_good_requests_never_panic(
        changes in vec((any::<prop::sample::Index>(), prop_oneof![any::<u8>(), prop::sample::select(b"[]{}\",:\\nul0 ".to_vec())], 0..3_u8), 1..6),
    ) {
        let good = request(json!([["v\n", "p", "r", "g"], null, ["w", "p", "r", "g"], [null, "p", "r", "i"]]));
        let mut text = good.to_string().into_bytes();
        for (at, byte, change) in changes {
            let at = at.index(text.len());
            match change {
                0 => text[at] = byte,
                1 => drop(text.remove(at)),
                _ => text.insert(at, byte),
            }
        }
        if let Ok(request) = Payload::parse(&text).and_then(Payload::check) {
            // A field that is passed over is not looked into for escapes that mean nothing.
            let Ok(value) = serde_json::from_slice::<Value>(&text) else { return Ok(()) };
            prop_assert_eq!(Some(request.rows().len()), value["arguments"].as_array().map(Vec::len));
            for (index, row) in value["arguments"].as_array().unwrap().iter().enumerate() {
                prop_assert_eq!(request.rows().value(index), row.get(0).and_then(Value::as_str));
            }
        }
    }
}
