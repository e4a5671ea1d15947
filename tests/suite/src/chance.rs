//! Randomness that a seed repeats.

/// A generator of the SplitMix64 kind (<https://prng.di.unimi.it/splitmix64.c>): small, and good enough to choose by.
#[derive(Debug)]
pub struct Chance(u64);

impl Chance {
    /// The same choices for the same two numbers.
    #[must_use]
    pub fn new(seed: u64, number: u64) -> Self {
        let mut chance = Self(seed);
        let mixed = chance.next();
        Self(mixed ^ number.wrapping_mul(0xd6e8_feb8_6659_fd93))
    }

    /// Any number.
    #[expect(clippy::should_implement_trait, reason = "it never ends")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below the bound.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % bound).unwrap_or_default()
    }

    /// A number from one to the other.
    pub fn between(&mut self, least: usize, most: usize) -> usize {
        least + self.below(most - least + 1)
    }

    /// True so many times of a hundred.
    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of a list that is not empty.
    #[expect(clippy::indexing_slicing, reason = "below the length")]
    pub fn pick<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len())]
    }

    /// One of a list that is not empty.
    #[expect(clippy::indexing_slicing, reason = "below the length")]
    pub fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    /// Some of a list, in its order, at least as many as said.
    pub fn some<T: Clone>(&mut self, list: &[T], least: usize, most: usize) -> Vec<T> {
        let count = self.between(least, most.min(list.len()));
        let mut left = count;
        let mut chosen = Vec::new();
        for (index, one) in list.iter().enumerate() {
            if left > 0 && self.below(list.len() - index) < left {
                chosen.push(one.clone());
                left -= 1;
            }
        }
        chosen
    }
}
