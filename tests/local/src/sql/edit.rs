//! Edits of a text by byte ranges. What no edit covers stays as it is.

use std::ops::Range;

/// Replacements to be applied to one text, in any order, none overlapping another.
#[derive(Debug, Default)]
pub struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    /// Puts `text` in place of `range`.
    pub fn replace(&mut self, range: Range<usize>, text: impl Into<String>) {
        self.0.push((range, text.into()));
    }

    /// Takes `range` out.
    pub fn remove(&mut self, range: Range<usize>) {
        self.replace(range, "");
    }

    /// Puts `text` before byte `place`.
    pub fn insert(&mut self, place: usize, text: impl Into<String>) {
        self.replace(place..place, text);
    }

    /// The edited text. A range inside one already replaced is left out.
    pub fn apply(mut self, text: &str) -> String {
        self.0.sort_by_key(|(range, _)| (range.start, range.end));
        let mut edited = String::with_capacity(text.len());
        let mut done = 0;
        for (range, replacement) in self.0 {
            if range.start < done {
                continue;
            }
            edited.push_str(text.get(done..range.start).unwrap_or_default());
            edited.push_str(&replacement);
            done = range.end;
        }
        edited.push_str(text.get(done..).unwrap_or_default());
        edited
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_apply_in_order_of_place() {
        let mut edits = Edits::default();
        edits.remove(4..6);
        edits.replace(0..1, "X");
        edits.insert(2, "-");
        assert_eq!(edits.apply("abcdefg"), "Xb-cdg");
    }
}
