//! Replacing what a pattern matches, in linear time whatever the pattern and the value are.
//!
//! Patterns are those of the crate `regex` (<https://docs.rs/regex/latest/regex/#syntax>): Unicode, without look-around and
//! without back-references inside the pattern, which can't be matched in linear time. The replacement is written as in SQL:
//! `\1` to `\9` stand for what a group matched, `\\` for a backslash, and everything else, `$` too, for itself.

mod class;

use regex::{CaptureLocations, Regex, RegexBuilder};

use self::class::Class;

/// The longest pattern in bytes.
pub const MAX_PATTERN_BYTES: usize = 2_048;
/// The longest replacement in bytes.
pub const MAX_REPLACEMENT_BYTES: usize = 65_535;
/// The most memory of a compiled pattern.
const MAX_COMPILED_BYTES: usize = 1 << 20;
/// The most memory that a pattern uses to match faster.
const MAX_CACHE_BYTES: usize = 2 << 20;

/// Why a pattern, replacement or flags can't be used. It holds nothing of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RegexError {
    /// A long pattern.
    #[error("`pattern` has more than {MAX_PATTERN_BYTES} bytes")]
    TooLong,
    /// A pattern that can't be read.
    #[error("`pattern` is not a regular expression of the supported syntax")]
    Syntax,
    /// A pattern such as `(\w{1000}){1000}`.
    #[error("`pattern` needs more than {MAX_COMPILED_BYTES} bytes once compiled")]
    TooLarge,
    /// A long replacement.
    #[error("`replacement` has more than {MAX_REPLACEMENT_BYTES} bytes")]
    ReplacementTooLong,
    /// A backslash before something else.
    #[error(r"`replacement` has a backslash that is not followed by a digit from 1 to 9 or a backslash")]
    Escape,
    /// A group that the pattern hasn't.
    #[error(r"`replacement` refers to group \{0}, which `pattern` does not have")]
    NoGroup(u8),
    /// A flag that is unknown.
    #[error("`flags` holds something else than `g` and `i`")]
    Flags,
}

/// What to do with matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags {
    /// Replace every match, not only the first.
    pub global: bool,
    /// Letters match in either case.
    pub ignore_case: bool,
}

impl Flags {
    /// Reads letters of `gi`, in any order.
    ///
    /// # Errors
    /// [`RegexError::Flags`].
    pub fn parse(letters: &str) -> Result<Self, RegexError> {
        let mut flags = Self::default();
        for letter in letters.chars() {
            match letter {
                'g' => flags.global = true,
                'i' => flags.ignore_case = true,
                _ => return Err(RegexError::Flags),
            }
        }
        Ok(flags)
    }
}

/// A pattern and its replacement, ready for any number of values.
#[derive(Debug)]
pub struct Replacer {
    regex: Regex,
    global: bool,
    replacement: Replacement,
}

#[derive(Debug)]
enum Replacement {
    /// The same text for every match of a pattern that is one repeated class of characters.
    Class { class: Class, text: String },
    /// The same text for every match.
    Text(String),
    /// Depends on the match.
    Pieces { pieces: Vec<Piece>, locations: CaptureLocations },
}

#[derive(Debug)]
enum Piece {
    Text(String),
    Group(u8),
}

/// Whether a pattern and its replacement can be used.
///
/// # Errors
/// [`RegexError`] with what is wrong.
pub fn check(pattern: &str, replacement: &str, flags: Flags) -> Result<(), RegexError> {
    Replacer::new(pattern, replacement, flags).map(|_| ())
}

impl Replacer {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// [`RegexError`] with what is wrong.
    pub fn new(pattern: &str, replacement: &str, flags: Flags) -> Result<Self, RegexError> {
        if pattern.len() > MAX_PATTERN_BYTES {
            return Err(RegexError::TooLong);
        }
        if replacement.len() > MAX_REPLACEMENT_BYTES {
            return Err(RegexError::ReplacementTooLong);
        }
        let regex = RegexBuilder::new(pattern)
            .case_insensitive(flags.ignore_case)
            .size_limit(MAX_COMPILED_BYTES)
            .dfa_size_limit(MAX_CACHE_BYTES)
            .build()
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => RegexError::TooLarge,
                _ => RegexError::Syntax,
            })?;
        let mut pieces = pieces(replacement)?;
        for piece in &pieces {
            if let Piece::Group(group) = piece
                && usize::from(*group) >= regex.captures_len()
            {
                return Err(RegexError::NoGroup(*group));
            }
        }
        let text = match pieces.as_mut_slice() {
            [] => Some(String::new()),
            [Piece::Text(text)] => Some(std::mem::take(text)),
            _ => None,
        };
        let replacement = match (text, Class::new(pattern, flags.ignore_case)) {
            (Some(text), Some(class)) => Replacement::Class { class, text },
            (Some(text), None) => Replacement::Text(text),
            (None, _) => Replacement::Pieces { pieces, locations: regex.capture_locations() },
        };
        Ok(Self { regex, global: flags.global, replacement })
    }

    /// Appends the value with its matches replaced. Gives up, and returns `None`, once that has more than `most` bytes.
    pub fn replace(&mut self, value: &str, most: usize, out: &mut String) -> Option<()> {
        let Self { regex, global, replacement } = self;
        let end = out.len() + most;
        let mut copied = 0;
        match replacement {
            Replacement::Class { class, text } => {
                while let Some((start, found)) = class.find(value, copied) {
                    out.push_str(value.get(copied..start)?);
                    out.push_str(text);
                    copied = found;
                    if out.len() > end {
                        return None;
                    }
                    if !*global {
                        break;
                    }
                }
            }
            Replacement::Text(text) => {
                for found in regex.find_iter(value).take(if *global { usize::MAX } else { 1 }) {
                    out.push_str(value.get(copied..found.start())?);
                    out.push_str(text);
                    copied = found.end();
                    if out.len() > end {
                        return None;
                    }
                }
            }
            Replacement::Pieces { pieces, locations } => {
                let mut from = 0;
                let mut previous = None;
                while let Some(found) = regex.captures_read_at(locations, value, from) {
                    if found.is_empty() && previous == Some(found.end()) {
                        // An empty match right behind the previous match would be found for ever.
                        let Some(next) = value.get(found.end()..)?.chars().next() else { break };
                        from = found.end() + next.len_utf8();
                        continue;
                    }
                    out.push_str(value.get(copied..found.start())?);
                    for piece in pieces.iter() {
                        match piece {
                            Piece::Text(text) => out.push_str(text),
                            // A group that takes no part in the match is empty.
                            Piece::Group(group) => {
                                if let Some((start, end)) = locations.get(usize::from(*group)) {
                                    out.push_str(value.get(start..end)?);
                                }
                            }
                        }
                    }
                    copied = found.end();
                    if out.len() > end {
                        return None;
                    }
                    if !*global {
                        break;
                    }
                    (from, previous) = (found.end(), Some(found.end()));
                }
            }
        }
        out.push_str(value.get(copied..)?);
        (out.len() <= end).then_some(())
    }
}

fn pieces(replacement: &str) -> Result<Vec<Piece>, RegexError> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut characters = replacement.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        match characters.next() {
            Some('\\') => text.push('\\'),
            Some(digit @ '1'..='9') => {
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                pieces.push(Piece::Group(digit as u8 - b'0'));
            }
            _ => return Err(RegexError::Escape),
        }
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn replace(value: &str, pattern: &str, replacement: &str, flags: &str) -> String {
        let mut out = String::new();
        let flags = Flags::parse(flags).unwrap();
        Replacer::new(pattern, replacement, flags).unwrap().replace(value, 1000, &mut out).unwrap();
        out
    }

    #[test]
    fn matches_are_replaced() {
        for (value, pattern, replacement, flags, expected) in [
            ("123-45-6789", r"\d", "X", "", "X23-45-6789"),
            ("123-45-6789", r"\d", "X", "g", "XXX-XX-XXXX"),
            ("123-45-6789", r"^\d{3}-\d{2}-(\d{4})$", r"XXX-XX-\1", "", "XXX-XX-6789"),
            ("ann@example.com", r"^[^@]+@", "***@", "", "***@example.com"),
            ("ABC abc", "b", "_", "gi", "A_C a_c"),
            ("ABC abc", "b", "_", "ig", "A_C a_c"),
            ("ABC abc", "b", "_", "i", "A_C abc"),
            ("a.b", ".", "$1", "g", "$1$1$1"),
            ("a", "(a)", r"\\1\1$1", "", r"\1a$1"),
            ("ab", "(a)|(b)", r"[\1\2]", "g", "[a][b]"),
            ("Zürich", r"\w", "x", "g", "xxxxxx"),
            ("Zürich", "[äöü]", "?", "g", "Z?rich"),
            ("𝒳y", ".", "-", "g", "--"),
            ("abc", "x*", "-", "g", "-a-b-c-"),
            ("abc", "(x*)", r"-\1", "g", "-a-b-c-"),
            ("é", "(x*)", r"-\1", "g", "-é-"),
            ("", "(x*)", r"-\1", "g", "-"),
            ("axxb", "(x*)", r"<\1>", "g", "<>a<xx>b<>"),
            ("no match", "z", "-", "g", "no match"),
            ("gone", ".*", "", "g", ""),
            ("12345", r"\d{2}", "-", "g", "--5"),
            ("12345 678", r"\d{2,3}", "-", "g", "-- -"),
            ("12345", r"\d{2,3}?", "-", "g", "--5"),
            ("1 23 456", r"\d{2,}", "-", "", "1 - 456"),
            ("a\nb", ".", "-", "g", "-\n-"),
            ("É e", "é", "-", "gi", "- e"),
        ] {
            assert_eq!(replace(value, pattern, replacement, flags), expected, "{value} {pattern} {replacement}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let new = |pattern: &str, replacement: &str| check(pattern, replacement, Flags::default()).unwrap_err();
        assert_eq!(new(&"a".repeat(MAX_PATTERN_BYTES + 1), ""), RegexError::TooLong);
        assert_eq!(new("a", &"a".repeat(MAX_REPLACEMENT_BYTES + 1)), RegexError::ReplacementTooLong);
        for pattern in ["(", "a{2,1}", r"(a)\1", "(?=a)", "(?<!a)b", "[b-a]"] {
            assert_eq!(new(pattern, ""), RegexError::Syntax, "{pattern}");
        }
        assert_eq!(new(r"(\w{1000}){1000}", ""), RegexError::TooLarge);
        assert_eq!(new("(a)", r"\2"), RegexError::NoGroup(2));
        for replacement in [r"\", r"\0", r"\&", r"\n", r"a\\\"] {
            assert_eq!(new("(a)", replacement), RegexError::Escape, "{replacement}");
        }
        assert_eq!(Flags::parse("gx"), Err(RegexError::Flags));
        assert_eq!(Flags::parse("G"), Err(RegexError::Flags));
    }

    #[test]
    fn a_result_that_grows_too_long_is_given_up() {
        for (pattern, replacement) in [("", "ab"), ("()", r"\1ab"), ("z", "")] {
            let mut out = String::new();
            let mut replacer = Replacer::new(pattern, replacement, Flags::parse("g").unwrap()).unwrap();
            assert_eq!(replacer.replace(&"a".repeat(60), 50, &mut out), None, "{pattern}");
            assert!(out.len() <= 120, "{}", out.len());
        }
    }

    /// In an engine that tries every way to match, these take longer than anyone waits.
    #[test]
    fn no_pattern_takes_for_ever() {
        let value = "a".repeat(20_000);
        for pattern in ["(a+)+$b", "(a|aa)+b", "(.*a){12}b", "(a?){50}a{50}c"] {
            let mut out = String::new();
            let mut replacer = Replacer::new(pattern, "x", Flags::default()).unwrap();
            replacer.replace(&value, value.len(), &mut out).unwrap();
            assert_eq!(out, value, "{pattern}");
        }
    }

    proptest! {
        /// Both ways to replace agree with the crate's own.
        #[test]
        fn as_the_crate_replaces(
            value in "[ab€x]{0,12}",
            pattern in "(a|b|€|x|\\.|\\(a\\*\\)|\\(b\\?\\)|\\[ab\\]){1,4}[*?+]?",
            text in "[ab$]{0,3}",
            global: bool,
        ) {
            prop_assume!(Regex::new(&pattern).is_ok());
            let regex = Regex::new(&pattern).unwrap();
            let flags = Flags { global, ignore_case: false };
            let limit = usize::from(!global);
            let mut out = String::new();
            Replacer::new(&pattern, &text, flags).unwrap().replace(&value, 1000, &mut out).unwrap();
            prop_assert_eq!(&out, &regex.replacen(&value, limit, regex::NoExpand(&text)));
            if regex.captures_len() > 1 {
                let mut out = String::new();
                Replacer::new(&pattern, &format!(r"<\1>{text}"), flags).unwrap().replace(&value, 1000, &mut out).unwrap();
                let theirs = format!("<${{1}}>{}", text.replace('$', "$$"));
                prop_assert_eq!(&out, &regex.replacen(&value, limit, theirs.as_str()));
            }
        }

        /// Repeated classes, which have a way of their own.
        #[test]
        fn classes_as_the_crate_replaces(
            value in "[aäÄ€x\n ]{0,12}",
            class in prop::sample::select(vec![r"\w", r"\W", r"[aä]", "[^a]", ".", "(?s:.)", "[€x-z]", r"\s", r"\pL"]),
            repeat in "|\\+|\\{[12]\\}|\\{1,3\\}|\\{2,\\}|\\{2,3\\}",
            (global, ignore_case) in any::<(bool, bool)>(),
        ) {
            let pattern = format!("{class}{repeat}");
            prop_assert!(Class::new(&pattern, ignore_case).is_some());
            let regex = RegexBuilder::new(&pattern).case_insensitive(ignore_case).build().unwrap();
            let mut out = String::new();
            Replacer::new(&pattern, "-", Flags { global, ignore_case }).unwrap().replace(&value, 1000, &mut out).unwrap();
            prop_assert_eq!(&out, &regex.replacen(&value, usize::from(!global), "-"));
        }

        #[test]
        fn whatever_is_given_nothing_panics(value: String, pattern: String, replacement: String, flags in "[gi]{0,2}") {
            if let Ok(mut replacer) = Replacer::new(&pattern, &replacement, Flags::parse(&flags).unwrap()) {
                let _ = replacer.replace(&value, 100, &mut String::new());
            }
        }
    }
}
