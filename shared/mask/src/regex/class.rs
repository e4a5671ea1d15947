//! The patterns that most masks are made of, such as `\d`, `[^@]+` or `\d{12}`: one class of characters, repeated. An engine
//! that can match anything spends more time on starting a search than on such a match.

use std::ops::RangeInclusive;

use regex_syntax::{
    ParserBuilder,
    hir::{self, Hir, HirKind},
};

/// A class of characters, and how many of them in a row match.
#[derive(Debug)]
pub(super) struct Class {
    /// Whether the first 128 characters of Unicode belong to it.
    ascii: [bool; 128],
    /// The others, in order.
    others: Vec<RangeInclusive<char>>,
    least: usize,
    most: usize,
}

impl Class {
    /// The class of a pattern; `None` if the pattern is more than a class repeated greedily, at least once.
    pub(super) fn new(pattern: &str, ignore_case: bool) -> Option<Self> {
        let pattern = ParserBuilder::new().case_insensitive(ignore_case).build().parse(pattern).ok()?;
        let (hir, least, most) = match pattern.kind() {
            HirKind::Repetition(repetition) if repetition.greedy => {
                (&*repetition.sub, repetition.min, repetition.max.unwrap_or(u32::MAX))
            }
            _ => (&pattern, 1, 1),
        };
        let HirKind::Class(hir::Class::Unicode(unicode)) = Hir::kind(hir) else { return None };
        if least == 0 || most < least {
            return None;
        }
        let mut class = Self { ascii: [false; 128], others: Vec::new(), least: least as usize, most: most as usize };
        for (code, place) in (0_u8..).zip(&mut class.ascii) {
            let character = char::from(code);
            *place = unicode.ranges().iter().any(|range| (range.start()..=range.end()).contains(&character));
        }
        class.others.extend(
            unicode.ranges().iter().filter(|range| !range.end().is_ascii()).map(|range| range.start()..=range.end()),
        );
        Some(class)
    }

    fn contains(&self, character: char) -> bool {
        match self.ascii.get(character as usize) {
            Some(is_in) => *is_in,
            None => {
                let next = self.others.partition_point(|range| *range.end() < character);
                self.others.get(next).is_some_and(|range| range.contains(&character))
            }
        }
    }

    /// The first match that starts at a position or behind it: where it starts and ends.
    pub(super) fn find(&self, text: &str, from: usize) -> Option<(usize, usize)> {
        // The longest match that starts first: so a match starts where a row of characters does, or it is too short.
        let (mut start, mut count) = (from, 0);
        for (offset, character) in text.get(from..)?.char_indices() {
            let position = from + offset;
            if self.contains(character) {
                if count == 0 {
                    start = position;
                }
                count += 1;
                if count == self.most {
                    return Some((start, position + character.len_utf8()));
                }
            } else if count >= self.least {
                return Some((start, position));
            } else {
                count = 0;
            }
        }
        (count >= self.least).then_some((start, text.len()))
    }
}
