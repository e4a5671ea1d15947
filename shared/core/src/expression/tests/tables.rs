//! Tables of texts and what becomes of them. In each, a line `KIND|text` is followed by an indented line with the result; a
//! kind is `R` for a row predicate, `C` for a cell predicate, `V` for a value, or the column that a mask is for.

use super::*;

/// Compares a table with what is, and shows every difference at once.
fn compare(table: &str, result: impl Fn(&DataSource, &str, &str) -> Result<String, String>) -> usize {
    let source = source();
    let lines: Vec<&str> = table.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    let mut different = Vec::new();
    for pair in lines.chunks(2) {
        let [entry, expected] = pair else {
            panic!("{pair:?}");
        };
        let (kind, text) = entry.split_once('|').unwrap();
        let text = text.replace("{NL}", "\n").replace("{NUL}", "\0");
        let found = result(&source, kind, &text).unwrap_or_else(|error| error);
        if found != expected.trim() {
            different.push(format!("{entry}\n    {found}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    lines.len() / 2
}

fn parsed(kind: &str, text: &str) -> Result<Expression, SyntaxError> {
    Expression::parse(
        text,
        match kind {
            "R" => Kind::RowPredicate,
            "C" => Kind::CellPredicate,
            _ => Kind::MaskValue,
        },
    )
}

fn bound(source: &DataSource, kind: &str, expression: &Expression) -> Result<Bound, BindError> {
    match source.columns.iter().position(|column| column.name.as_str() == kind) {
        Some(column) => bind_mask(expression, source, column),
        None => bind(expression, source),
    }
}

#[test]
fn accepted() {
    let count = compare(include_str!("accepted.txt"), |source, kind, text| {
        let parsed = parsed(kind, text).map_err(|error| error.to_string())?;
        assert_eq!(super::tables::parsed(kind, &parsed.to_string()), Ok(parsed.clone()), "{parsed}");
        let bound = bound(source, kind, &parsed).map_err(|error| error.to_string())?;
        Ok(format!("[{}] {}", bound.data_type(), sql_text(&bound, source)))
    });
    assert!(count > 70, "{count}");
}

#[test]
fn no_expression() {
    let count = compare(include_str!("refused.txt"), |_, kind, text| {
        parsed(kind, text).map(|parsed| parsed.to_string()).map_err(|error| error.to_string())
    });
    assert!(count > 120, "{count}");
}

#[test]
fn no_fit() {
    let count = compare(include_str!("unfit.txt"), |source, kind, text| {
        let parsed = parsed(kind, text).map_err(|error| error.to_string())?;
        bound(source, kind, &parsed).map(|bound| sql_text(&bound, source)).map_err(|error| error.to_string())
    });
    assert!(count > 40, "{count}");
}

#[test]
fn every_function_and_operator_is_in_the_table_of_what_is_accepted() {
    let table = include_str!("accepted.txt").to_lowercase();
    for described in FUNCTIONS {
        assert!(table.contains(&format!("{}(", described.names[0].to_lowercase())), "{}", described.names[0]);
    }
    for described in AT_FUNCTIONS {
        assert!(table.contains(&format!("@{}", described.name.to_lowercase())), "{}", described.name);
    }
}

#[test]
fn sizes_are_limited() {
    let nested = |levels: usize| format!("{}a = 1{}", "(".repeat(levels), ")".repeat(levels));
    let error = |text: &str| Expression::parse(text, Kind::RowPredicate).map_err(|error| error.to_string());
    assert!(error(&nested(MAX_DEPTH)).is_ok());
    let message = |place: &str, rest: &str| Err(format!("line 1, column {place}: found {rest}"));
    assert_eq!(error(&nested(MAX_DEPTH + 1)), message("34", "deeper nesting, expected at most 32 levels"));
    assert_eq!(
        error(&"NOT ".repeat(100_000)).unwrap_err(),
        "line 1, column 1: found a text of 400000 bytes, expected at most 8192"
    );
    assert_eq!(error(&"NOT ".repeat(40)), message("133", "deeper nesting, expected at most 32 levels"));
    assert_eq!(error(&"- ".repeat(40)), message("67", "deeper nesting, expected at most 32 levels"));
    assert_eq!(error(&["a"; 40].join(" + ")), message("131", "deeper nesting, expected at most 32 levels"));
    assert!(error(&["a"; 999].join(" OR ")).is_ok());
    assert_eq!(
        error(&["a"; 1_001].join(" OR ")),
        message("5001", "more than 1000 parts, expected a shorter expression")
    );
}

#[test]
fn places_count_lines_characters_and_bytes() {
    let error = Expression::parse("c_city = 'köln'\n  AND é", Kind::RowPredicate).unwrap();
    let places: Vec<String> =
        error.columns().map(|(name, place)| format!("{} {place} {}", name.as_str(), place.byte)).collect();
    assert_eq!(places, ["c_city line 1, column 1 0", "é line 2, column 7 23"]);
    let error = Expression::parse("c_city = 'köln' ; x", Kind::RowPredicate).unwrap_err();
    assert_eq!((error.place.line, error.place.column, error.place.byte), (1, 17, 17));
    let fault = error.fault("policy.rules[0].rows.only.where");
    assert_eq!(
        fault.to_string(),
        "`policy.rules[0].rows.only.where`: found `;` at line 1, column 17, expected one expression and nothing after it"
    );
}

#[test]
fn what_an_expression_refers_to_is_known() {
    let text = "a = 1 OR @groupsContains(B) OR @columnTagged('x.y') = @columnReference('c d') OR \
                @attributeValuesContains('n', @columnTagged('z'))";
    let expression = Expression::parse(text, Kind::RowPredicate).unwrap();
    let columns: Vec<_> = expression.columns().map(|(name, place)| (name.as_str(), place.column)).collect();
    assert_eq!(columns, [("a", 1), ("B", 26), ("c d", 55)]);
    let tags: Vec<_> = expression.tags().map(|(tag, place)| (tag.as_str(), place.column)).collect();
    assert_eq!(tags, [("x.y", 32), ("z", 112)]);
}

#[test]
fn conditions_are_replaced_wherever_they_stand() {
    let text = "c_active AND (@isInGroups('a') OR c_qty > 1 AND @hasPurpose('b'))";
    let source = source();
    let mut bound = bind(&Expression::parse(text, Kind::RowPredicate).unwrap(), &source).unwrap();
    bound.map_conditions(&|condition| {
        let Condition::Has(mut entitlement) = condition.clone() else {
            panic!("{condition:?}");
        };
        entitlement.values.insert(Text::new("z").unwrap());
        Condition::Has(entitlement)
    });
    let sql = sql_text(&bound, &source);
    assert_eq!(sql, r#"s."c_active" AND (p.has_group__a_z OR ((s."c_qty" > 1) AND p.has_purpose__b_z))"#);
}

/// No error repeats what stands in a text, except a date that is none: it may be data that someone pasted.
#[test]
fn an_error_does_not_repeat_a_text() {
    let source = source();
    for text in
        ["a = 'secret' 'x'", "LEFT(a, 'secret') = 'x'", "c_qty = 'secret'", "c_born = 'secret'", "REPLACE(a, 'secret')"]
    {
        let error = match Expression::parse(text, Kind::RowPredicate) {
            Ok(parsed) => bind(&parsed, &source).unwrap_err().to_string(),
            Err(error) => error.to_string(),
        };
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn every_function_is_documented() {
    let documentation = include_str!("../../../../../docs/policies.md");
    let functions = FUNCTIONS.map(|described| (described.signature, described.doc));
    let at_functions = AT_FUNCTIONS.map(|described| (described.signature, described.doc));
    for (signature, doc) in functions.into_iter().chain(at_functions) {
        let row = format!("| `{signature}` | {doc} |");
        assert!(documentation.contains(&row), "docs/policies.md lacks: {row}");
    }
}
