//! Words that are no names: those of the grammar, and those of SQL that it has not.

/// Words of the grammar.
const KEYWORDS: [&str; 17] = [
    "AND", "AS", "BETWEEN", "CASE", "CAST", "ELSE", "END", "FALSE", "IN", "IS", "LIKE", "NOT", "NULL", "OR", "THEN",
    "TRUE", "WHEN",
];

/// Words of SQL that mean nothing here, and what to write instead.
const REFUSED: [(&str, &str); 32] = [
    ("ALL", NO_SUBQUERY),
    ("ANY", NO_SUBQUERY),
    ("ARRAY", "no lists but those of `IN`, in parentheses"),
    ("AT", "no time zones: compare timestamps as they are stored"),
    ("COLLATE", "no collations: compare `LOWER(…)` of both sides if case shall not count"),
    ("CURRENT_DATE", "`CAST(GETDATE() AS DATE)`"),
    ("CURRENT_TIME", "`GETDATE()`"),
    ("CURRENT_TIMESTAMP", "`GETDATE()`"),
    ("CURRENT_USER", USERNAME),
    ("DISTINCT", "an expression over one row"),
    ("ESCAPE", "a pattern in which `%` and `_` always stand for other characters"),
    ("EXISTS", NO_SUBQUERY),
    ("FROM", "an expression over one row: there is no FROM"),
    ("ILIKE", "`LIKE`, over `LOWER(…)` if case shall not count"),
    ("INTERVAL", "a DATE or TIMESTAMP written out: there is no arithmetic on dates"),
    ("ISNULL", "`IS NULL`"),
    ("LIMIT", NO_SUBQUERY),
    ("NOTNULL", "`IS NOT NULL`"),
    ("OVER", "an expression over one row"),
    ("ROW", "one value at a time"),
    ("SELECT", NO_SUBQUERY),
    ("SESSION_USER", USERNAME),
    ("SIMILAR", "`LIKE`: there are no regular expressions"),
    ("SOME", NO_SUBQUERY),
    ("SYSDATE", "`GETDATE()`"),
    ("TABLE", NO_SUBQUERY),
    ("UNION", NO_SUBQUERY),
    ("UNKNOWN", "`NULL`"),
    ("USER", USERNAME),
    ("VALUES", NO_SUBQUERY),
    ("WHERE", NO_SUBQUERY),
    ("WITH", NO_SUBQUERY),
];

const NO_SUBQUERY: &str = "an expression over one row: there are no subqueries";
const USERNAME: &str = "`@username`, as one side of `=`";

/// Whether a column of this name must be written in double quotes.
pub(super) fn is_reserved(word: &str) -> bool {
    KEYWORDS.iter().chain(REFUSED.iter().map(|(word, _)| word)).any(|reserved| reserved.eq_ignore_ascii_case(word))
}

/// What to write instead of a word of SQL that means nothing here.
pub(super) fn advice(word: &str) -> Option<&'static str> {
    REFUSED.iter().find(|(refused, _)| refused.eq_ignore_ascii_case(word)).map(|(_, advice)| *advice)
}
