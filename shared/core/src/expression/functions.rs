//! The functions an expression may call: all there are, each with what the documentation says of it.
//!
//! A function is here only if it can't fail on any row and means the same on Redshift and on the engine that tests run on. So
//! counts and patterns must be literals, and `LOWER` and `UPPER` change ASCII letters only: what else has case depends on the
//! engine and its locale.

use crate::event::suggest::suggest;

/// A function of SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is its own SQL spelling; `FUNCTIONS` documents them")]
pub enum Function {
    Abs,
    Coalesce,
    Concat,
    DateTrunc,
    GetDate,
    Left,
    Length,
    Lower,
    NullIf,
    Replace,
    Right,
    Substring,
    Trim,
    Upper,
}

/// What an argument must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument {
    /// Any expression.
    Value,
    /// A whole number from 1 to 65,535, written out.
    Count,
    /// A text, written out.
    Text,
    /// A text of at least one character, written out.
    Search,
    /// One of the units of `DATE_TRUNC`, written out.
    Unit,
    /// Any expressions, at least two with those before.
    More,
}

/// What the documentation says of a function, and what the parser checks.
#[derive(Debug, Clone, Copy)]
pub struct Described {
    /// Its names; the first is the one printed.
    pub names: &'static [&'static str],
    /// Its arguments and what it gives.
    pub signature: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// The function.
    pub function: Function,
    /// What its arguments must be.
    pub arguments: &'static [Argument],
}

/// Every function, by name.
pub const FUNCTIONS: [Described; 14] = [
    Described {
        names: &["ABS"],
        signature: "ABS(number) → number",
        doc: "without its sign",
        function: Function::Abs,
        arguments: &[Argument::Value],
    },
    Described {
        names: &["COALESCE"],
        signature: "COALESCE(a, b, …) → like a",
        doc: "the first that is not null",
        function: Function::Coalesce,
        arguments: &[Argument::Value, Argument::More],
    },
    Described {
        names: &["CONCAT"],
        signature: "CONCAT(text, text) → text",
        doc: "the same as `||`: null if one is null",
        function: Function::Concat,
        arguments: &[Argument::Value, Argument::Value],
    },
    Described {
        names: &["DATE_TRUNC"],
        signature: "DATE_TRUNC('unit', date or timestamp) → the same type",
        doc: "down to `hour` (timestamps only), `day`, `week` (Monday), `month`, `quarter`, `year`",
        function: Function::DateTrunc,
        arguments: &[Argument::Unit, Argument::Value],
    },
    Described {
        names: &["GETDATE"],
        signature: "GETDATE() → timestamp",
        doc: "when the query began, in the reader's session time zone (UTC unless they set another)",
        function: Function::GetDate,
        arguments: &[],
    },
    Described {
        names: &["LEFT"],
        signature: "LEFT(text, n) → text",
        doc: "the first n characters",
        function: Function::Left,
        arguments: &[Argument::Value, Argument::Count],
    },
    Described {
        names: &["LENGTH"],
        signature: "LENGTH(text) → integer",
        doc: "characters",
        function: Function::Length,
        arguments: &[Argument::Value],
    },
    Described {
        names: &["LOWER"],
        signature: "LOWER(text) → text",
        doc: "A to Z as a to z, all other characters as they are",
        function: Function::Lower,
        arguments: &[Argument::Value],
    },
    Described {
        names: &["NULLIF"],
        signature: "NULLIF(a, b) → like a",
        doc: "null where both are equal, else a",
        function: Function::NullIf,
        arguments: &[Argument::Value, Argument::Value],
    },
    Described {
        names: &["REPLACE"],
        signature: "REPLACE(text, 'search', 'replacement') → text",
        doc: "every occurrence, case counts",
        function: Function::Replace,
        arguments: &[Argument::Value, Argument::Search, Argument::Text],
    },
    Described {
        names: &["RIGHT"],
        signature: "RIGHT(text, n) → text",
        doc: "the last n characters",
        function: Function::Right,
        arguments: &[Argument::Value, Argument::Count],
    },
    Described {
        names: &["SUBSTRING"],
        signature: "SUBSTRING(text, start, n) → text",
        doc: "n characters from the start-th on, counted from 1",
        function: Function::Substring,
        arguments: &[Argument::Value, Argument::Count, Argument::Count],
    },
    Described {
        names: &["TRIM", "BTRIM"],
        signature: "TRIM(text) → text",
        doc: "without the blanks at both ends",
        function: Function::Trim,
        arguments: &[Argument::Value],
    },
    Described {
        names: &["UPPER"],
        signature: "UPPER(text) → text",
        doc: "a to z as A to Z, all other characters as they are",
        function: Function::Upper,
        arguments: &[Argument::Value],
    },
];

/// What a function of another name is called here.
const OTHER_NAMES: [(&str, &str); 9] = [
    ("CHARACTER_LENGTH", "LENGTH"),
    ("CHAR_LENGTH", "LENGTH"),
    ("IFNULL", "COALESCE"),
    ("LCASE", "LOWER"),
    ("LEN", "LENGTH"),
    ("NOW", "GETDATE"),
    ("NVL", "COALESCE"),
    ("SUBSTR", "SUBSTRING"),
    ("UCASE", "UPPER"),
];

impl Function {
    /// What there is to say of it.
    #[must_use]
    pub fn described(self) -> Option<&'static Described> {
        FUNCTIONS.iter().find(|described| described.function == self)
    }

    /// The name it is printed with.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.described().and_then(|described| described.names.first()).copied().unwrap_or_default()
    }
}

/// The function of a name; case does not count.
pub(super) fn find(name: &str) -> Option<&'static Described> {
    FUNCTIONS.iter().find(|described| described.names.iter().any(|known| known.eq_ignore_ascii_case(name)))
}

/// The function that was probably meant.
pub(super) fn meant(name: &str) -> Option<String> {
    let other = OTHER_NAMES.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
    let names = FUNCTIONS.iter().flat_map(|described| described.names).copied();
    other.map(|(_, name)| (*name).to_owned()).or_else(|| suggest(name, names))
}

/// An `@` function, by what it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is its own spelling; `AT_FUNCTIONS` documents them")]
pub enum AtFunction {
    AttributeValuesContains,
    ColumnReference,
    ColumnTagged,
    GroupsContains,
    HasAttribute,
    HasPurpose,
    IsInGroups,
    PurposesContains,
    Username,
}

/// What the documentation says of an `@` function.
#[derive(Debug, Clone, Copy)]
pub struct AtDescribed {
    /// Its name, without the `@`.
    pub name: &'static str,
    /// Its arguments.
    pub signature: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// Whether it asks something of the user, and so may stand only where it can't be negated.
    pub asks_user: bool,
    /// The function.
    pub function: AtFunction,
}

/// Every `@` function, by name.
pub const AT_FUNCTIONS: [AtDescribed; 9] = [
    AtDescribed {
        name: "attributeValuesContains",
        signature: "@attributeValuesContains('attribute', column)",
        doc: "the column equals a value of the user's attribute",
        asks_user: true,
        function: AtFunction::AttributeValuesContains,
    },
    AtDescribed {
        name: "columnReference",
        signature: "@columnReference('name')",
        doc: "the column of this name; the same as the name alone",
        asks_user: false,
        function: AtFunction::ColumnReference,
    },
    AtDescribed {
        name: "columnTagged",
        signature: "@columnTagged('tag')",
        doc: "the one column with this tag or one below it",
        asks_user: false,
        function: AtFunction::ColumnTagged,
    },
    AtDescribed {
        name: "groupsContains",
        signature: "@groupsContains(column)",
        doc: "the column equals one of the user's groups",
        asks_user: true,
        function: AtFunction::GroupsContains,
    },
    AtDescribed {
        name: "hasAttribute",
        signature: "@hasAttribute('attribute', 'value')",
        doc: "the user's attribute has this value",
        asks_user: true,
        function: AtFunction::HasAttribute,
    },
    AtDescribed {
        name: "hasPurpose",
        signature: "@hasPurpose('purpose', …)",
        doc: "the user acts under one of these purposes",
        asks_user: true,
        function: AtFunction::HasPurpose,
    },
    AtDescribed {
        name: "isInGroups",
        signature: "@isInGroups('group', …)",
        doc: "the user is in one of these groups",
        asks_user: true,
        function: AtFunction::IsInGroups,
    },
    AtDescribed {
        name: "purposesContains",
        signature: "@purposesContains(column)",
        doc: "the column equals one of the purposes the user acts under",
        asks_user: true,
        function: AtFunction::PurposesContains,
    },
    AtDescribed {
        name: "username",
        signature: "@username",
        doc: "the user's database account; only as one side of `=`",
        asks_user: true,
        function: AtFunction::Username,
    },
];

impl AtFunction {
    /// Its name, without the `@`.
    #[must_use]
    pub fn name(self) -> &'static str {
        AT_FUNCTIONS.iter().find(|described| described.function == self).map_or("", |described| described.name)
    }
}

/// The `@` function of a name; case does not count.
pub(super) fn find_at(name: &str) -> Option<&'static AtDescribed> {
    AT_FUNCTIONS.iter().find(|described| described.name.eq_ignore_ascii_case(name))
}

/// The `@` function that was probably meant.
pub(super) fn meant_at(name: &str) -> Option<String> {
    suggest(name, AT_FUNCTIONS.iter().map(|described| described.name)).map(|name| format!("@{name}"))
}
