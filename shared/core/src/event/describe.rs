//! How faults speak of what was found, without repeating more of it than a person needs.

use serde_json::Value;

/// The longest text, in characters, that a fault repeats.
pub(super) const LONGEST: usize = 64;

/// Fields whose values are never repeated: a producer who mixes them up may have put a password there.
const WITHHELD: [&str; 3] = ["password", "secret", "token"];

/// Whether values of a field of this name are never repeated.
pub(super) fn withheld(field: &str) -> bool {
    WITHHELD.iter().any(|word| field.contains(word))
}

/// A value in plain words. Short printable strings and numbers are repeated unless the value is withheld.
pub(super) fn value(value: &Value, withheld: bool) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) if withheld => "a boolean".to_owned(),
        Value::Bool(boolean) => format!("`{boolean}`"),
        Value::Number(_) if withheld => "a number".to_owned(),
        Value::Number(number) => format!("the number `{number}`"),
        Value::String(_) if withheld => "a string".to_owned(),
        Value::String(text) if text.is_empty() => "an empty string".to_owned(),
        Value::String(text) if short(text) => format!("the string `{text}`"),
        Value::String(text) => format!("a string of {} characters", text.chars().count()),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// Whether a text is short and printable enough to be repeated.
pub(super) fn short(text: &str) -> bool {
    let printable = |c: char| matches!(c, '"' | '\'' | '\\') || c.escape_debug().len() == 1;
    text.chars().count() <= LONGEST && text.chars().all(printable)
}

/// The start of a text, with everything escaped that could disturb a line of a log.
pub(super) fn shortened(text: &str) -> String {
    let mut start: String = text.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if text.chars().nth(LONGEST).is_some() {
        start.push('…');
    }
    start
}

/// Names in backticks: `` `a`, `b` ``.
pub(super) fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_named_by_type_and_repeated_when_short() {
        let cases = [
            (json!(null), "null"),
            (json!(true), "`true`"),
            (json!(-1), "the number `-1`"),
            (json!(1.5), "the number `1.5`"),
            (json!("1"), "the string `1`"),
            (json!("it's"), "the string `it's`"),
            (json!(""), "an empty string"),
            (json!("x".repeat(64)), &format!("the string `{}`", "x".repeat(64))),
            (json!("x".repeat(65)), "a string of 65 characters"),
            (json!("a\nb"), "a string of 3 characters"),
            (json!("\u{202e}b"), "a string of 2 characters"),
            (json!(["secret"]), "a list"),
            (json!({"a": "secret"}), "an object"),
        ];
        for (found, words) in cases {
            assert_eq!(value(&found, false), words);
        }
    }

    #[test]
    fn what_may_be_a_password_is_not_repeated() {
        assert!(withheld("system_user_password_digest"));
        assert!(withheld("secret"));
        assert!(!withheld("database_user"));
        assert_eq!(value(&json!("hunter2"), true), "a string");
        assert_eq!(value(&json!(12345), true), "a number");
        assert_eq!(value(&json!(true), true), "a boolean");
    }
}
