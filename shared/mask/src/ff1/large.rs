//! FF1 for any length.

use aes::{
    Block,
    cipher::{BlockCipherEncrypt, BlockSizeUser, consts::U16},
};

use super::{
    BLOCK, Direction, ROUNDS, absorb, first_block, halves,
    natural::{Modulus, Natural},
    second_part,
};

/// What the rounds of one length need.
pub(super) struct Large {
    /// How many numerals the first half has.
    first: usize,
    /// How many bytes hold the second half: `b` of the standard.
    bytes: usize,
    /// How many bytes of output a round takes: `d` of the standard.
    output_bytes: usize,
    /// The numbers of texts of the first and the second half's length.
    moduli: [Modulus; 2],
    /// The PRF's state after its first block.
    state: Block,
    /// The rest of the PRF's input, with zeros where the round and half a text go.
    part: Vec<u8>,
}

impl Large {
    /// Prepares a length.
    pub(super) fn new<C>(cipher: &C, radix: u16, tweak: &[u8], length: usize) -> Self
    where
        C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
    {
        let (first, second) = halves(length);
        let texts = Natural::power(radix, second);
        let bytes = texts.bits_of_predecessor().div_ceil(8);
        let mut state = first_block(radix, tweak, length);
        cipher.encrypt_block(&mut state);
        Self {
            first,
            bytes,
            output_bytes: 4 * bytes.div_ceil(4) + 4,
            moduli: [Modulus::new(Natural::power(radix, first)), Modulus::new(texts)],
            state,
            part: second_part(tweak, bytes),
        }
    }

    /// Encrypts or decrypts numerals that are all less than the radix.
    pub(super) fn run<C>(&self, cipher: &C, radix: u16, numerals: &mut [u16], direction: Direction)
    where
        C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
    {
        let Some((first, second)) = numerals.split_at_mut_checked(self.first) else { return };
        let mut a = Natural::from_numerals(first, radix);
        let mut b = Natural::from_numerals(second, radix);
        let [even, odd] = &self.moduli;
        let mut part = self.part.clone();
        match direction {
            Direction::Encrypt => {
                for round in 0..ROUNDS {
                    let mut sum = self.output(cipher, &mut part, round, &b);
                    sum.add(&a);
                    sum.reduce(if round % 2 == 0 { even } else { odd });
                    (a, b) = (b, sum);
                }
            }
            Direction::Decrypt => {
                for round in (0..ROUNDS).rev() {
                    let modulus = if round % 2 == 0 { even } else { odd };
                    let mut output = self.output(cipher, &mut part, round, &a);
                    output.reduce(modulus);
                    if b < output {
                        b.add(modulus.value());
                    }
                    b.subtract(&output);
                    (b, a) = (a, b);
                }
            }
        }
        a.print(first, radix);
        b.print(second, radix);
    }

    /// The PRF's output for a round, not reduced.
    fn output<C>(&self, cipher: &C, part: &mut [u8], round: u8, half: &Natural) -> Natural
    where
        C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
    {
        if let Some((number, bytes)) =
            part.len().checked_sub(self.bytes + 1).and_then(|at| part.get_mut(at..)).and_then(<[u8]>::split_first_mut)
        {
            *number = round;
            half.print_bytes(bytes);
        }
        let mut state = self.state;
        for block in part.chunks(BLOCK) {
            absorb(cipher, &mut state, block);
        }
        let mut output = Vec::with_capacity(self.output_bytes + BLOCK);
        output.extend_from_slice(&state);
        let state = u128::from_be_bytes(state.into());
        let mut counter = 1_u128;
        while output.len() < self.output_bytes {
            let mut block = Block::from((state ^ counter).to_be_bytes());
            cipher.encrypt_block(&mut block);
            output.extend_from_slice(&block);
            counter += 1;
        }
        output.truncate(self.output_bytes);
        Natural::from_bytes(&output)
    }
}
