use proptest::{collection::vec, option, prelude::*};
use serde_json::{Value, json};

use super::*;
use crate::{format::FormatError, regex::RegexError, reply, request::Payload};

const TOKEN: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const OTHER_TOKEN: &str = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";
const SOURCE: &str = "tpch.public.customer";

fn secret(ids: &[u8]) -> MasterSecret {
    let keys: Vec<_> =
        ids.iter().map(|id| json!({"id": id, "secret": format!("{:A<43}=", char::from(b'a' + id))})).collect();
    MasterSecret::parse(&json!({ "keys": keys }).to_string()).unwrap()
}

fn masker(ids: &[u8]) -> Masker {
    let mut masker = Masker::new();
    masker.set_secret(secret(ids));
    masker
}

fn request(function: Function, rows: &Value) -> Request {
    let json = json!({
        "user": "ann", "external_function": format!("immuta_functions.{}", function.name()),
        "num_records": rows.as_array().unwrap().len(), "arguments": rows,
    });
    Payload::parse(json.to_string().as_bytes()).unwrap().check().unwrap()
}

fn answer(masker: &mut Masker, function: Function, rows: &Value) -> Result<Vec<Option<String>>, Fault> {
    let request = request(function, rows);
    let permitted = request.unmasks();
    let reply: Value = serde_json::from_str(&masker.answer(&request, &permitted)?).unwrap();
    assert_eq!(reply["success"], true);
    assert_eq!(reply["num_records"], rows.as_array().unwrap().len());
    Ok(serde_json::from_value(reply["results"].clone()).unwrap())
}

/// One value with its arguments.
fn one(masker: &mut Masker, function: Function, value: &str, arguments: &[&str]) -> Result<Option<String>, Fault> {
    let row: Vec<_> = std::iter::once(&value).chain(arguments).collect();
    answer(masker, function, &json!([row])).map(|mut results| results.remove(0))
}

fn handle(token: &str) -> String {
    Handle::of_token(token).unwrap().as_str().to_owned()
}

/// The function's arguments behind the value.
fn arguments(function: Function) -> Vec<String> {
    let last = match function {
        Function::Regex => return ["\\d", "*", "g"].map(str::to_owned).to_vec(),
        Function::Unmask => return vec![handle(TOKEN), SOURCE.to_owned(), "c".to_owned()],
        Function::Caller => return Vec::new(),
        Function::Reversible => None,
        Function::FormatPreserving => Some("0123456789"),
        Function::FormatPreservingNumber => Some("9999999999999999"),
    };
    [Some(TOKEN), Some(SOURCE), Some("c"), last].into_iter().flatten().map(str::to_owned).collect()
}

/// The functions that mask with a key.
const KEYED: [Function; 3] = [Function::Reversible, Function::FormatPreserving, Function::FormatPreservingNumber];

#[test]
fn each_function_masks() {
    let masker = &mut masker(&[1]);
    let mask = |masker: &mut Masker, function, value| {
        let arguments = arguments(function);
        one(masker, function, value, &arguments.iter().map(String::as_str).collect::<Vec<_>>()).unwrap().unwrap()
    };
    assert_eq!(mask(masker, Function::Regex, "4111-1111"), "****-****");
    let masked = mask(masker, Function::Reversible, "4111-1111");
    assert_eq!(masked.len(), 35);
    assert_eq!(mask(masker, Function::Unmask, &masked), "4111-1111");
    assert_eq!(mask(masker, Function::Caller, "whatever"), "ann");
    let masked = mask(masker, Function::FormatPreserving, "4111-1111");
    assert_eq!((masked.len(), masked.find('-')), (9, Some(4)));
    let masked = mask(masker, Function::FormatPreservingNumber, "-41111.111");
    assert_eq!((masked.len(), masked.find('-'), masked.find('.')), (10, Some(0), Some(6)));
}

/// What users have stored must be readable by every later version. The results were computed by a program of its own, in Python
/// over the package `cryptography`.
#[test]
fn results_never_change() {
    let masker = &mut masker(&[1]);
    let key = [TOKEN, SOURCE, "c_phone"];
    let with = |last| [key[0], key[1], key[2], last];
    for (function, value, arguments, expected) in [
        (Function::Reversible, "25-989-741-2988", &key[..], "Aawmt5ciqNENa2wxpZjJI9EHl0gWYZ1_GJMw72eJoLI"),
        (Function::FormatPreserving, "25-989-741-2988", &with("0123456789")[..], "30-410-874-0479"),
        (
            Function::FormatPreserving,
            "Customer#000000001",
            &with("abcdefghijklmnopqrstuvwxyz")[..],
            "Cmehslmm#000000001",
        ),
        (
            Function::FormatPreserving,
            "Long enough for the general way, which has more than one block: 0123456789",
            &with("abcdefghijklmnopqrstuvwxyz")[..],
            "Lpam fzaqvs ate shk bsrsodv rww, fgcjw ctj dwef oixk zgv ggxbu: 0123456789",
        ),
        (Function::FormatPreservingNumber, "-7117987.66", &with("999999999999")[..], "-4759869.11"),
    ] {
        assert_eq!(one(masker, function, value, arguments).unwrap().unwrap(), expected);
    }
}

#[test]
fn null_stays_null_whatever_the_other_arguments_are() {
    let masker = &mut masker(&[1]);
    for function in Function::ALL {
        let bad = vec![None::<&str>; function.arguments().len() + 1];
        let nonsense: Vec<_> =
            std::iter::once(Value::Null).chain(vec![json!("?"); function.arguments().len()]).collect();
        assert_eq!(answer(masker, function, &json!([null, bad, nonsense, null])), Ok(vec![None; 4]), "{function:?}");
        assert_eq!(answer(masker, function, &json!([])), Ok(vec![]));
        let good: Vec<_> = std::iter::once("12345678".to_owned()).chain(arguments(function)).collect();
        if function != Function::Unmask {
            let results = answer(masker, function, &json!([null, good, bad, good, nonsense])).unwrap();
            assert_eq!(results.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true, false, true, false]);
            assert_eq!(results[1], results[3]);
        }
    }
}

#[test]
fn equal_values_have_equal_masks_and_everything_else_differs() {
    let masker = &mut masker(&[1]);
    let other = &mut self::masker(&[2]);
    for function in KEYED {
        let last = arguments(function).get(3).cloned();
        let mask = |masker: &mut Masker, value: &str, key: [&str; 3]| {
            let arguments: Vec<_> = key.into_iter().chain(last.as_deref()).collect();
            one(masker, function, value, &arguments).unwrap().unwrap()
        };
        let base = mask(masker, "1234567890123456", [TOKEN, SOURCE, "a"]);
        assert_eq!(mask(&mut self::masker(&[1]), "1234567890123456", [TOKEN, SOURCE, "a"]), base);
        assert_ne!(mask(masker, "1234567890123457", [TOKEN, SOURCE, "a"]), base);
        assert_ne!(mask(masker, "1234567890123456", [OTHER_TOKEN, SOURCE, "a"]), base);
        assert_ne!(mask(masker, "1234567890123456", [TOKEN, "tpch.public.orders", "a"]), base);
        assert_ne!(mask(masker, "1234567890123456", [TOKEN, SOURCE, "b"]), base);
        assert_ne!(mask(other, "1234567890123456", [TOKEN, SOURCE, "a"]), base);
    }
}

#[test]
fn bad_arguments_refuse_the_whole_request() {
    let masker = &mut masker(&[1]);
    let mut fault = |function: Function, index: usize, argument: Option<&str>| {
        let good: Vec<_> = std::iter::once("12345678".to_owned()).chain(arguments(function)).collect();
        let mut bad = json!(good);
        bad[index] = json!(argument);
        let rows = if function == Function::Unmask { json!([null, bad]) } else { json!([good, bad]) };
        match answer(masker, function, &rows) {
            Err(Fault::Row { row: 2, fault }) => fault,
            other => panic!("{function:?}: {other:?}"),
        }
    };
    for function in Function::ALL {
        for (index, name) in function.arguments().iter().enumerate() {
            assert_eq!(fault(function, index + 1, None), RowFault::Null(name));
        }
    }
    for function in KEYED {
        assert_eq!(fault(function, 1, Some("guess")), RowFault::Token);
    }
    assert_eq!(fault(Function::Unmask, 1, Some(&TOKEN.to_uppercase())), RowFault::Handle);
    assert_eq!(fault(Function::Unmask, 0, Some("12345678")), RowFault::NotMasked);
    assert_eq!(fault(Function::Regex, 1, Some("(")), RowFault::Regex(RegexError::Syntax));
    assert_eq!(fault(Function::Regex, 2, Some("\\1")), RowFault::Regex(RegexError::NoGroup(1)));
    assert_eq!(fault(Function::Regex, 3, Some("m")), RowFault::Regex(RegexError::Flags));
    assert_eq!(fault(Function::FormatPreserving, 4, Some("00")), RowFault::Format(FormatError::AlphabetTwice));
    assert_eq!(fault(Function::FormatPreservingNumber, 4, Some("-1")), RowFault::Format(FormatError::Most));
    assert_eq!(fault(Function::FormatPreservingNumber, 0, Some("x")), RowFault::Format(FormatError::NotANumber));
}

#[test]
fn results_that_do_not_fit_are_refused() {
    let masker = &mut masker(&[1]);
    let fit = "x".repeat(49_134);
    let masked = one(masker, Function::Reversible, &fit, &[TOKEN, SOURCE, "c"]).unwrap().unwrap();
    assert_eq!(masked.len(), MAX_RESULT_BYTES);
    assert_eq!(one(masker, Function::Unmask, &masked, &[&handle(TOKEN), SOURCE, "c"]).unwrap(), Some(fit.clone()));
    let long = Fault::Row { row: 1, fault: RowFault::TooLong };
    assert_eq!(one(masker, Function::Reversible, &format!("{fit}x"), &[TOKEN, SOURCE, "c"]), Err(long.clone()));
    assert_eq!(one(masker, Function::Regex, &fit, &["", "xx", "g"]), Err(long));
    let rows: Vec<_> = (0..200).map(|_| ("", "^", "x".repeat(50_000), "")).collect();
    assert_eq!(answer(masker, Function::Regex, &json!(rows)), Err(Fault::TooLarge));
}

#[test]
fn a_caller_learns_its_own_name_and_no_other() {
    // One masker answers everybody, and keeps what is costly to make.
    let masker = &mut Masker::new();
    for user in ["ann", "O'Hara \"x\"", "ann", ""] {
        let json = json!({
            "user": user, "external_function": "f.caller", "num_records": 3, "arguments": [["a"], [null], ["b"]],
        });
        let request = Payload::parse(json.to_string().as_bytes()).unwrap().check().unwrap();
        assert!(!request.needs_secret());
        let reply: Value = serde_json::from_str(&masker.answer(&request, &BTreeSet::new()).unwrap()).unwrap();
        assert_eq!(reply["results"], json!([user, null, user]));
    }
}

#[test]
fn what_is_not_permitted_is_not_unmasked() {
    let masker = &mut masker(&[1]);
    let key = [TOKEN, SOURCE, "c"];
    let masked = one(masker, Function::Reversible, "secret", &key).unwrap().unwrap();
    let row = |column: &str| json!([masked, handle(TOKEN), SOURCE, column]);
    let column = |column: &str| Column { source: SOURCE.to_owned(), column: column.to_owned() };
    let both = request(Function::Unmask, &json!([row("c"), row("d")]));
    for permitted in [[].into(), [column("c")].into(), [column("d"), column("e")].into()] {
        assert_eq!(masker.answer(&both, &permitted), Err(Fault::Refused), "{permitted:?}");
    }
    // Permitted for another column, it does not open this one's.
    assert_eq!(
        masker.answer(&both, &[column("c"), column("d")].into()),
        Err(Fault::Row { row: 2, fault: RowFault::NotMasked })
    );
    assert_eq!(
        one(masker, Function::Unmask, &masked, &[&handle(OTHER_TOKEN), SOURCE, "c"]),
        Err(Fault::Row { row: 1, fault: RowFault::NotMasked })
    );
}

#[test]
fn keys_are_rotated() {
    let key = [TOKEN, SOURCE, "c"];
    let unmask = [&*handle(TOKEN), SOURCE, "c"];
    let mut masker = masker(&[1]);
    let old = one(&mut masker, Function::Reversible, "v", &key).unwrap().unwrap();
    let numbers =
        one(&mut masker, Function::FormatPreserving, "12345678", &[TOKEN, SOURCE, "c", "0123456789"]).unwrap();
    masker.set_secret(secret(&[1, 2]));
    let new = one(&mut masker, Function::Reversible, "v", &key).unwrap().unwrap();
    assert_ne!(new, old);
    assert_ne!(
        one(&mut masker, Function::FormatPreserving, "12345678", &[TOKEN, SOURCE, "c", "0123456789"]).unwrap(),
        numbers
    );
    for masked in [&old, &new] {
        assert_eq!(one(&mut masker, Function::Unmask, masked, &unmask).unwrap().as_deref(), Some("v"));
    }
    masker.set_secret(secret(&[2]));
    assert_eq!(one(&mut masker, Function::Unmask, &new, &unmask).unwrap().as_deref(), Some("v"));
    let fault = one(&mut masker, Function::Unmask, &old, &unmask).unwrap_err();
    assert!(fault.is_unknown_key());
    assert_eq!(fault.to_string(), "row 1: masked with a key that is not known");
}

#[test]
fn without_a_secret_only_patterns_are_replaced() {
    let masker = &mut Masker::new();
    assert_eq!(one(masker, Function::Regex, "1", &["1", "2", ""]), Ok(Some("2".to_owned())));
    for function in [Function::Unmask].into_iter().chain(KEYED) {
        let arguments = arguments(function);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        assert_eq!(one(masker, function, "1", &arguments), Err(Fault::KeyUnavailable));
    }
    assert_eq!(
        reply::failure(&Fault::KeyUnavailable),
        r#"{"success":false,"error_msg":"the masking key can't be read"}"#
    );
}

#[test]
fn what_is_kept_stays_little() {
    let masker = &mut masker(&[1]);
    for index in 0..2 * KEPT {
        one(masker, Function::Regex, "1", &[&index.to_string(), "", ""]).unwrap();
        assert!(masker.masks.len() <= KEPT);
    }
}

#[test]
fn nothing_prints_secrets() {
    let mut masker = masker(&[1]);
    one(&mut masker, Function::Reversible, "v", &[TOKEN, SOURCE, "c"]).unwrap();
    assert_eq!(format!("{masker:?}"), "Masker { secret: Some(MasterSecret { ids: [1], .. }), masks: 1, .. }");
}

fn function() -> impl Strategy<Value = Function> {
    prop::sample::select(Function::ALL.to_vec())
}

/// Texts that can't be a part of a message by chance.
fn marked() -> impl Strategy<Value = String> {
    "zqx[0-9a-z\\\\(\\[é]{0,20}"
}

proptest! {
    /// Whatever is asked: the answer has as many rows, or an error says why without a value or an argument.
    #[test]
    fn errors_hold_nothing_of_a_row(
        function in function(),
        rows in vec(vec(option::weighted(0.95, marked()), 1..6), 1..5),
        good_arguments: bool,
    ) {
        let rows: Vec<Vec<_>> = if good_arguments {
            let arguments = arguments(function);
            rows.into_iter().map(|row| row.into_iter().take(1).chain(arguments.iter().cloned().map(Some)).collect()).collect()
        } else {
            rows
        };
        let json = json!({
            "user": "zqxann", "external_function": function.name(), "num_records": rows.len(), "arguments": rows,
        });
        let mut masker = masker(&[1]);
        let answered = Payload::parse(json.to_string().as_bytes()).and_then(Payload::check).and_then(|request| {
            let permitted = request.unmasks();
            masker.answer(&request, &permitted)
        });
        match answered {
            Ok(reply) => {
                let reply: Value = serde_json::from_str(&reply).unwrap();
                prop_assert_eq!(reply["results"].as_array().unwrap().len(), rows.len());
            }
            Err(fault) => {
                let text = format!("{fault} {fault:?} {}", reply::failure(&fault));
                prop_assert!(!text.contains("zqx") && !text.contains("00112233"), "{}", text);
            }
        }
    }

    #[test]
    fn unmasking_undoes_masking(values in vec(option::of(any::<String>()), 0..20)) {
        let masker = &mut masker(&[1]);
        let key = (TOKEN, SOURCE, "c");
        let rows: Vec<_> = values.iter().map(|value| (value, key.0, key.1, key.2)).collect();
        let masked = answer(masker, Function::Reversible, &json!(rows)).unwrap();
        let handle = handle(TOKEN);
        let rows: Vec<_> = masked.iter().map(|value| (value, &handle, key.1, key.2)).collect();
        prop_assert_eq!(answer(masker, Function::Unmask, &json!(rows)).unwrap(), values);
    }

    /// However rows with different arguments mix, each is masked as if it were alone.
    #[test]
    fn rows_do_not_touch_each_other(
        rows in vec(("[0-9]{4,9}", prop::sample::select(vec!["a", "b"]), prop::sample::select(vec![TOKEN, OTHER_TOKEN])), 0..12),
    ) {
        let masker = &mut masker(&[1]);
        let json: Vec<_> = rows.iter().map(|(value, column, token)| [value.as_str(), token, SOURCE, column, "0123456789"]).collect();
        let together = answer(masker, Function::FormatPreserving, &json!(json)).unwrap();
        for (row, result) in json.iter().zip(together) {
            prop_assert_eq!(one(masker, Function::FormatPreserving, row[0], &row[1..]).unwrap(), result);
        }
    }
}
