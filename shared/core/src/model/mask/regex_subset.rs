//! Patterns that mean the same to Redshift's `REGEXP_REPLACE` as to the `mask` function.
//!
//! POSIX engines look for the longest match, others for the first; they agree where only one match can begin at a place. So
//! the subset is a row of single characters and bracketed classes of printable ASCII, each with a quantifier, in which
//! whatever a repeated one could take is nothing that may come next. No groups, alternatives, dots, backslashes or anchors in
//! between; what they mean differs or is not documented
//! (<https://docs.aws.amazon.com/redshift/latest/dg/REGEXP_REPLACE.html>).

use crate::event::Fault;

/// Characters of printable ASCII that one place of a pattern may match.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Class(u128);

impl Class {
    fn one(character: char) -> Option<Self> {
        (' '..='~').contains(&character).then(|| Self(1 << u32::from(character)))
    }

    fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// A place of a pattern.
struct Atom {
    class: Class,
    /// Whether characters outside ASCII match too, as they do in a negated class.
    others: bool,
    least: u32,
    varies: bool,
}

/// Most repetitions: <https://docs.aws.amazon.com/redshift/latest/dg/pattern-matching-conditions-posix.html>.
const MAX_REPETITIONS: u32 = 255;

/// Checks that a pattern is in the subset.
///
/// # Errors
/// A fault that names the path and what does not belong.
pub(super) fn check(path: &str, pattern: &str) -> Result<(), Fault> {
    let fault = |found: String, expected: &str| Fault::new(path, found, expected.to_owned());
    let inner = pattern.strip_prefix('^').unwrap_or(pattern);
    let inner = inner.strip_suffix('$').unwrap_or(inner);
    let mut rest = inner.chars().peekable();
    let mut atoms: Vec<Atom> = Vec::new();
    while let Some(character) = rest.next() {
        let (class, others) = match character {
            '[' => {
                let mut inside = String::new();
                loop {
                    match rest.next() {
                        // A closing bracket that comes first is a member of the class to some engines.
                        Some(']') if !inside.is_empty() && inside != "^" => break,
                        Some(c @ (']' | '[')) => {
                            return Err(fault(format!("`{c}` in a class"), "classes without brackets"));
                        }
                        Some(c) => inside.push(c),
                        None => return Err(fault("a class without end".to_owned(), "`]`")),
                    }
                }
                class_of(&inside).ok_or_else(|| {
                    fault(
                        format!("the class `[{inside}]`"),
                        "printable ASCII and ranges of letters or digits, with `engine: redshift`",
                    )
                })?
            }
            '\\' | '.' | '(' | ')' | '|' | '*' | '+' | '?' | '{' | '}' | ']' | '^' | '$' => {
                let expected = "only characters, classes and their quantifiers with `engine: redshift`; \
                     the engine `lambda` takes all";
                return Err(fault(format!("`{character}`"), expected));
            }
            other => {
                let class = Class::one(other)
                    .ok_or_else(|| fault("a character outside ASCII".to_owned(), "ASCII with `engine: redshift`"))?;
                (class, false)
            }
        };
        let quantifier = rest.next_if(|c| matches!(c, '*' | '+' | '?' | '{'));
        let (least, most) = match quantifier {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some(_) => {
                let inside: String = std::iter::from_fn(|| rest.next_if(|c| *c != '}')).collect();
                if rest.next().is_none() {
                    return Err(fault("bounds without end".to_owned(), "`}`"));
                }
                let bounds = match inside.split_once(',') {
                    None => inside.parse().ok().map(|count| (count, Some(count))),
                    Some((least, "")) => least.parse().ok().map(|least| (least, None)),
                    Some((least, most)) => least.parse().ok().zip(most.parse().ok().map(Some)),
                };
                bounds
                    .filter(|(least, most)| {
                        most.is_none_or(|most| *least <= most && (1..=MAX_REPETITIONS).contains(&most))
                    })
                    .filter(|(least, _)| *least <= MAX_REPETITIONS)
                    .ok_or_else(|| {
                        fault(format!("`{{{inside}}}`"), "bounds such as `{2}`, `{2,}` or `{2,5}`, at most 255")
                    })?
            }
            None => (1, Some(1)),
        };
        if quantifier.is_some() && rest.next_if(|c| matches!(c, '*' | '+' | '?' | '{')).is_some() {
            return Err(fault("a quantifier after a quantifier".to_owned(), "one quantifier"));
        }
        atoms.push(Atom { class, others, least, varies: most != Some(least) });
    }
    if atoms.iter().all(|atom| atom.least == 0) {
        return Err(fault("a pattern that matches nothing at all".to_owned(), "one that matches at least a character"));
    }
    for (index, atom) in atoms.iter().enumerate().filter(|(_, atom)| atom.varies) {
        for next in atoms.iter().skip(index + 1) {
            if atom.class.meets(next.class) || (atom.others && next.others) {
                let expected = "after a repeated class nothing that it matches too, with `engine: redshift`; \
                     the engine `lambda` takes all";
                return Err(fault("two readings of the same text".to_owned(), expected));
            }
            if next.least > 0 {
                break;
            }
        }
    }
    Ok(())
}

/// What stands between brackets, and whether it matches what is not ASCII.
fn class_of(inside: &str) -> Option<(Class, bool)> {
    let (negated, members) = match inside.strip_prefix('^') {
        Some(members) => (true, members),
        None => (false, inside),
    };
    let members: Vec<char> = members.chars().collect();
    let mut bits = 0;
    let mut rest = members.as_slice();
    while let [first, tail @ ..] = rest {
        rest = match tail {
            ['-', last, tail @ ..] => {
                let same_kind = [char::is_ascii_digit, char::is_ascii_lowercase, char::is_ascii_uppercase]
                    .iter()
                    .any(|kind| kind(first) && kind(last));
                if !same_kind || first > last {
                    return None;
                }
                for member in *first..=*last {
                    bits |= Class::one(member)?.0;
                }
                tail
            }
            // In the midst of a class a bare hyphen or circumflex is read in different ways, a backslash as well.
            tail => {
                if matches!(first, '-' | '^' | '\\' | '&' | '~' | ':' | '=' | '.') {
                    return None;
                }
                bits |= Class::one(*first)?.0;
                tail
            }
        };
    }
    if bits == 0 {
        return None;
    }
    Some(if negated { (Class(!bits), true) } else { (Class(bits), false) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_one_reading_is_taken() {
        for pattern in
            ["[0-9]", "[0-9]+", "^[A-Z]{2}[0-9]{2,4}", "@[a-z]+", "[^0-9]+", "a{3}b*c", "[0-9]+$", "[0-9]{3}"]
        {
            assert!(check("p", pattern).is_ok(), "{pattern}: {:?}", check("p", pattern));
        }
        for pattern in [
            "",
            "^$",
            "a*",
            "a?b?",
            "a|b",
            "(a)",
            "a.",
            r"\d",
            "[0-9]+[0-9]",
            "[0-9]*x?[0-9]",
            "[a-Z]",
            "[[:digit:]]",
            "[]a]",
            "[^]",
            "[a",
            "a**",
            "a+?",
            "é",
            "[é]",
            "a{0}",
            "a{2",
            "a{256}",
            "a{3,2}",
            "a^b",
            "[a-]",
            "[^a]*[^b]",
            "a{2}{3}",
        ] {
            assert!(check("p", pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn a_fault_says_what_does_not_belong() {
        let fault = check("rules[0].mask.using.pattern", "a|b").unwrap_err().to_string();
        assert!(fault.contains("rules[0].mask.using.pattern") && fault.contains("`|`"), "{fault}");
    }
}
