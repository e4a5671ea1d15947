use proptest::{collection::vec, option, prelude::*, sample::select};

use super::*;
use crate::sql::Number;

/// Texts of each type, nested so deep.
#[derive(Clone)]
struct Level {
    condition: BoxedStrategy<String>,
    number: BoxedStrategy<String>,
    text: BoxedStrategy<String>,
    moment: BoxedStrategy<String>,
}

fn literal() -> BoxedStrategy<String> {
    let hostile =
        select(vec!["", "it's", r"\", r"\'", "--", "/*", "$$", ";", "%_", "é🦀", "a ", "'; DROP TABLE s; --"]);
    hostile.prop_map(|text| format!("'{}'", text.replace('\'', "''"))).boxed()
}

fn leaves() -> Level {
    let number = prop_oneof![
        select(vec!["c_custkey", "c_balance", "c_rank", "c_qty", "c_score", "c_weight", "c_big", "C_QTY"])
            .prop_map(str::to_owned),
        "-?[0-9]{1,4}(\\.[0-9]{1,3})?",
        "[0-9]{18,20}",
    ];
    let text = prop_oneof![
        select(vec![
            "c_name",
            "c_phone",
            "c_country",
            "c_city",
            "\"odd \"\"name\"\"\"",
            "c_long",
            "@columnTagged('finance')"
        ])
        .prop_map(str::to_owned),
        literal(),
    ];
    let moment = select(vec![
        "c_born",
        "c_seen",
        "c_at",
        "GETDATE()",
        "DATE '2000-02-29'",
        "TIMESTAMP '1999-12-31 23:59:59'",
        "'2024-01-01'",
        "DATE '9999-12-31'",
        "DATE '0001-01-01'",
    ]);
    Level {
        condition: select(vec!["c_active", "TRUE", "FALSE"]).prop_map(str::to_owned).boxed(),
        number: number.boxed(),
        text: text.boxed(),
        moment: moment.prop_map(str::to_owned).boxed(),
    }
}

/// What can be said of values of any type.
fn tests_of(value: &BoxedStrategy<String>) -> BoxedStrategy<String> {
    let comparison = select(vec!["=", "<>", "!=", "<", "<=", ">", ">="]);
    prop_oneof![
        (value.clone(), comparison, value.clone()).prop_map(|(a, comparison, b)| format!("{a} {comparison} {b}")),
        (value.clone(), select(vec!["", "NOT "])).prop_map(|(a, not)| format!("{a} IS {not}NULL")),
        (value.clone(), select(vec!["", "NOT "]), value.clone(), value.clone())
            .prop_map(|(a, not, b, c)| format!("{a} {not}BETWEEN {b} AND {c}")),
    ]
    .boxed()
}

/// What gives a value of the same type as its parts.
fn same_type(value: &BoxedStrategy<String>, condition: &BoxedStrategy<String>) -> BoxedStrategy<String> {
    prop_oneof![
        (vec((condition.clone(), value.clone()), 1..3), option::of(value.clone())).prop_map(|(whens, otherwise)| {
            let whens: String = whens.iter().map(|(when, then)| format!(" WHEN {when} THEN {then}")).collect();
            format!("CASE{whens}{} END", otherwise.map(|value| format!(" ELSE {value}")).unwrap_or_default())
        }),
        vec(value.clone(), 2..4).prop_map(|values| format!("COALESCE({})", values.join(", "))),
        (value.clone(), value.clone()).prop_map(|(a, b)| format!("NULLIF({a}, {b})")),
        value.clone().prop_map(|value| format!("({value})")),
    ]
    .boxed()
}

fn deeper(inner: &Level) -> Level {
    let Level { condition, number, text, moment } = inner;
    let conditions = prop_oneof![
        2 => vec(condition.clone(), 2..4).prop_map(|all| format!("({})", all.join(" AND "))),
        2 => vec(condition.clone(), 2..4).prop_map(|any| format!("({})", any.join(" or "))),
        1 => condition.clone().prop_map(|one| format!("(NOT ({one}))")),
        3 => tests_of(number).prop_map(|test| format!("({test})")),
        2 => tests_of(text).prop_map(|test| format!("({test})")),
        2 => tests_of(moment).prop_map(|test| format!("({test})")),
        1 => (text.clone(), vec(literal(), 1..4)).prop_map(|(text, list)| format!("({text} IN ({}))", list.join(","))),
        1 => (number.clone(), "-?[0-9]{1,6}").prop_map(|(number, one)| format!("({number} NOT IN (1.5, {one}))")),
        1 => (text.clone(), "[a%_ ']{0,3}").prop_map(|(text, pattern)| format!("({text} LIKE '{}')", pattern.replace('\'', "''"))),
        1 => same_type(condition, condition),
    ];
    let numbers = prop_oneof![
        2 => (number.clone(), select(vec!["+", "-", "*"]), number.clone()).prop_map(|(a, sign, b)| format!("({a} {sign} {b})")),
        1 => number.clone().prop_map(|number| format!("(- {number})")),
        1 => number.clone().prop_map(|number| format!("ABS({number})")),
        1 => text.clone().prop_map(|text| format!("LENGTH({text})")),
        2 => same_type(number, condition),
        1 => (number.clone(), select(vec!["BIGINT", "DECIMAL(38,2)", "DECIMAL(24,0)", "INTEGER"]))
            .prop_map(|(number, to)| format!("CAST({number} AS {to})")),
        1 => number.clone(),
    ];
    let texts = prop_oneof![
        vec(text.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" || "))),
        (select(vec!["LOWER", "UPPER", "TRIM"]), text.clone()).prop_map(|(name, text)| format!("{name}({text})")),
        (select(vec!["LEFT", "RIGHT"]), text.clone(), 1..9).prop_map(|(name, text, n)| format!("{name}({text}, {n})")),
        (text.clone(), 1..9, 1..9).prop_map(|(text, start, n)| format!("SUBSTRING({text}, {start}, {n})")),
        (text.clone(), "[a-c]{1,2}", literal()).prop_map(|(text, a, b)| format!("REPLACE({text}, '{a}', {b})")),
        (number.clone()).prop_map(|number| format!("CAST({number} AS VARCHAR(41))")),
        same_type(text, condition),
    ];
    let moments = prop_oneof![
        (select(vec!["hour", "day", "week", "quarter", "year"]), moment.clone())
            .prop_map(|(unit, moment)| format!("DATE_TRUNC('{unit}', {moment})")),
        (moment.clone(), select(vec!["DATE", "TIMESTAMP"])).prop_map(|(moment, to)| format!("CAST({moment} AS {to})")),
        same_type(moment, condition),
        moment.clone(),
    ];
    Level { condition: conditions.boxed(), number: numbers.boxed(), text: texts.boxed(), moment: moments.boxed() }
}

/// Conditions and values that parse; most of them fit the data source.
pub(super) fn any_text() -> BoxedStrategy<String> {
    let levels: Vec<Level> = std::iter::successors(Some(leaves()), |level| Some(deeper(level))).take(4).collect();
    let all = levels.into_iter().flat_map(|level| [level.condition, level.number, level.text, level.moment]);
    proptest::strategy::Union::new(all).boxed()
}

/// Reads literals as Redshift does, a backslash being an escape, and refuses what can't be read to the end.
fn literals(sql: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut chars = sql.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => loop {
                if chars.next()? == '"' && chars.next_if_eq(&'"').is_none() {
                    break;
                }
            },
            '\'' => {
                let mut value = String::new();
                loop {
                    match chars.next()? {
                        '\\' => value.push(chars.next()?),
                        '\'' if chars.next_if_eq(&'\'').is_none() => break,
                        c => value.push(c),
                    }
                }
                found.push(value);
            }
            ';' | '$' | '\\' | '\0' => return None,
            '-' | '/' if chars.peek().is_some_and(|next| matches!(next, '-' | '*')) => return None,
            _ => {}
        }
    }
    Some(found)
}

fn token() -> impl Strategy<Value = String> {
    let words = select(vec![
        "a",
        "AND",
        "OR",
        "NOT",
        "IS",
        "NULL",
        "IN",
        "LIKE",
        "BETWEEN",
        "CASE",
        "WHEN",
        "THEN",
        "ELSE",
        "END",
        "CAST",
        "AS",
        "DATE",
        "TIMESTAMP",
        "INTEGER",
        "LEFT",
        "COALESCE",
        "GETDATE",
        "(",
        ")",
        ",",
        "=",
        "<>",
        "<",
        "||",
        "+",
        "-",
        "*",
        ".",
        "1",
        "2.5",
        "'x'",
        "'2000-01-01'",
        "\"c\"",
        "@username",
        "@isInGroups",
        "@columnTagged",
        "SELECT",
        ";",
        "--",
    ]);
    prop_oneof![9 => words.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)]
}

fn check(text: &str) -> Result<(), TestCaseError> {
    let source = source();
    for kind in [Kind::RowPredicate, Kind::CellPredicate, Kind::MaskValue] {
        let Ok(parsed) = Expression::parse(text, kind) else {
            continue;
        };
        let printed = parsed.to_string();
        let again = Expression::parse(&printed, kind);
        prop_assert_eq!(again.as_ref(), Ok(&parsed), "{}", printed);
        prop_assert_eq!(again.map(|again| again.to_string()), Ok(printed));
        let mut found = vec![bind(&parsed, &source)];
        found.extend((0..source.columns.len()).map(|column| bind_mask(&parsed, &source, column)));
        for bound in found.into_iter().flatten() {
            prop_assert!(literals(&sql_text(&bound, &source)).is_some(), "{}", sql_text(&bound, &source));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn no_text_panics(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn no_heap_of_tokens_panics(tokens in vec(token(), 0..20)) {
        check(&tokens.join(" "))?;
        check(&tokens.concat())?;
    }

    #[test]
    fn what_is_printed_parses_to_the_same(text in any_text()) {
        prop_assert!(Expression::parse(&text, Kind::MaskValue).is_ok(), "{:?}", Expression::parse(&text, Kind::MaskValue));
        check(&text)?;
    }

    #[test]
    fn literals_keep_their_value_and_nothing_gets_out(a in "[^\0]{0,20}|['\\\\\"/*$;-]{0,12}", b in "['\\\\;a-]{1,6}", c in "[^\0\\\\]{0,9}") {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let (a_, b_, c_) = (quoted(&a), quoted(&b), quoted(&c));
        let text = format!("c_name = {a_} OR c_name IN ({b_}, {a_}) OR c_name LIKE {c_} OR REPLACE(c_name, {b_}, 'x') || {a_} = {c_}");
        let source = source();
        let bound = bind(&Expression::parse(&text, Kind::RowPredicate).unwrap(), &source).unwrap();
        let read = literals(&sql_text(&bound, &source));
        prop_assert_eq!(read, Some([&a, &b, &a, &c, &b, "x", &a, &c].map(str::to_owned).to_vec()));
        prop_assert_eq!(sql(&bound, &source).redacted().matches("'…'").count(), 8);
    }

    #[test]
    fn numbers_are_printed_as_they_are_read(whole in "[0-9]{1,20}", fraction in "[0-9]{0,18}") {
        let number = Number::new(&whole, &fraction).unwrap();
        let text = if fraction.is_empty() { whole } else { format!("{whole}.{fraction}") };
        let parsed = Expression::parse(&format!("-{text}"), Kind::MaskValue).unwrap();
        prop_assert_eq!(&parsed.root().node, &ast::Node::Number(number.negated()));
        prop_assert_eq!(Expression::parse(&parsed.to_string(), Kind::MaskValue), Ok(parsed));
    }
}

/// The properties are worth little if hardly any expression fits.
#[test]
fn many_expressions_fit() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let (strategy, source) = (any_text(), source());
    let mut fitting = 0;
    for _ in 0..500 {
        let text = strategy.new_tree(&mut runner).unwrap().current();
        fitting += usize::from(bind(&Expression::parse(&text, Kind::MaskValue).unwrap(), &source).is_ok());
    }
    assert!(fitting > 150, "{fitting}");
}
