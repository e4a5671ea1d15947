//! Which of the known names a misspelt one was probably meant to be.

/// Longer names are not compared: they come from no slip of the finger, and comparing them costs time.
const LONGEST: usize = 64;

/// The candidate nearest to `name`, if one is near enough to be a slip of the finger. Case does not count.
pub(crate) fn suggest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    if name.len() > LONGEST {
        return None;
    }
    let name = name.to_lowercase();
    let allowed = match name.chars().count() {
        0..=3 => 1,
        4..=8 => 2,
        _ => 3,
    };
    candidates
        .into_iter()
        .map(|candidate| (distance(&name, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.to_owned())
}

/// How many characters must be inserted, removed or replaced to get from `a` to `b` (Levenshtein distance).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (index, from) in a.chars().enumerate() {
        let (mut diagonal, mut left) = (index, index + 1);
        let mut next = Vec::with_capacity(row.len());
        next.push(left);
        for (to, &above) in b.iter().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(from != *to)).min(above + 1).min(left + 1);
            diagonal = above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        let cases = [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("hash", "hash", 0), ("hsah", "hash", 2)];
        for (a, b, edits) in cases {
            assert_eq!(distance(a, b), edits, "{a} to {b}");
            assert_eq!(distance(b, a), edits, "{b} to {a}");
        }
    }

    #[test]
    fn only_near_names_are_suggested() {
        let masks = ["clear", "null", "constant", "hash", "round", "show"];
        assert_eq!(suggest("hsah", masks).as_deref(), Some("hash"));
        assert_eq!(suggest("Hash", masks).as_deref(), Some("hash"));
        assert_eq!(suggest("createdAt", ["id", "created_at"]).as_deref(), Some("created_at"));
        assert_eq!(suggest("encrypt", masks), None);
        assert_eq!(suggest(&"hash".repeat(20), masks), None);
        assert_eq!(suggest("", masks), None);
    }
}
