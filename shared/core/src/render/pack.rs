//! Packing: as few calls as the Data API's limits allow.

/// What one call may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Statements: <https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_BatchExecuteStatement.html>.
    pub statements: usize,
    /// Bytes of all statements together. Pages differ on whether the limit is per statement or per call, and on 100 or 200 KB;
    /// the smaller reading of both is safe: <https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html>.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { statements: 40, bytes: 100_000 }
    }
}

/// How much of a call something takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Statements.
    pub statements: usize,
    /// Bytes.
    pub bytes: usize,
}

/// What is in a call so far, where that decides how much another item takes.
pub trait Group<T> {
    /// How much an item would take.
    fn size(&self, item: &T) -> Size;

    /// An item comes in.
    fn add(&mut self, item: &T);
}

/// Items that take as much whatever else is there.
struct Apart<F>(F);

impl<T, F: Fn(&T) -> Size> Group<T> for Apart<F> {
    fn size(&self, item: &T) -> Size {
        self.0(item)
    }

    fn add(&mut self, _: &T) {}
}

/// Divides items, in order, into groups that fit a call each; items too large for any call come back apart. `overhead` is what
/// a call takes whatever it holds.
pub fn pack<T>(
    items: impl IntoIterator<Item = T>,
    limits: Limits,
    overhead: Size,
    size: impl Fn(&T) -> Size,
) -> (Vec<Vec<T>>, Vec<T>) {
    pack_into(items, limits, overhead, || Apart(&size))
}

/// The same where items share something; `empty` is a call with none.
pub fn pack_into<T, G: Group<T>>(
    items: impl IntoIterator<Item = T>,
    limits: Limits,
    overhead: Size,
    empty: impl Fn() -> G,
) -> (Vec<Vec<T>>, Vec<T>) {
    let mut groups: Vec<Vec<T>> = Vec::new();
    let mut too_large = Vec::new();
    let mut used = overhead;
    let mut present = empty();
    let fits = |used: Size| used.statements <= limits.statements && used.bytes <= limits.bytes;
    let add = |a: Size, b: Size| Size { statements: a.statements + b.statements, bytes: a.bytes + b.bytes };
    for item in items {
        let more = add(used, present.size(&item));
        if let Some(group) = groups.last_mut()
            && fits(more)
        {
            present.add(&item);
            group.push(item);
            used = more;
            continue;
        }
        let mut fresh = empty();
        let alone = add(overhead, fresh.size(&item));
        if !fits(alone) {
            too_large.push(item);
            continue;
        }
        fresh.add(&item);
        present = fresh;
        used = alone;
        groups.push(vec![item]);
    }
    (groups, too_large)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn groups_fit_keep_the_order_and_lose_nothing(sizes in proptest::collection::vec((1_usize..5, 0_usize..120), 0..80)) {
            let limits = Limits { statements: 10, bytes: 100 };
            let overhead = Size { statements: 1, bytes: 5 };
            let size = |(statements, bytes): &(usize, usize)| Size { statements: *statements, bytes: *bytes };
            let (groups, too_large) = pack(sizes.clone(), limits, overhead, size);
            for group in &groups {
                prop_assert!(!group.is_empty());
                prop_assert!(group.iter().map(|one| one.0).sum::<usize>() < 10);
                prop_assert!(5 + group.iter().map(|one| one.1).sum::<usize>() <= 100);
            }
            for pair in groups.windows(2) {
                let next = pair[1][0];
                let full = 5 + pair[0].iter().map(|one| one.1).sum::<usize>() + next.1 > 100
                    || 1 + pair[0].iter().map(|one| one.0).sum::<usize>() + next.0 > 10;
                prop_assert!(full, "a call was started while there was room in the last one");
            }
            let kept: Vec<_> = groups.into_iter().flatten().collect();
            let expected: Vec<_> = sizes.iter().copied().filter(|one| one.1 <= 95).collect();
            prop_assert_eq!(kept, expected);
            prop_assert!(too_large.iter().all(|one| one.1 > 95));
        }
    }
}
