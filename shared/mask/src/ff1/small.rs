//! FF1 in machine integers.

use aes::{
    Block,
    cipher::{BlockCipherEncrypt, BlockSizeUser, consts::U16},
};

use super::{BLOCK, Direction, ROUNDS, absorb, first_block, halves, second_part};

/// Halves of at most this many bytes: then one block of the PRF's output suffices, and `half + output` fits 128 bits.
const MOST_BYTES: u32 = 12;

/// What the rounds of one length need.
#[derive(Debug)]
pub(super) struct Small {
    /// How many numerals the first half has.
    first: usize,
    /// The second half, and thereby the round's number above it, lie at the end of the only block that changes.
    half_bits: u32,
    /// How many bits of the PRF's output are dropped.
    dropped_bits: u32,
    /// The numbers of texts of the first and the second half's length.
    moduli: [u128; 2],
    /// The only block that changes, as far as it doesn't, combined with the PRF's state before it.
    base: u128,
}

impl Small {
    /// Prepares a length, unless its halves are too large.
    pub(super) fn new<C>(cipher: &C, radix: u16, tweak: &[u8], length: usize) -> Option<Self>
    where
        C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
    {
        let (first, second) = halves(length);
        let power = |numerals: usize| u128::from(radix).checked_pow(u32::try_from(numerals).ok()?);
        let moduli = [power(first)?, power(second)?];
        let bytes = (u128::BITS - (moduli[1] - 1).leading_zeros()).div_ceil(8);
        if bytes > MOST_BYTES {
            return None;
        }
        let part = second_part(tweak, bytes as usize);
        let (blocks, last) = part.split_at_checked(part.len().checked_sub(BLOCK)?)?;
        let mut state = first_block(radix, tweak, length);
        cipher.encrypt_block(&mut state);
        for block in blocks.chunks(BLOCK) {
            absorb(cipher, &mut state, block);
        }
        let base = u128::from_be_bytes(state.into()) ^ u128::from_be_bytes(last.try_into().ok()?);
        // Step 4 of the algorithm.
        let output_bytes = 4 * bytes.div_ceil(4) + 4;
        Some(Self { first, half_bits: 8 * bytes, dropped_bits: u128::BITS - 8 * output_bytes, moduli, base })
    }

    /// Encrypts or decrypts numerals that are all less than the radix.
    pub(super) fn run<C>(&self, cipher: &C, radix: u16, numerals: &mut [u16], direction: Direction)
    where
        C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
    {
        let Some((first, second)) = numerals.split_at_mut_checked(self.first) else { return };
        let (a, b) = self.rounds(cipher, value(first, radix), value(second, radix), direction);
        print(a, first, radix);
        print(b, second, radix);
    }

    /// Encrypts or decrypts the value of a text; `None` if there is no text of this length with that value.
    pub(super) fn run_number<C>(&self, cipher: &C, number: u128, direction: Direction) -> Option<u128>
    where
        C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
    {
        let [first, second] = self.moduli;
        let (a, b) = (number / second, number % second);
        if a >= first {
            return None;
        }
        let (a, b) = self.rounds(cipher, a, b, direction);
        a.checked_mul(second)?.checked_add(b)
    }

    /// Step 6 of the algorithm, with the halves as numbers.
    fn rounds<C>(&self, cipher: &C, mut a: u128, mut b: u128, direction: Direction) -> (u128, u128)
    where
        C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
    {
        let [even, odd] = self.moduli;
        match direction {
            Direction::Encrypt => {
                for round in 0..ROUNDS {
                    let modulus = if round % 2 == 0 { even } else { odd };
                    let sum = a + self.output(cipher, round, b, modulus);
                    (a, b) = (b, if sum >= modulus { sum - modulus } else { sum });
                }
            }
            Direction::Decrypt => {
                for round in (0..ROUNDS).rev() {
                    let modulus = if round % 2 == 0 { even } else { odd };
                    let sum = b + (modulus - self.output(cipher, round, a, modulus));
                    (b, a) = (a, if sum >= modulus { sum - modulus } else { sum });
                }
            }
        }
        (a, b)
    }

    /// The PRF's output for a round, reduced.
    #[inline]
    fn output<C>(&self, cipher: &C, round: u8, half: u128, modulus: u128) -> u128
    where
        C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
    {
        let input = self.base ^ (u128::from(round) << self.half_bits) ^ half;
        let mut block = Block::from(input.to_be_bytes());
        cipher.encrypt_block(&mut block);
        let output = u128::from_be_bytes(block.into()) >> self.dropped_bits;
        // A 128-bit division takes many times as long, and half a text is mostly short.
        match (u64::try_from(output), u64::try_from(modulus)) {
            (Ok(output), Ok(modulus)) => u128::from(output % modulus),
            _ => output % modulus,
        }
    }
}

/// The value of numerals, most significant first.
fn value(numerals: &[u16], radix: u16) -> u128 {
    numerals.iter().fold(0, |value, &numeral| value * u128::from(radix) + u128::from(numeral))
}

/// The numerals of a value.
fn print(mut value: u128, numerals: &mut [u16], radix: u16) {
    for numeral in numerals.iter_mut().rev() {
        (value, *numeral) = match u64::try_from(value) {
            // As above, about division.
            Ok(short) => (u128::from(short / u64::from(radix)), (short % u64::from(radix)) as u16),
            Err(_) => (value / u128::from(radix), (value % u128::from(radix)) as u16),
        };
    }
}
