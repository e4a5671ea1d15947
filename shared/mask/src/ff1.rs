//! FF1: format-preserving encryption of numerals, NIST SP 800-38G
//! (<https://nvlpubs.nist.gov/nistpubs/SpecialPublications/NIST.SP.800-38G.pdf>), with the limits of its Revision 1
//! (<https://csrc.nist.gov/pubs/sp/800/38/g/r1/2pd>): no domain below a million texts.
//!
//! A text of `n` numerals is split into halves of `u` and `v` numerals. Where the halves are small, [`small`] computes in
//! machine integers with one AES block a round; else [`large`] does the same for any length.

mod large;
mod natural;
mod small;

use std::collections::BTreeMap;

use aes::{
    Aes256Enc, Block,
    cipher::{BlockCipherEncrypt, BlockSizeUser, consts::U16},
};

use self::{large::Large, small::Small};

/// The largest radix that is supported; the standard allows 65,536.
pub const MAX_RADIX: u16 = 1024;
/// The most numerals of a text; the standard allows 4,294,967,295.
pub const MAX_LENGTH: usize = 65_535;
/// Fewer texts than this of one length can be tried out one by one.
pub const MIN_DOMAIN: u32 = 1_000_000;
/// The longest tweak in bytes.
pub const MAX_TWEAK: usize = 255;

const ROUNDS: u8 = 10;
const BLOCK: usize = 16;
/// How many lengths are remembered. What belongs to a length is cheap to compute anew, but not for every value.
const REMEMBERED: usize = 128;

/// Why FF1 can't be used on something. It holds no numeral.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ff1Error {
    /// The radix is out of range.
    #[error("radix {0} is not between 2 and {MAX_RADIX}")]
    Radix(u16),
    /// The tweak is too long.
    #[error("a tweak has at most {MAX_TWEAK} bytes")]
    Tweak,
    /// There are too few texts of this length.
    #[error("expected at least {least} numerals of radix {radix}, found {found}")]
    TooShort {
        /// How many there are.
        found: usize,
        /// How many there must be.
        least: usize,
        /// The radix.
        radix: u16,
    },
    /// There are too many numerals.
    #[error("expected at most {MAX_LENGTH} numerals, found {0}")]
    TooLong(usize),
    /// A numeral is not less than the radix.
    #[error("a numeral is not less than the radix")]
    Numeral,
}

/// The cipher for one key, radix and tweak.
///
/// `C` is AES with a key of any size; Redoubt masks with 256 bits.
pub struct Ff1<C = Aes256Enc> {
    cipher: C,
    radix: u16,
    least: usize,
    tweak: Box<[u8]>,
    shapes: BTreeMap<usize, Shape>,
}

/// What depends on the number of numerals alone.
enum Shape {
    Small(Small),
    Large(Box<Large>),
}

/// Which way to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Encrypt,
    Decrypt,
}

impl<C> Ff1<C>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    /// The cipher over a radix.
    ///
    /// # Errors
    /// [`Ff1Error::Radix`] or [`Ff1Error::Tweak`].
    pub fn new(cipher: C, radix: u16, tweak: &[u8]) -> Result<Self, Ff1Error> {
        if !(2..=MAX_RADIX).contains(&radix) {
            return Err(Ff1Error::Radix(radix));
        }
        if tweak.len() > MAX_TWEAK {
            return Err(Ff1Error::Tweak);
        }
        Ok(Self { cipher, radix, least: least_length(radix), tweak: tweak.into(), shapes: BTreeMap::new() })
    }

    /// The fewest numerals that make a domain of a million texts.
    #[must_use]
    pub fn least_length(&self) -> usize {
        self.least
    }

    /// Encrypts numerals in place.
    ///
    /// # Errors
    /// When there are too few or too many, or one is not less than the radix. The numerals are then as they were.
    pub fn encrypt(&mut self, numerals: &mut [u16]) -> Result<(), Ff1Error> {
        self.run(numerals, Direction::Encrypt)
    }

    /// Decrypts numerals in place.
    ///
    /// # Errors
    /// As of [`encrypt`](Self::encrypt).
    pub fn decrypt(&mut self, numerals: &mut [u16]) -> Result<(), Ff1Error> {
        self.run(numerals, Direction::Decrypt)
    }

    /// Encrypts the text of `length` numerals whose value is `number`, most significant numeral first, and returns the value
    /// of the result.
    ///
    /// # Errors
    /// When the length is too small, the halves don't fit machine integers, or the number has more numerals.
    pub fn encrypt_number(&mut self, length: usize, number: u128) -> Result<u128, Ff1Error> {
        self.run_number(length, number, Direction::Encrypt)
    }

    /// Decrypts what [`encrypt_number`](Self::encrypt_number) made.
    ///
    /// # Errors
    /// As of [`encrypt_number`](Self::encrypt_number).
    pub fn decrypt_number(&mut self, length: usize, number: u128) -> Result<u128, Ff1Error> {
        self.run_number(length, number, Direction::Decrypt)
    }

    fn run(&mut self, numerals: &mut [u16], direction: Direction) -> Result<(), Ff1Error> {
        if numerals.iter().any(|&numeral| numeral >= self.radix) {
            return Err(Ff1Error::Numeral);
        }
        let radix = self.radix;
        match self.shape(numerals.len())? {
            (cipher, Shape::Small(small)) => small.run(cipher, radix, numerals, direction),
            (cipher, Shape::Large(large)) => large.run(cipher, radix, numerals, direction),
        }
        Ok(())
    }

    fn run_number(&mut self, length: usize, number: u128, direction: Direction) -> Result<u128, Ff1Error> {
        match self.shape(length)? {
            (cipher, Shape::Small(small)) => small.run_number(cipher, number, direction).ok_or(Ff1Error::Numeral),
            (_, Shape::Large(_)) => Err(Ff1Error::TooLong(length)),
        }
    }

    fn shape(&mut self, length: usize) -> Result<(&C, &Shape), Ff1Error> {
        if length < self.least {
            return Err(Ff1Error::TooShort { found: length, least: self.least, radix: self.radix });
        }
        if length > MAX_LENGTH {
            return Err(Ff1Error::TooLong(length));
        }
        if self.shapes.len() >= REMEMBERED && !self.shapes.contains_key(&length) {
            self.shapes.clear();
        }
        let Self { cipher, radix, tweak, shapes, .. } = self;
        let shape = shapes.entry(length).or_insert_with(|| match Small::new(cipher, *radix, tweak, length) {
            Some(small) => Shape::Small(small),
            None => Shape::Large(Box::new(Large::new(cipher, *radix, tweak, length))),
        });
        Ok((cipher, shape))
    }
}

impl<C> std::fmt::Debug for Ff1<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ff1").field("radix", &self.radix).finish_non_exhaustive()
    }
}

/// The fewest numerals of a radix, at least two, that make a million texts.
fn least_length(radix: u16) -> usize {
    let mut texts = 1;
    let mut length = 0;
    while texts < MIN_DOMAIN {
        texts *= u32::from(radix);
        length += 1;
    }
    length.max(2)
}

/// The lengths of both halves: step 1 of the algorithm.
fn halves(length: usize) -> (usize, usize) {
    (length / 2, length - length / 2)
}

/// The first block of the PRF's input: step 5.
fn first_block(radix: u16, tweak: &[u8], length: usize) -> Block {
    let [_, r0, r1, r2] = u32::from(radix).to_be_bytes();
    // Both are limited to far less than four bytes hold.
    let [n0, n1, n2, n3] = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    let [t0, t1, t2, t3] = u32::try_from(tweak.len()).unwrap_or(u32::MAX).to_be_bytes();
    let [_, _, _, u] = u32::try_from(length / 2 % 256).unwrap_or(0).to_be_bytes();
    Block::from([1, 2, 1, r0, r1, r2, ROUNDS, u, n0, n1, n2, n3, t0, t1, t2, t3])
}

/// The second part of the PRF's input: tweak, zeros, and room for the round and for half a text of `bytes` bytes.
fn second_part(tweak: &[u8], bytes: usize) -> Vec<u8> {
    let mut part = tweak.to_vec();
    part.resize((tweak.len() + bytes + 1).next_multiple_of(BLOCK), 0);
    part
}

/// One step of the CBC-MAC that the standard calls PRF.
fn absorb<C>(cipher: &C, state: &mut Block, block: &[u8])
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    for (byte, input) in state.iter_mut().zip(block) {
        *byte ^= input;
    }
    cipher.encrypt_block(state);
}

#[cfg(test)]
mod tests;
