//! Format-preserving masks: FF1 over the characters of an alphabet, and over numbers.
//!
//! What has so few values that they could be tried one by one gives null instead: fewer than a million of the same form.

use std::collections::HashMap;

use aes::{Aes256Enc, cipher::KeyInit};

use crate::ff1::{Ff1, Ff1Error, MAX_RADIX, MIN_DOMAIN};

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
/// More digits than a Redshift number has (<https://docs.aws.amazon.com/redshift/latest/dg/r_Numeric_types201.html>).
const MAX_DIGITS: usize = 38;

/// Why a value can't be masked like this. It holds nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// An alphabet of a size that FF1 is not made for.
    #[error("`alphabet` has {0} characters, expected 2 to {MAX_RADIX}")]
    AlphabetSize(usize),
    /// An alphabet that would give two texts one ciphertext.
    #[error("`alphabet` has a character twice")]
    AlphabetTwice,
    /// A bound that is none.
    #[error("`most` is not a number of 1 to {MAX_DIGITS} decimal digits")]
    Most,
    /// A value that is no number.
    #[error("not a number in plain decimal digits")]
    NotANumber,
    /// The cipher refused, which no input should bring about.
    #[error("a defect of the function: {0}")]
    Cipher(#[from] Ff1Error),
}

/// Encrypts the characters of an alphabet and leaves every other in its place.
#[derive(Debug)]
pub struct TextMask {
    ff1: Ff1,
    alphabet: Alphabet,
    numerals: Vec<u16>,
}

/// Characters, each with its numeral.
#[derive(Debug)]
struct Alphabet {
    characters: Vec<char>,
    /// The numerals of the first 128 characters of Unicode.
    ascii: [Option<u16>; 128],
    others: HashMap<char, u16>,
}

impl Alphabet {
    fn new(text: &str) -> Result<Self, FormatError> {
        let characters: Vec<char> = text.chars().collect();
        if !(2..=usize::from(MAX_RADIX)).contains(&characters.len()) {
            return Err(FormatError::AlphabetSize(characters.len()));
        }
        let mut alphabet = Self { characters, ascii: [None; 128], others: HashMap::new() };
        for (&character, numeral) in alphabet.characters.iter().zip(0..) {
            let before = match alphabet.ascii.get_mut(character as usize) {
                Some(place) => place.replace(numeral),
                None => alphabet.others.insert(character, numeral),
            };
            if before.is_some() {
                return Err(FormatError::AlphabetTwice);
            }
        }
        Ok(alphabet)
    }

    fn numeral(&self, character: char) -> Option<u16> {
        match self.ascii.get(character as usize) {
            Some(numeral) => *numeral,
            None => self.others.get(&character).copied(),
        }
    }
}

impl TextMask {
    /// The mask with a derived key over an alphabet.
    ///
    /// # Errors
    /// When the alphabet is too small or too large, or has a character twice.
    pub fn new(key: &[u8; KEY_BYTES], alphabet: &str) -> Result<Self, FormatError> {
        let alphabet = Alphabet::new(alphabet)?;
        let radix = u16::try_from(alphabet.characters.len()).unwrap_or(u16::MAX);
        Ok(Self { ff1: Ff1::new(cipher(key), radix, b"")?, alphabet, numerals: Vec::new() })
    }

    /// Appends the masked value; `None` (and nothing appended) if there are too few values of its form.
    ///
    /// # Errors
    /// When the value is longer than the cipher supports.
    pub fn mask(&mut self, value: &str, out: &mut String) -> Result<Option<()>, FormatError> {
        let Self { ff1, alphabet, numerals } = self;
        numerals.clear();
        numerals.extend(value.chars().filter_map(|character| alphabet.numeral(character)));
        if numerals.len() < ff1.least_length() {
            return Ok(None);
        }
        ff1.encrypt(numerals)?;
        let mut masked = numerals.iter();
        for character in value.chars() {
            let masked = match alphabet.numeral(character) {
                Some(_) => masked.next().and_then(|&numeral| alphabet.characters.get(usize::from(numeral))),
                None => None,
            };
            out.push(*masked.unwrap_or(&character));
        }
        Ok(Some(()))
    }
}

/// Encrypts numbers: sign, point and leading zeros stay, and the other digits keep their count.
///
/// The allowed numbers with as many digits are numbered from 0. That rank is encrypted as the shortest text of bits that can
/// hold every rank, again and again until the result is a rank, which after two times it mostly is ("cycle walking").
#[derive(Debug)]
pub struct NumberMask {
    ff1: Ff1,
    most: u128,
}

impl NumberMask {
    /// The mask with a derived key, for numbers whose digits, without a point, make at most `most`.
    ///
    /// # Errors
    /// When `most` is not 1 to 38 decimal digits.
    pub fn new(key: &[u8; KEY_BYTES], most: &str) -> Result<Self, FormatError> {
        let is_number = (1..=MAX_DIGITS).contains(&most.len()) && most.bytes().all(|byte| byte.is_ascii_digit());
        let most = most.parse().ok().filter(|_| is_number).ok_or(FormatError::Most)?;
        Ok(Self { ff1: Ff1::new(cipher(key), 2, b"")?, most })
    }

    /// Appends the masked number; `None` (and nothing appended) if there are too few numbers of its form, or it is larger than
    /// the largest.
    ///
    /// # Errors
    /// When the value is not a number in plain decimal digits.
    pub fn mask(&mut self, value: &str, out: &mut String) -> Result<Option<()>, FormatError> {
        let Some(digits) = significant(value)? else { return Ok(None) };
        let Some(masked) = self.mask_digits(digits)? else { return Ok(None) };
        let masked = masked.to_string();
        let mut masked = masked.bytes();
        let mut leading = true;
        for character in value.chars() {
            leading &= !matches!(character, '1'..='9');
            out.push(if leading || character == '.' { character } else { masked.next().map_or(character, char::from) });
        }
        Ok(Some(()))
    }

    fn mask_digits(&mut self, digits: u128) -> Result<Option<u128>, FormatError> {
        let (Some(count), true) = (digits.checked_ilog10(), digits <= self.most) else { return Ok(None) };
        // 38 digits fit 128 bits, and so does the first number of 39.
        let first = 10_u128.pow(count);
        let last = self.most.min(first.saturating_mul(10) - 1);
        let ranks = last - first + 1;
        if ranks < u128::from(MIN_DOMAIN) {
            return Ok(None);
        }
        let bits = u128::BITS - (ranks - 1).leading_zeros();
        let mut rank = digits - first;
        loop {
            rank = self.ff1.encrypt_number(bits as usize, rank)?;
            if rank < ranks {
                return Ok(Some(first + rank));
            }
        }
    }
}

/// The value of a number's digits without sign and point; `None` if it is zero or has more digits than any column's.
fn significant(value: &str) -> Result<Option<u128>, FormatError> {
    let unsigned = value.strip_prefix(['-', '+']).unwrap_or(value);
    let mut digits: Option<u128> = None;
    let (mut count, mut point) = (0, false);
    for byte in unsigned.bytes() {
        match byte {
            b'0'..=b'9' => {
                let digit = u128::from(byte - b'0');
                let value = digits.unwrap_or(0);
                count += usize::from(value > 0 || digit > 0);
                digits = Some(if count > MAX_DIGITS { value } else { value * 10 + digit });
            }
            b'.' if !point => point = true,
            _ => return Err(FormatError::NotANumber),
        }
    }
    match digits {
        None => Err(FormatError::NotANumber),
        Some(0) => Ok(None),
        Some(digits) => Ok((count <= MAX_DIGITS).then_some(digits)),
    }
}

fn cipher(key: &[u8; KEY_BYTES]) -> Aes256Enc {
    Aes256Enc::new(&(*key).into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const KEY: [u8; KEY_BYTES] = [9; KEY_BYTES];
    const DIGITS: &str = "0123456789";

    fn text(value: &str, alphabet: &str) -> Option<String> {
        let mut out = String::new();
        TextMask::new(&KEY, alphabet).unwrap().mask(value, &mut out).unwrap().map(|()| out)
    }

    fn number(value: &str, most: &str) -> Result<Option<String>, FormatError> {
        let mut out = String::new();
        let masked = NumberMask::new(&KEY, most).unwrap().mask(value, &mut out)?;
        assert_eq!(masked.is_some(), !out.is_empty());
        Ok(masked.map(|()| out))
    }

    fn shape(text: &str, alphabet: &str) -> String {
        text.chars().map(|character| if alphabet.contains(character) { '#' } else { character }).collect()
    }

    #[test]
    fn what_is_outside_the_alphabet_stays() {
        let masked = text("(555) 123-4567 ☎", DIGITS).unwrap();
        assert_eq!(shape(&masked, DIGITS), "(###) ###-#### ☎");
        assert_eq!(text("(555) 12", DIGITS), None, "five digits have too few values");
        assert_eq!(text("", DIGITS), None);
        assert_eq!(text("no digits at all", DIGITS), None);
        assert_eq!(text("äöäöäöäöäöäöäöäöäöäö", "äö").unwrap().chars().count(), 20);
        assert_eq!(text("äöäöäöäöäöäöäöäöäöä", "äö"), None);
    }

    #[test]
    fn bad_alphabets_and_bounds_are_refused() {
        let new = |alphabet: &str| TextMask::new(&KEY, alphabet).map(|_| ());
        assert_eq!(new(""), Err(FormatError::AlphabetSize(0)));
        assert_eq!(new("0"), Err(FormatError::AlphabetSize(1)));
        assert_eq!(new("010"), Err(FormatError::AlphabetTwice));
        assert_eq!(new("äbä"), Err(FormatError::AlphabetTwice));
        let all: String = ('\u{4e00}'..).take(1025).collect();
        assert_eq!(new(&all), Err(FormatError::AlphabetSize(1025)));
        assert_eq!(new(all.strip_suffix(|_| true).unwrap()), Ok(()));
        for most in ["", "-5", "+5", "1.5", "1e9", "x", &"9".repeat(39)] {
            assert_eq!(NumberMask::new(&KEY, most).map(|_| ()), Err(FormatError::Most), "{most}");
        }
    }

    #[test]
    fn numbers_keep_their_form() {
        const INTEGER: &str = "2147483647";
        for (value, form) in [
            ("12345678", "########"),
            ("-12345678", "-########"),
            ("1999999999", "##########"),
            ("0001234567", "000#######"),
            ("-0.01234567", "-0.0#######"),
            ("+1234567.", "+#######."),
            (".1234567", ".#######"),
        ] {
            let masked = number(value, INTEGER).unwrap().unwrap();
            assert_ne!(masked, value);
            let mut forms = form.chars();
            for character in masked.chars() {
                let expected = forms.next().unwrap();
                assert!(expected == character || expected == '#' && character.is_ascii_digit(), "{value}: {masked}");
            }
            assert_eq!(forms.next(), None, "{value}: {masked}");
        }
        for value in ["0", "-0.00", "999999", "2147483648", "-9999999999", &"9".repeat(40)] {
            assert_eq!(number(value, INTEGER), Ok(None), "{value}");
        }
        assert_eq!(number("1000000", "1999998"), Ok(None), "999,999 numbers are too few");
        assert!(number("1000000", "1999999").unwrap().is_some());
        for value in ["", "-", ".", "1e7", "12 345678", " 12345678", "1.2.3", "NaN", "--1", "1-", "１２３４５６７"]
        {
            assert_eq!(number(value, INTEGER), Err(FormatError::NotANumber), "{value}");
        }
    }

    /// With every number of one form masked: none occurs twice, none is outside.
    #[test]
    fn numbers_are_permuted() {
        let mut mask = NumberMask::new(&KEY, "2300000").unwrap();
        let seen: BTreeSet<_> = (1_000_000..=2_300_000_u128)
            .step_by(if cfg!(debug_assertions) { 401 } else { 1 })
            .map(|number| (number, mask.mask_digits(number).unwrap().unwrap()).1)
            .collect();
        assert_eq!(seen.len(), if cfg!(debug_assertions) { 1_300_000 / 401 + 1 } else { 1_300_001 });
        assert!(seen.iter().all(|number| (1_000_000..=2_300_000).contains(number)));
    }

    proptest! {
        #[test]
        fn texts_keep_their_form(value in "[0-9a-zA-Z -/é€]{0,40}", other: [u8; KEY_BYTES]) {
            for alphabet in [DIGITS, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "é€ab01"] {
                let masked = text(&value, alphabet);
                prop_assert_eq!(&masked, &text(&value, alphabet));
                if let Some(masked) = masked {
                    prop_assert_eq!(shape(&masked, alphabet), shape(&value, alphabet));
                    let mut under_another = String::new();
                    TextMask::new(&other, alphabet).unwrap().mask(&value, &mut under_another).unwrap().unwrap();
                    prop_assert_ne!(under_another, masked);
                }
            }
        }

        #[test]
        fn every_number_fits_its_column(digits in 1..=38_u32, value: u128, point in 0..40_usize, most_digits in 1..=38_u32) {
            let digits = (value % 10_u128.pow(digits)).to_string();
            let mut value = digits.clone();
            value.insert(point.min(value.len()), '.');
            let most = 10_u128.pow(most_digits) - 1;
            if let Some(masked) = number(&value, &most.to_string()).unwrap() {
                prop_assert_eq!(masked.find('.'), value.find('.'));
                let masked = masked.replace('.', "");
                prop_assert_eq!(masked.len(), digits.len());
                prop_assert!(!masked.starts_with('0'));
                prop_assert!(masked.parse::<u128>().unwrap() <= most);
            }
        }

        #[test]
        fn whatever_is_given_nothing_panics(value: String, alphabet: String, most in "[0-9]{0,40}") {
            if let Ok(mut mask) = TextMask::new(&KEY, &alphabet) {
                let _ = mask.mask(&value, &mut String::new());
            }
            if let Ok(mut mask) = NumberMask::new(&KEY, &most) {
                let _ = mask.mask(&value, &mut String::new());
            }
        }
    }
}
