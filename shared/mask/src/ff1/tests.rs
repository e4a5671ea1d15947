use aes::{Aes128Enc, Aes192Enc, cipher::KeyInit};
use proptest::{collection::vec, prelude::*};
use serde_json::Value;

use super::*;

fn bytes(hex: &Value) -> Vec<u8> {
    crate::testing::bytes(hex.as_str().unwrap())
}

fn numerals(text: &Value, radix: u16) -> Vec<u16> {
    text.as_str().unwrap().chars().map(|c| c.to_digit(u32::from(radix)).unwrap() as u16).collect()
}

fn check<C>(key: &[u8], sample: &Value)
where
    C: KeyInit + BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    let radix = sample["radix"].as_u64().unwrap() as u16;
    let (plain, secret) = (numerals(&sample["plaintext"], radix), numerals(&sample["ciphertext"], radix));
    let tweak = bytes(&sample["tweak"]);
    let mut ff1 = Ff1::new(C::new_from_slice(key).unwrap(), radix, &tweak).unwrap();
    let mut text = plain.clone();
    ff1.encrypt(&mut text).unwrap();
    assert_eq!(text, secret, "{sample}");
    ff1.decrypt(&mut text).unwrap();
    assert_eq!(text, plain, "{sample}");

    let large = Large::new(&ff1.cipher, radix, &tweak, text.len());
    large.run(&ff1.cipher, radix, &mut text, Direction::Encrypt);
    assert_eq!(text, secret, "{sample}");
}

#[test]
fn the_nine_samples_of_nist() {
    let file: Value = serde_json::from_str(include_str!("../../tests/vectors/ff1.json")).unwrap();
    let samples = file["samples"].as_array().unwrap();
    assert_eq!(samples.len(), 9);
    for sample in samples {
        let key = bytes(&sample["key"]);
        match key.len() {
            16 => check::<Aes128Enc>(&key, sample),
            24 => check::<Aes192Enc>(&key, sample),
            _ => check::<Aes256Enc>(&key, sample),
        }
    }
}

fn cipher(key: [u8; 32]) -> Aes256Enc {
    Aes256Enc::new(&key.into())
}

fn radix() -> impl Strategy<Value = u16> {
    prop_oneof![Just(2), Just(10), Just(16), Just(36), Just(62), Just(256), Just(1000), Just(1024), 2..=MAX_RADIX]
}

/// A radix, and numerals of it in a number that is allowed.
fn texts(most: usize) -> impl Strategy<Value = (u16, Vec<u16>)> {
    radix().prop_flat_map(move |radix| (Just(radix), vec(0..radix, least_length(radix)..=most)))
}

proptest! {
    #[test]
    fn both_ways_agree(key: [u8; 32], tweak in vec(any::<u8>(), 0..40), (radix, text) in texts(64)) {
        let cipher = cipher(key);
        let large = Large::new(&cipher, radix, &tweak, text.len());
        let small = Small::new(&cipher, radix, &tweak, text.len());
        for direction in [Direction::Encrypt, Direction::Decrypt] {
            let mut by_large = text.clone();
            large.run(&cipher, radix, &mut by_large, direction);
            prop_assert!(by_large.iter().all(|&numeral| numeral < radix));
            if let Some(small) = &small {
                let mut by_small = text.clone();
                small.run(&cipher, radix, &mut by_small, direction);
                prop_assert_eq!(&by_small, &by_large);
            } else {
                let bits = text.len().div_ceil(2) as f64 * f64::from(radix).log2();
                prop_assert!(bits > 95.9, "{} bits fit machine integers", bits);
            }
        }
    }

    #[test]
    fn decryption_undoes_encryption(key: [u8; 32], tweak in vec(any::<u8>(), 0..40), (radix, text) in texts(300)) {
        let mut ff1 = Ff1::new(cipher(key), radix, &tweak).unwrap();
        let mut masked = text.clone();
        ff1.encrypt(&mut masked).unwrap();
        prop_assert!(masked.iter().all(|&numeral| numeral < radix));
        ff1.decrypt(&mut masked).unwrap();
        prop_assert_eq!(masked, text);
    }

    #[test]
    fn a_text_and_its_value_are_the_same(key: [u8; 32], digits in vec(0..10_u16, 6..=36)) {
        let mut ff1 = Ff1::new(cipher(key), 10, b"").unwrap();
        let value = |digits: &[u16]| digits.iter().fold(0, |value, &digit| value * 10 + u128::from(digit));
        let number = ff1.encrypt_number(digits.len(), value(&digits)).unwrap();
        prop_assert_eq!(ff1.decrypt_number(digits.len(), number).unwrap(), value(&digits));
        let mut masked = digits;
        ff1.encrypt(&mut masked).unwrap();
        prop_assert_eq!(value(&masked), number);
    }

    #[test]
    fn division_leaves_the_remainder(digits: u128, modulus in 1_u128.., shift in 0..96_u32) {
        let natural = |value: u128| natural::Natural::from_bytes(&value.to_be_bytes());
        let modulus = modulus >> shift | 1;
        let mut rest = natural(digits);
        rest.reduce(&natural::Modulus::new(natural(modulus)));
        prop_assert_eq!(rest, natural(digits % modulus));
    }
}

/// Where a quotient's first estimate is wrong, which random numbers hardly ever meet.
#[test]
fn division_near_the_digits_edges() {
    let edges = [0, 1, 2, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, 0xffff_fffe, 0xffff_ffff_u128];
    let natural = |value: u128| natural::Natural::from_bytes(&value.to_be_bytes());
    for a in edges {
        for b in edges {
            for c in edges {
                for d in edges {
                    let number = a << 96 | b << 64 | c << 32 | d;
                    for modulus in [a << 32 | c, b << 64 | c << 32 | a, d << 64 | a << 32 | b, c << 96 | 1, d] {
                        if modulus > 0 {
                            let mut rest = natural(number);
                            rest.reduce(&natural::Modulus::new(natural(modulus)));
                            assert_eq!(rest, natural(number % modulus), "{number:x} mod {modulus:x}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn the_longest_text_comes_back() {
    let mut ff1 = Ff1::new(cipher([7; 32]), 10, b"t").unwrap();
    let text: Vec<u16> = (0..MAX_LENGTH).map(|index| (index * 7 % 10) as u16).collect();
    let mut masked = text.clone();
    ff1.encrypt(&mut masked).unwrap();
    assert_ne!(masked, text);
    ff1.decrypt(&mut masked).unwrap();
    assert_eq!(masked, text);
    assert_eq!(ff1.encrypt(&mut vec![0; MAX_LENGTH + 1]), Err(Ff1Error::TooLong(MAX_LENGTH + 1)));
}

#[test]
fn what_the_standard_forbids_is_refused() {
    let new = |radix, tweak: &[u8]| Ff1::new(cipher([0; 32]), radix, tweak).map(|ff1| ff1.least_length());
    for (radix, least) in [(2, 20), (10, 6), (26, 5), (36, 4), (62, 4), (100, 3), (999, 3), (1000, 2), (1024, 2)] {
        assert_eq!(new(radix, b""), Ok(least), "{radix}");
    }
    for radix in [0, 1, MAX_RADIX + 1, u16::MAX] {
        assert_eq!(new(radix, b""), Err(Ff1Error::Radix(radix)));
    }
    assert_eq!(new(10, &[0; MAX_TWEAK + 1]), Err(Ff1Error::Tweak));
    let mut ff1 = Ff1::new(cipher([0; 32]), 10, b"").unwrap();
    assert_eq!(ff1.encrypt(&mut [1; 5]), Err(Ff1Error::TooShort { found: 5, least: 6, radix: 10 }));
    assert_eq!(ff1.encrypt(&mut [10; 6]), Err(Ff1Error::Numeral));
    assert_eq!(ff1.encrypt_number(6, 1_000_000), Err(Ff1Error::Numeral));
}

/// A domain small enough to see that encryption is a permutation of it.
#[test]
fn no_two_texts_share_a_ciphertext() {
    let mut ff1 = Ff1::new(cipher([3; 32]), 10, b"").unwrap();
    let mut seen = vec![false; 1_000_000];
    for number in (0..1_000_000).step_by(if cfg!(debug_assertions) { 97 } else { 1 }) {
        let masked = ff1.encrypt_number(6, number).unwrap() as usize;
        assert!(!std::mem::replace(&mut seen[masked], true));
    }
}

#[test]
fn many_lengths_are_forgotten_again() {
    let mut ff1 = Ff1::new(cipher([0; 32]), 10, b"").unwrap();
    for length in 6..6 + 3 * REMEMBERED {
        ff1.encrypt(&mut vec![1; length]).unwrap();
        assert!(ff1.shapes.len() <= REMEMBERED);
    }
}
