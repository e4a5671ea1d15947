//! Numbers made of digests.

use sha2::{Digest, Sha256};

use crate::render::hex;

/// Digits of a digest that make a number: as many as a `BIGINT` carries whatever they are.
const DIGITS: usize = 15;
/// One above the largest number of so many digits.
const NUMBERS: i64 = 1 << 60;

/// The SHA-256 of texts, one behind the other, in hexadecimal digits.
pub(super) fn sha256(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
    }
    hex(&hash.finalize())
}

/// The number that the digits of a digest from the `draw`-th fifteen on make, below the bound.
pub(super) fn number(digest: &str, draw: usize, bound: i64) -> i64 {
    let start = draw * DIGITS;
    let number = digest.get(start..start + DIGITS).and_then(|digits| i64::from_str_radix(digits, 16).ok()).unwrap_or(0);
    if (1..NUMBERS).contains(&bound) { number % bound } else { number }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_standard() {
        // The one-block message of FIPS 180-4's examples.
        let digest = sha256(&["a", "bc"]);
        assert_eq!(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(number(&digest, 0, i64::MAX), 0xba7_816b_f8f0_1cfe);
        assert_eq!(number(&digest, 1, 1 << 60), 0xa41_4140_de5d_ae22);
        assert_eq!(number(&digest, 1, 10_000), 0xa41_4140_de5d_ae22 % 10_000);
    }
}
