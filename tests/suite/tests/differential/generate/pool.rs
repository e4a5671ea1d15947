//! Words that documents and rows share, so that they meet.

pub const GROUPS: [&str; 5] = ["support", "auditors", "o'brien \\ sons", "Gruppe É 😀", "Engineering"];
pub const PURPOSES: [&str; 5] = ["fraud", "fraud.cards", "research", "research.a'b", "support"];
/// Attributes with the values that users have of them.
pub const ATTRIBUTES: [(&str, &[&str]); 4] = [
    ("country", &["DE", "FR", "Österreich", "O'Land\\", "de"]),
    ("dept", &["Engineering", "Engineering.Backend", "Engineering.Backend.Storage", "Sales"]),
    ("level", &["1", "7", "-3", "0", "2147483647", "-32768", "99999"]),
    ("it's \\ odd", &["%", "a_b", "null", "😀"]),
];
pub const TAGS: [&str; 8] =
    ["pii", "pii.phone", "pii.phone.mobile", "pii.name", "geo", "geo.country", "fin.balance", "it's \\ odd"];

/// Texts that have made trouble somewhere.
pub const TEXTS: [&str; 34] = [
    "",
    " ",
    "a ",
    " a",
    "DE ",
    "ab",
    "Ab",
    "é",
    "e\u{301}",
    "日本語",
    "😀😀😀😀",
    "𐍈x",
    "O'Hara",
    "''",
    "\\",
    "back\\slash",
    "\\'; DROP TABLE t; --",
    "\"quoted\"",
    "%",
    "_",
    "a%b_c",
    "$1 \\1 &",
    "NULL",
    "null",
    "two\nlines",
    "tab\there",
    "1234567890123456",
    "555-0100-9999",
    "+1 (555) 010-9999",
    "ada.lovelace@example.org",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "0",
    "Straße İı",
    "{\"json\": [1, 2]}",
];

pub const DATES: [&str; 16] = [
    "0001-01-01",
    "0001-01-07",
    "0100-12-31",
    "0101-01-01",
    "1582-10-10",
    "1900-02-28",
    "1969-12-31",
    "1970-01-01",
    "2000-02-29",
    "2024-02-29",
    "2024-03-31",
    "2024-12-30",
    "2025-01-01",
    "9899-12-31",
    "9900-01-01",
    "9999-12-31",
];

pub const TIMES: [&str; 6] = ["00:00:00", "00:00:00.000001", "02:30:00", "12:34:56.789", "23:00:00", "23:59:59.999999"];
