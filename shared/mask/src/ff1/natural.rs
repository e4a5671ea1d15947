//! Natural numbers of any size, with just the arithmetic that FF1 needs.

use std::cmp::Ordering;

/// A natural number: digits of 32 bits, least significant first, without zeros at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Natural {
    digits: Vec<u32>,
}

/// What numbers are reduced by.
#[derive(Debug, Clone)]
pub(super) struct Modulus {
    value: Natural,
    /// The value, shifted so that its highest bit is the highest of a digit.
    shifted: Vec<u32>,
    shift: u32,
}

const DIGIT: u64 = 1 << 32;
const MASK: u64 = DIGIT - 1;

fn low(value: u64) -> u32 {
    (value & MASK) as u32
}

impl Natural {
    /// A power of a radix.
    pub(super) fn power(radix: u16, exponent: usize) -> Self {
        let mut power = Self { digits: vec![1] };
        let group = Group::new(radix);
        for _ in 0..exponent / group.length {
            power.multiply_add(group.size, 0);
        }
        for _ in 0..exponent % group.length {
            power.multiply_add(u64::from(radix), 0);
        }
        power
    }

    /// The value of numerals, most significant first.
    pub(super) fn from_numerals(numerals: &[u16], radix: u16) -> Self {
        let group = Group::new(radix);
        let mut number = Self { digits: Vec::with_capacity(numerals.len() / 2 + 1) };
        let (head, groups) = numerals.split_at(numerals.len() % group.length);
        for numerals in std::iter::once(head).chain(groups.chunks(group.length)) {
            let value = numerals.iter().fold(0, |value, &numeral| value * u64::from(radix) + u64::from(numeral));
            number.multiply_add(group.size, value);
        }
        number
    }

    /// Writes the numerals of the value; those that don't fit are left out.
    pub(super) fn print(mut self, numerals: &mut [u16], radix: u16) {
        let group = Group::new(radix);
        for numerals in numerals.rchunks_mut(group.length) {
            let mut value = self.divide(group.size);
            for numeral in numerals.iter_mut().rev() {
                *numeral = (value % u64::from(radix)) as u16;
                value /= u64::from(radix);
            }
        }
    }

    /// The value of bytes, most significant first.
    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        let digits =
            bytes.rchunks(4).map(|bytes| bytes.iter().fold(0, |digit, &byte| digit << 8 | u32::from(byte))).collect();
        Self { digits }.trimmed()
    }

    /// Fills bytes with the value, most significant first.
    pub(super) fn print_bytes(&self, bytes: &mut [u8]) {
        let mut digits = self.digits.iter();
        for bytes in bytes.rchunks_mut(4) {
            let digit = digits.next().copied().unwrap_or(0);
            for (to, from) in bytes.iter_mut().rev().zip(digit.to_le_bytes()) {
                *to = from;
            }
        }
    }

    /// The number of bits that the number before this one takes.
    pub(super) fn bits_of_predecessor(&self) -> usize {
        let mut before = self.clone();
        before.subtract(&Self { digits: vec![1] });
        before.digits.last().map_or(0, |digit| 32 * before.digits.len() - digit.leading_zeros() as usize)
    }

    /// Adds a number.
    pub(super) fn add(&mut self, other: &Self) {
        if self.digits.len() < other.digits.len() {
            self.digits.resize(other.digits.len(), 0);
        }
        let mut carry = 0;
        let others = other.digits.iter().copied().chain(std::iter::repeat(0));
        for (digit, other) in self.digits.iter_mut().zip(others) {
            carry += u64::from(*digit) + u64::from(other);
            *digit = low(carry);
            carry >>= 32;
        }
        if carry > 0 {
            self.digits.push(low(carry));
        }
    }

    /// Subtracts a number that is not larger.
    pub(super) fn subtract(&mut self, other: &Self) {
        let mut borrow = 0;
        let others = other.digits.iter().copied().chain(std::iter::repeat(0));
        for (digit, other) in self.digits.iter_mut().zip(others) {
            let difference = DIGIT + u64::from(*digit) - u64::from(other) - borrow;
            *digit = low(difference);
            borrow = 1 - (difference >> 32);
        }
        self.trim();
    }

    /// Leaves the remainder of a division: Knuth's algorithm D (The Art of Computer Programming 2, section 4.3.1), without the
    /// quotient.
    pub(super) fn reduce(&mut self, modulus: &Modulus) {
        let length = modulus.shifted.len();
        let Some((_, &[second, first])) = modulus.shifted.split_last_chunk::<2>() else {
            // A modulus of one digit.
            let remainder = self.divide(u64::from(modulus.value.digits.first().copied().unwrap_or(1)));
            self.digits = vec![low(remainder)];
            return self.trim();
        };
        self.shift_left(modulus.shift);
        self.digits.push(0);
        for position in (0..self.digits.len().saturating_sub(length)).rev() {
            let Some(window) = self.digits.get_mut(position..=position + length) else { continue };
            let Some((_, &[w2, w1, w0])) = window.split_last_chunk::<3>() else { continue };
            let head = u64::from(w0) << 32 | u64::from(w1);
            let mut quotient = head / u64::from(first);
            let mut rest = head % u64::from(first);
            while rest < DIGIT && (quotient >= DIGIT || quotient * u64::from(second) > (rest << 32 | u64::from(w2))) {
                quotient -= 1;
                rest += u64::from(first);
            }
            let digits = modulus.shifted.iter().copied().chain(std::iter::once(0));
            let (mut carry, mut borrow) = (0, 0);
            for (digit, other) in window.iter_mut().zip(digits.clone()) {
                carry += quotient * u64::from(other);
                let difference = DIGIT + u64::from(*digit) - (carry & MASK) - borrow;
                carry >>= 32;
                *digit = low(difference);
                borrow = 1 - (difference >> 32);
            }
            if borrow > 0 {
                // The estimate was one too large, which is rare.
                let mut carry = 0;
                for (digit, other) in window.iter_mut().zip(digits) {
                    carry += u64::from(*digit) + u64::from(other);
                    *digit = low(carry);
                    carry >>= 32;
                }
            }
        }
        self.shift_right(modulus.shift);
        self.trim();
    }

    /// Multiplies by a factor and adds a summand, both of at most 32 bits.
    fn multiply_add(&mut self, factor: u64, summand: u64) {
        let mut carry = summand;
        for digit in &mut self.digits {
            let product = u64::from(*digit) * factor + carry;
            *digit = low(product);
            carry = product >> 32;
        }
        if carry > 0 {
            self.digits.push(low(carry));
        }
    }

    /// Divides by a divisor of at most 32 bits and returns the remainder.
    fn divide(&mut self, divisor: u64) -> u64 {
        let mut rest = 0;
        for digit in self.digits.iter_mut().rev() {
            let head = rest << 32 | u64::from(*digit);
            *digit = low(head / divisor);
            rest = head % divisor;
        }
        self.trim();
        rest
    }

    /// Shifts by less than 32 bits.
    fn shift_left(&mut self, bits: u32) {
        self.multiply_add(1 << bits, 0);
    }

    /// Shifts by less than 32 bits.
    fn shift_right(&mut self, bits: u32) {
        let mut above = 0_u64;
        for digit in self.digits.iter_mut().rev() {
            let head = above << 32 | u64::from(*digit);
            above = u64::from(*digit);
            *digit = low(head >> bits);
        }
    }

    fn trim(&mut self) {
        while self.digits.last() == Some(&0) {
            self.digits.pop();
        }
    }

    fn trimmed(mut self) -> Self {
        self.trim();
        self
    }
}

impl PartialOrd for Natural {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Natural {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_length = self.digits.len().cmp(&other.digits.len());
        by_length.then_with(|| self.digits.iter().rev().cmp(other.digits.iter().rev()))
    }
}

impl Modulus {
    /// Prepares a number that is not zero.
    pub(super) fn new(value: Natural) -> Self {
        let shift = value.digits.last().map_or(0, |digit| digit.leading_zeros());
        let mut shifted = value.clone();
        shifted.shift_left(shift);
        Self { value, shifted: shifted.digits, shift }
    }

    /// The number.
    pub(super) fn value(&self) -> &Natural {
        &self.value
    }
}

/// As many numerals as fit a digit are handled at once.
struct Group {
    length: usize,
    /// The radix to the power of the length; less than 2³².
    size: u64,
}

impl Group {
    fn new(radix: u16) -> Self {
        let radix = u64::from(radix.max(2));
        let mut group = Self { length: 1, size: radix };
        while group.size * radix < DIGIT {
            group.length += 1;
            group.size *= radix;
        }
        group
    }
}
