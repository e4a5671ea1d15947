//! What Redshift sends: rows of arguments
//! (<https://docs.aws.amazon.com/redshift/latest/dg/udf-creating-a-lambda-sql-udf.html>).
//!
//! [`Payload`] takes the JSON in, once and in one pass, whatever is in it: what is wrong is kept, and told by
//! [`Payload::check`]. Rows mostly share every argument but the value, so the values are kept one behind the other, and the
//! other arguments once for each run of rows that share them.

mod table;

use std::{collections::BTreeSet, fmt, ops::Range};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

pub use self::table::Rows;
pub(crate) use self::table::Run;
use crate::error::{Fault, RowFault};

/// A function that Redshift calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Function {
    /// Replaces what a pattern matches.
    Regex,
    /// Encrypts so that it can be undone.
    Reversible,
    /// Undoes [`Function::Reversible`].
    Unmask,
    /// Encrypts the characters of an alphabet.
    FormatPreserving,
    /// Encrypts a number.
    FormatPreservingNumber,
    /// Tells who asks, and nothing else.
    Caller,
}

impl Function {
    /// Every function.
    pub const ALL: [Self; 6] = [
        Self::Regex,
        Self::Reversible,
        Self::Unmask,
        Self::FormatPreserving,
        Self::FormatPreservingNumber,
        Self::Caller,
    ];

    /// The name in SQL, without its schema.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Regex => "mask_regex",
            Self::Reversible => "mask_reversible",
            Self::Unmask => "unmask",
            Self::FormatPreserving => "mask_format_preserving",
            Self::FormatPreservingNumber => "mask_format_preserving_number",
            Self::Caller => "caller",
        }
    }

    /// The arguments behind the value, in order.
    #[must_use]
    pub fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Regex => &["pattern", "replacement", "flags"],
            Self::Reversible => &["token", "source", "column"],
            Self::Unmask => &["handle", "source", "column"],
            Self::FormatPreserving => &["token", "source", "column", "alphabet"],
            Self::FormatPreservingNumber => &["token", "source", "column", "most"],
            Self::Caller => &[],
        }
    }

    /// Whether the function uses a key that is derived from the master secret.
    #[must_use]
    pub fn needs_secret(self) -> bool {
        !matches!(self, Self::Regex | Self::Caller)
    }

    /// Whether the result depends on who asks.
    fn needs_user(self) -> bool {
        matches!(self, Self::Unmask | Self::Caller)
    }

    /// The function of a name that may be qualified and quoted.
    fn named(name: &str) -> Option<Self> {
        let name = match name.strip_suffix('"') {
            Some(name) => name.rsplit('"').next(),
            None => name.rsplit('.').next(),
        };
        Self::ALL.into_iter().find(|function| name.is_some_and(|name| name.eq_ignore_ascii_case(function.name())))
    }
}

/// A column of a data source, as the arguments name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Column {
    /// The data source.
    pub source: String,
    /// The column.
    pub column: String,
}

/// A request as it came in, right or wrong.
#[derive(Debug, Default)]
pub struct Payload {
    /// `None` for JSON that is no object.
    fields: Option<Fields>,
}

#[derive(Debug, Default)]
struct Fields {
    function: Seen<String>,
    user: Seen<String>,
    records: Seen<u64>,
    arguments: Seen<Rows>,
}

/// What is known of a field.
#[derive(Debug, Default)]
enum Seen<T> {
    #[default]
    Not,
    Once(T),
    Twice,
    OfAnotherType,
}

impl<T> Seen<T> {
    fn meet(&mut self, value: Option<T>) {
        *self = match (&self, value) {
            (Self::Not, Some(value)) => Self::Once(value),
            (Self::Not, None) => Self::OfAnotherType,
            _ => Self::Twice,
        };
    }

    fn get(self, field: &'static str, expected: &'static str) -> Result<T, Fault> {
        match self {
            Self::Once(value) => Ok(value),
            Self::Not => Err(Fault::Missing(field)),
            Self::Twice => Err(Fault::Twice(field)),
            Self::OfAnotherType => Err(Fault::WrongType { field, expected }),
        }
    }
}

impl Payload {
    /// Reads a request.
    ///
    /// # Errors
    /// [`Fault::NotJson`].
    pub fn parse(json: &[u8]) -> Result<Self, Fault> {
        // Not the error itself, which may quote what it found.
        serde_json::from_slice(json).map_err(|error| Fault::NotJson { line: error.line(), column: error.column() })
    }

    /// Takes the request out, if it is one.
    ///
    /// # Errors
    /// [`Fault`] with the first thing that is wrong with it, as far as that can be told without keys.
    pub fn check(self) -> Result<Request, Fault> {
        let fields = self.fields.ok_or(Fault::NotAnObject)?;
        let name = fields.function.get("external_function", "a text")?;
        let function = Function::named(&name).ok_or(Fault::UnknownFunction)?;
        let rows = fields.arguments.get("arguments", "a list")?;
        let said = fields.records.get("num_records", "a whole number")?;
        if u64::try_from(rows.len()) != Ok(said) {
            return Err(Fault::Records { said, found: rows.len() });
        }
        if let Some((row, fault)) = rows.fault() {
            return Err(fault.at(row));
        }
        let expected = function.arguments().len() + 1;
        if let Some(run) = rows.runs().iter().find(|run| run.arguments + 1 != expected) {
            return Err(RowFault::Arguments { expected, found: run.arguments + 1 }.at(run.row));
        }
        let user = match fields.user {
            Seen::Not if !function.needs_user() => String::new(),
            user => user.get("user", "a text")?,
        };
        Ok(Request { function, user, rows })
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { fields: deserializer.deserialize_any(FieldsVisitor)? })
    }
}

/// A request that can be answered.
pub struct Request {
    function: Function,
    user: String,
    rows: Rows,
}

impl Request {
    /// Which function was called.
    #[must_use]
    pub fn function(&self) -> Function {
        self.function
    }

    /// Who asks: the database user that runs the query.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The rows.
    #[must_use]
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// Whether a key is needed: not by every function, and not if every value is null.
    #[must_use]
    pub fn needs_secret(&self) -> bool {
        self.function.needs_secret() && self.rows.has_values()
    }

    /// The columns that are to be unmasked. They must be permitted before the request is answered.
    #[must_use]
    pub fn unmasks(&self) -> BTreeSet<Column> {
        let mut columns = BTreeSet::new();
        if self.function == Function::Unmask {
            for (run, rows) in self.runs() {
                if let (Some(source), Some(column)) = (self.rows.argument(run, 1), self.rows.argument(run, 2))
                    && rows.into_iter().any(|row| self.rows.value(row).is_some())
                {
                    columns.insert(Column { source: source.to_owned(), column: column.to_owned() });
                }
            }
        }
        columns
    }

    /// The runs of rows that share their arguments, which cover every row.
    pub(crate) fn runs(&self) -> impl Iterator<Item = (&Run, Range<usize>)> {
        let ends = self.rows.runs().iter().skip(1).map(|run| run.row).chain(std::iter::once(self.rows.len()));
        self.rows.runs().iter().zip(ends).map(|(run, end)| (run, run.row..end))
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("function", &self.function).field("rows", &self.rows).finish_non_exhaustive()
    }
}

/// Visits anything; what is not expected gives `None`.
macro_rules! otherwise_none {
    ($($name:ident($type:ty)),*) => {
        $(fn $name<E>(self, _: $type) -> Result<Self::Value, E> {
            Ok(None)
        })*

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
    };
}

macro_rules! lists_none {
    () => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok(None)
        }
    };
}

macro_rules! objects_none {
    () => {
        fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
            while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(None)
        }
    };
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Option<Fields>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a request")
    }

    otherwise_none!(visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_f64(f64), visit_str(&str));
    lists_none!();

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields::default();
        while let Some(field) = object.next_key::<Field>()? {
            match field {
                Field::Function => fields.function.meet(object.next_value::<Text>()?.0),
                Field::User => fields.user.meet(object.next_value::<Text>()?.0),
                Field::Records => fields.records.meet(object.next_value::<Number>()?.0),
                Field::Arguments => fields.arguments.meet(Rows::read(object.next_value::<&RawValue>()?.get())),
                Field::Other => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Some(fields))
    }
}

enum Field {
    Function,
    User,
    Records,
    Arguments,
    Other,
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;

        impl Visitor<'_> for NameVisitor {
            type Value = Field;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field")
            }

            fn visit_str<E>(self, name: &str) -> Result<Field, E> {
                Ok(match name {
                    "external_function" => Field::Function,
                    "user" => Field::User,
                    "num_records" => Field::Records,
                    "arguments" => Field::Arguments,
                    _ => Field::Other,
                })
            }
        }

        deserializer.deserialize_identifier(NameVisitor)
    }
}

/// A text, or something else.
struct Text(Option<String>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Option<String>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Some(text.to_owned()))
            }

            otherwise_none!(visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_f64(f64));
            lists_none!();
            objects_none!();
        }

        Ok(Self(deserializer.deserialize_any(TextVisitor)?))
    }
}

/// A whole number that is not negative, or something else.
struct Number(Option<u64>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberVisitor;

        impl<'de> Visitor<'de> for NumberVisitor {
            type Value = Option<u64>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Some(number))
            }

            otherwise_none!(visit_bool(bool), visit_i64(i64), visit_f64(f64), visit_str(&str));
            lists_none!();
            objects_none!();
        }

        Ok(Self(deserializer.deserialize_any(NumberVisitor)?))
    }
}

#[cfg(test)]
mod tests;
