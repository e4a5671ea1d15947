//! Where in a document something is.

use std::fmt;

use super::describe;

/// A place in a document, written as `policy.rules[2].mask`; the whole document is `$`.
///
/// A path borrows the path above it, so walking a document allocates nothing until there is a fault to report.
#[derive(Debug, Clone, Copy)]
pub enum Path<'a> {
    /// The whole document.
    Root,
    /// A field of an object.
    Field(&'a Path<'a>, &'a str),
    /// An item of a list, counted from 0.
    Item(&'a Path<'a>, usize),
}

impl<'a> Path<'a> {
    /// A field below this place.
    #[must_use]
    pub fn field(&'a self, name: &'a str) -> Path<'a> {
        Path::Field(self, name)
    }

    /// An item below this place, counted from 0.
    #[must_use]
    pub fn item(&'a self, index: usize) -> Path<'a> {
        Path::Item(self, index)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => f.write_str("$"),
            Path::Item(Path::Root, index) => write!(f, "[{index}]"),
            Path::Item(above, index) => write!(f, "{above}[{index}]"),
            Path::Field(above, name) => {
                let nested = !matches!(above, Path::Root);
                if nested {
                    above.fmt(f)?;
                }
                match plain(name) {
                    true if nested => write!(f, ".{name}"),
                    true => f.write_str(name),
                    false => write!(f, "[\"{}\"]", describe::shortened(name)),
                }
            }
        }
    }
}

/// Names that need no quotes in a path.
fn plain(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    (1..=describe::LONGEST).contains(&name.len()) && name.chars().all(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_written_with_dots_and_indexes() {
        let root = Path::Root;
        let rules = root.field("policy");
        let rules = rules.field("rules");
        let rule = rules.item(2);
        assert_eq!(root.to_string(), "$");
        assert_eq!(root.item(3).to_string(), "[3]");
        assert_eq!(rule.field("mask").to_string(), "policy.rules[2].mask");
        assert_eq!(root.field("detail-type").to_string(), "detail-type");
    }

    #[test]
    fn odd_names_are_quoted_escaped_and_cut() {
        assert_eq!(Path::Root.field("cost centre").to_string(), r#"["cost centre"]"#);
        assert_eq!(Path::Root.field("").to_string(), r#"[""]"#);
        assert_eq!(Path::Root.field("a\"]\n\u{0}\u{202e}").to_string(), r#"["a\"]\n\0\u{202e}"]"#);
        let long = "x".repeat(1000);
        let attributes = Path::Root.field("attributes");
        assert_eq!(attributes.field(&long).to_string(), format!("attributes[\"{}…\"]", "x".repeat(64)));
    }
}
