//! Masks, as checked: everything that can be known about them before a column is.

use super::{
    collect::Collector,
    condition::{Condition, check_values},
    name::{compile, found},
    policy::{RegexEngine, TimeUnit, hundredths},
};
use crate::{
    event::{Fault, wire},
    expression::{Expression, Kind},
    sql::{Text, data_type::MAX_VARCHAR},
};

/// How a value is masked.
#[derive(Debug, Clone, PartialEq)]
pub enum Mask {
    /// Not at all.
    Clear,
    /// A null.
    Null,
    /// Always this value, as text; whether it fits is known once the column is.
    Constant(Constant),
    /// A salted digest.
    Hash,
    /// Rounded down.
    Round {
        /// To multiples of this, for numbers; above 0.
        bucket: Option<i64>,
        /// To this unit, for dates and times.
        unit: Option<TimeUnit>,
    },
    /// Partly shown.
    Show {
        /// Characters shown at the start.
        first: u32,
        /// Characters shown at the end.
        last: u32,
        /// One ASCII character that stands for each hidden one.
        replace_with: Text,
    },
    /// The value of an expression over the row.
    Custom(Expression),
    /// Matches of a regular expression replaced.
    Regex(RegexMask),
    /// Encrypted, to be undone by those who meet the condition, or by nobody.
    Reversible {
        /// Who.
        unmask: Option<Condition>,
    },
    /// Encrypted in place.
    FormatPreserving {
        /// The characters of text that are encrypted, each once, ascending.
        alphabet: Text,
    },
    /// Possibly another value.
    RandomizedResponse(Randomized),
}

/// A constant as the policy wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Constant {
    /// Text, also for dates and times.
    Text(Text),
    /// A number without exponent.
    Number(Text),
    /// A truth value.
    Bool(bool),
}

/// A regular expression and what stands in for its matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegexMask {
    /// The pattern.
    pub pattern: Text,
    /// What stands in for a match; `\1` to `\9` are groups.
    pub replace_with: Text,
    /// Upper and lower case count as the same.
    pub ignore_case: bool,
    /// Only the first match is replaced.
    pub first_only: bool,
    /// Who evaluates it.
    pub engine: RegexEngine,
}

/// What randomized response gives, by the kind of column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Randomized {
    /// For text: the values that stand in, and how often the truth is told, in hundredths of a percent.
    pub categories: Option<(Vec<Text>, u32)>,
    /// For numbers: the most that is added or taken away; above 0.
    pub noise: Option<i64>,
    /// For dates and times: the most days that are added or taken away; above 0.
    pub noise_days: Option<u32>,
}

/// Most bytes of a replacement.
const MAX_REPLACEMENT_BYTES: usize = 512;
/// Most characters of an alphabet.
const MAX_ALPHABET: usize = 1_024;
/// Most days of noise.
const MAX_NOISE_DAYS: u32 = 36_500;
/// Most categories.
const MAX_CATEGORIES: usize = 1_000;

const DIGITS: &str = "0123456789";
const ALPHANUMERICS: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

impl Mask {
    pub(super) fn collect(faults: &mut Collector, path: &str, wire: &wire::Mask) -> Option<Self> {
        match wire {
            wire::Mask::Clear => Some(Self::Clear),
            wire::Mask::Null => Some(Self::Null),
            wire::Mask::Hash => Some(Self::Hash),
            wire::Mask::Constant { value } => {
                faults.take(constant(&format!("{path}.value"), value)).map(Self::Constant)
            }
            wire::Mask::Round { bucket, unit } => {
                if bucket.is_none() && unit.is_none() {
                    faults.push(Fault::new(path, "neither `bucket` nor `unit`", "at least one of them"));
                }
                let bucket = positive(faults, &format!("{path}.bucket"), *bucket);
                Some(Self::Round { bucket, unit: *unit })
            }
            wire::Mask::Show { first, last, replace_with } => {
                show(faults, path, *first, *last, replace_with.as_deref())
            }
            wire::Mask::Custom { expression: text } => {
                expression(faults, &format!("{path}.expression"), text, Kind::MaskValue).map(Self::Custom)
            }
            wire::Mask::Regex { .. } => RegexMask::collect(faults, path, wire).map(Self::Regex),
            wire::Mask::Reversible { unmask: None } => Some(Self::Reversible { unmask: None }),
            wire::Mask::Reversible { unmask: Some(condition) } => {
                let unmask = Condition::check(faults, &format!("{path}.unmask"), condition)?;
                Some(Self::Reversible { unmask: Some(unmask) })
            }
            wire::Mask::FormatPreserving { alphabet } => {
                let characters = match alphabet {
                    None | Some(wire::Alphabet::Alphanumerics) => ALPHANUMERICS,
                    Some(wire::Alphabet::Digits) => DIGITS,
                    Some(wire::Alphabet::Characters(characters)) => characters,
                };
                let alphabet = faults.take(alphabet_of(&format!("{path}.alphabet.characters"), characters))?;
                Some(Self::FormatPreserving { alphabet })
            }
            wire::Mask::RandomizedResponse { values, truth_percent, noise, noise_days } => {
                Randomized::collect(faults, path, values.as_deref(), *truth_percent, *noise, *noise_days)
                    .map(Self::RandomizedResponse)
            }
        }
    }
}

/// A count above 0 that SQL can carry.
fn positive(faults: &mut Collector, path: &str, count: Option<u64>) -> Option<i64> {
    let checked = i64::try_from(count?).ok().filter(|count| *count > 0);
    if checked.is_none() {
        let found = format!("`{}`", count.unwrap_or_default());
        faults.push(Fault::new(path, found, "a whole number from 1 to 9223372036854775807"));
    }
    checked
}

fn show(
    faults: &mut Collector,
    path: &str,
    first: Option<u32>,
    last: Option<u32>,
    replace_with: Option<&str>,
) -> Option<Mask> {
    let (first, last) = (first.unwrap_or(0), last.unwrap_or(0));
    if first == 0 && last == 0 {
        faults.push(Fault::new(path, "neither `first` nor `last`", "at least one of them, above 0"));
    }
    for (name, count) in [("first", first), ("last", last)] {
        if count > MAX_VARCHAR {
            faults.push(Fault::new(format!("{path}.{name}"), format!("`{count}`"), "at most 65535 characters"));
        }
    }
    let replace_with = match replace_with {
        None => Text::fixed("*"),
        Some(text) if text.len() == 1 && text.bytes().all(|b| b.is_ascii_graphic()) => {
            faults.take(Text::new(text).map_err(|e| Fault::new(path, e.to_string(), "text")))?
        }
        Some(text) => {
            let expected = "one printable ASCII character, so that the value never gets longer";
            faults.push(Fault::new(format!("{path}.replace_with"), found(text), expected));
            return None;
        }
    };
    Some(Mask::Show { first, last, replace_with })
}

fn constant(path: &str, value: &serde_json::Value) -> Result<Constant, Fault> {
    let expected = "a text, a number without exponent, or a truth value";
    match value {
        serde_json::Value::String(text) => {
            Text::new(text.as_str()).map(Constant::Text).map_err(|error| Fault::new(path, error.to_string(), expected))
        }
        serde_json::Value::Bool(value) => Ok(Constant::Bool(*value)),
        serde_json::Value::Number(number) => {
            let text = number.to_string();
            if text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-') {
                Text::new(text).map(Constant::Number).map_err(|error| Fault::new(path, error.to_string(), expected))
            } else {
                Err(Fault::new(path, format!("`{text}`"), expected))
            }
        }
        serde_json::Value::Null => Err(Fault::new(path, "a null", format!("{expected}; the mask `null` gives nulls"))),
        serde_json::Value::Array(_) => Err(Fault::new(path, "a list", expected)),
        serde_json::Value::Object(_) => Err(Fault::new(path, "an object", expected)),
    }
}

/// Parses SQL that a policy's author wrote.
pub(super) fn expression(faults: &mut Collector, path: &str, text: &str, kind: Kind) -> Option<Expression> {
    faults.take(Expression::parse(text, kind).map_err(|error| {
        Fault::new(path, format!("{} at {}", error.found, error.place), error.expected.clone()).hint(error.hint)
    }))
}

impl RegexMask {
    fn collect(faults: &mut Collector, path: &str, wire: &wire::Mask) -> Option<Self> {
        let wire::Mask::Regex { pattern, replace_with, ignore_case, first_only, engine } = wire else { return None };
        let at_pattern = format!("{path}.pattern");
        let compiled = faults.take(compile(&at_pattern, pattern, *ignore_case))?;
        let groups = compiled.captures_len().saturating_sub(1);
        let replacement = faults.take(replacement(&format!("{path}.replace_with"), replace_with, groups));
        if *engine == RegexEngine::Redshift {
            faults.take(regex_subset::check(&at_pattern, pattern));
            for (name, set) in [("ignore_case", ignore_case), ("first_only", first_only)] {
                if *set {
                    let expected = "no such option with `engine: redshift`, whose own may mean something else";
                    faults.push(Fault::new(format!("{path}.{name}"), "`true`", expected));
                }
            }
            if replace_with.contains(['\\', '$', '&']) {
                let expected = "no `\\`, `$` or `&` with `engine: redshift`, where what they mean is not documented";
                faults.push(Fault::new(format!("{path}.replace_with"), found(replace_with), expected));
            }
        }
        let pattern = Text::new(pattern.as_str()).map_err(|error| Fault::new(at_pattern, error.to_string(), "text"));
        Some(Self {
            pattern: faults.take(pattern)?,
            replace_with: replacement?,
            ignore_case: *ignore_case,
            first_only: *first_only,
            engine: *engine,
        })
    }
}

/// Checks a replacement: `\1` to `\9` must be groups that the pattern has, `\\` is a backslash.
fn replacement(path: &str, text: &str, groups: usize) -> Result<Text, Fault> {
    let expected = || format!("text of at most {MAX_REPLACEMENT_BYTES} bytes");
    if text.len() > MAX_REPLACEMENT_BYTES {
        return Err(Fault::new(path, format!("{} bytes", text.len()), expected()));
    }
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            continue;
        }
        match characters.next() {
            Some('\\') => {}
            Some(digit @ '1'..='9') => {
                let group = usize::try_from(u32::from(digit) - u32::from('0')).unwrap_or(usize::MAX);
                if group > groups {
                    let expected = format!("a group that the pattern has; it has {groups}");
                    return Err(Fault::new(path, format!("`\\{digit}`"), expected));
                }
            }
            _ => return Err(Fault::new(path, "a single `\\`", "`\\1` to `\\9` for a group, `\\\\` for a backslash")),
        }
    }
    Text::new(text).map_err(|error| Fault::new(path, error.to_string(), expected()))
}

/// Checks an alphabet and puts it in order, so that how it was written plays no part.
fn alphabet_of(path: &str, characters: &str) -> Result<Text, Fault> {
    let mut sorted: Vec<char> = characters.chars().collect();
    sorted.sort_unstable();
    let count = sorted.len();
    sorted.dedup();
    if sorted.len() != count || !(2..=MAX_ALPHABET).contains(&count) || sorted.iter().any(|c| c.is_control()) {
        let expected = format!("2 to {MAX_ALPHABET} characters, each once and none a control character");
        return Err(Fault::new(path, found(characters), expected));
    }
    Text::new(sorted.into_iter().collect::<String>()).map_err(|error| Fault::new(path, error.to_string(), "text"))
}

impl Randomized {
    fn collect(
        faults: &mut Collector,
        path: &str,
        values: Option<&[String]>,
        truth_percent: Option<f64>,
        noise: Option<u64>,
        noise_days: Option<u32>,
    ) -> Option<Self> {
        let categories = match (values, truth_percent) {
            (Some(values), Some(percent)) => {
                let at = format!("{path}.values");
                if values.len() > MAX_CATEGORIES {
                    let expected = format!("at most {MAX_CATEGORIES} values");
                    faults.push(Fault::new(&at, format!("{} values", values.len()), expected));
                }
                let checked = check_values(faults, &at, values);
                let truth = faults.take(hundredths(&format!("{path}.truth_percent"), percent));
                checked.zip(truth).map(|(values, truth)| (values.into_iter().collect(), truth))
            }
            (None, None) => None,
            _ => {
                faults.push(Fault::new(path, "one of `values` and `truth_percent`", "both of them or none"));
                None
            }
        };
        if values.is_none() && truth_percent.is_none() && noise.is_none() && noise_days.is_none() {
            let expected = "at least one of them";
            faults.push(Fault::new(path, "neither `values`, `noise` nor `noise_days`", expected));
        }
        let noise = positive(faults, &format!("{path}.noise"), noise);
        if let Some(days) = noise_days.filter(|days| !(1..=MAX_NOISE_DAYS).contains(days)) {
            faults.push(Fault::new(
                format!("{path}.noise_days"),
                format!("`{days}`"),
                format!("1 to {MAX_NOISE_DAYS} days"),
            ));
        }
        Some(Self { categories, noise, noise_days })
    }
}

mod regex_subset;
