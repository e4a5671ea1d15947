//! Words for people: names on one line whatever they hold, selectors, lists.

use std::fmt;

use crate::event::wire::ColumnSelector;

/// Items of a list that are printed; the rest is counted.
const PRINTED: usize = 5;

/// A name between backquotes. What would break the line, leave the quotes or not be seen is escaped.
pub(super) struct Name<'a>(pub(super) &'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`")?;
        for character in self.0.chars() {
            if character == '`' {
                f.write_str("\\`")?;
            } else {
                escaped(f, character)?;
            }
        }
        f.write_str("`")
    }
}

/// A text on one line that has backquotes of its own.
pub(super) struct Line<'a>(pub(super) &'a str);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| escaped(f, character))
    }
}

fn escaped(f: &mut fmt::Formatter<'_>, character: char) -> fmt::Result {
    match character {
        '\'' | '"' => write!(f, "{character}"),
        _ => write!(f, "{}", character.escape_debug()),
    }
}

/// Names with commas between; of a long list the first ones.
pub(super) struct Names<'a>(pub(super) &'a [String]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().take(PRINTED).enumerate() {
            write!(f, "{}{}", if index == 0 { "" } else { ", " }, Name(name))?;
        }
        match self.0.len().checked_sub(PRINTED) {
            None | Some(0) => Ok(()),
            Some(more) => write!(f, " and {more} more"),
        }
    }
}

/// Which columns are meant, after «columns».
pub(super) struct Selected<'a>(pub(super) &'a ColumnSelector);

impl fmt::Display for Selected<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ColumnSelector::Tag(tag) => write!(f, "tagged {}", Name(tag)),
            ColumnSelector::Name(name) => write!(f, "named {}", Name(name)),
            ColumnSelector::NameRegex(pattern) => write!(f, "whose name matches {}", Name(pattern)),
            ColumnSelector::Untagged => f.write_str("without a tag"),
            ColumnSelector::All => f.write_str("of any kind"),
        }
    }
}

/// A share in hundredths of a percent as people write it: `12.5%`.
pub(super) struct Percent(pub(super) u32);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 100, self.0 % 100);
        match (rest, rest % 10) {
            (0, _) => write!(f, "{whole}%"),
            (_, 0) => write!(f, "{whole}.{}%", rest / 10),
            _ => write!(f, "{whole}.{rest:02}%"),
        }
    }
}

/// A count with its noun.
pub(super) fn count(count: usize, one: &str, several: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {several}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_stay_on_their_line_and_in_their_quotes() {
        for (name, printed) in [
            ("it's \"x\"", "`it's \"x\"`"),
            ("a\nb", "`a\\nb`"),
            ("a`b", "`a\\`b`"),
            ("a\\`", "`a\\\\\\``"),
            ("\u{202e}abc", "`\\u{202e}abc`"),
            ("é🦀", "`é🦀`"),
        ] {
            assert_eq!(Name(name).to_string(), printed);
        }
    }

    #[test]
    fn long_lists_are_counted() {
        let names: Vec<String> = (0..7).map(|number| number.to_string()).collect();
        assert_eq!(Names(&names).to_string(), "`0`, `1`, `2`, `3`, `4` and 2 more");
        assert_eq!(Names(&names[..5]).to_string(), "`0`, `1`, `2`, `3`, `4`");
    }

    #[test]
    fn shares_have_no_more_digits_than_they_need() {
        assert_eq!(
            [1, 10, 1250, 1205, 5000].map(|share| Percent(share).to_string()),
            ["0.01%", "0.1%", "12.5%", "12.05%", "50%"]
        );
    }
}
