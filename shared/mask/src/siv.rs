//! AES-SIV: deterministic authenticated encryption, RFC 5297 (<https://www.rfc-editor.org/rfc/rfc5297>).
//!
//! Equal texts give equal results under one key, so masked columns can be joined and counted; there is no nonce. A masked text
//! is base64url, without padding, of the id of the master key followed by what AES-SIV gives for the text with that id as
//! associated data.

mod cipher;

use aes::{Aes256Enc, cipher::KeyInit};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use self::cipher::{Cipher, TAG_BYTES};

/// Bytes of a key: one AES-256 key to authenticate with and one to encrypt with.
pub const KEY_BYTES: usize = 64;

/// The cipher of one column under one master key.
#[derive(Debug)]
pub struct Siv {
    cipher: Cipher<Aes256Enc>,
    key_id: u8,
    /// Reused.
    bytes: Vec<u8>,
}

impl Siv {
    /// The cipher with a derived key, named by the id of the master key it was derived from.
    #[must_use]
    pub fn new(key_id: u8, key: &[u8; KEY_BYTES]) -> Self {
        let (mac_key, text_key) = key.split_at(KEY_BYTES / 2);
        let [mac, text] = [mac_key, text_key].map(|half| {
            let mut key = aes::cipher::Key::<Aes256Enc>::default();
            key.copy_from_slice(half);
            Aes256Enc::new(&key)
        });
        Self { cipher: Cipher::new(mac, text, &[&[key_id]]), key_id, bytes: Vec::new() }
    }

    /// Appends the masked text.
    pub fn mask(&mut self, text: &str, out: &mut String) {
        self.bytes.clear();
        self.bytes.push(self.key_id);
        self.cipher.encrypt(text.as_bytes(), &mut self.bytes);
        BASE64_URL_SAFE_NO_PAD.encode_string(&self.bytes, out);
    }

    /// Appends the text that was masked; `None` if it was not masked with this key.
    pub fn unmask(&mut self, masked: &Masked, out: &mut String) -> Option<()> {
        if masked.key_id != self.key_id {
            return None;
        }
        self.bytes.clear();
        self.cipher.decrypt(&masked.sealed, &mut self.bytes)?;
        out.push_str(std::str::from_utf8(&self.bytes).ok()?);
        Some(())
    }
}

/// A masked text, taken apart.
#[derive(Debug, Default)]
pub struct Masked {
    key_id: u8,
    sealed: Vec<u8>,
}

impl Masked {
    /// Takes a masked text apart; `None` if it can't be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut sealed = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        if sealed.len() <= TAG_BYTES {
            return None;
        }
        let key_id = sealed.remove(0);
        Some(Self { key_id, sealed })
    }

    /// The master key it was masked with.
    #[must_use]
    pub fn key_id(&self) -> u8 {
        self.key_id
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mask(siv: &mut Siv, text: &str) -> String {
        let mut out = String::new();
        siv.mask(text, &mut out);
        out
    }

    fn unmask(siv: &mut Siv, text: &str) -> Option<String> {
        let mut out = String::new();
        siv.unmask(&Masked::parse(text)?, &mut out).map(|()| out)
    }

    /// Computed with the Python package `cryptography` from the same key, associated data and text.
    #[test]
    fn the_form_is_fixed() {
        let key: Vec<u8> = (0..64).collect();
        let mut siv = Siv::new(1, key.as_slice().try_into().unwrap());
        assert_eq!(mask(&mut siv, "25-989-741-2988"), "AfMlXYM5mDMHUFtfkBhq4idjXBlc2yUktPHSg1I2U1I");
    }

    proptest! {
        #[test]
        fn unmasking_undoes_masking(id: u8, key: [u8; 32], text: String) {
            let key = [key, key].concat();
            let mut siv = Siv::new(id, key.as_slice().try_into().unwrap());
            let masked = mask(&mut siv, &text);
            prop_assert_eq!(&masked, &mask(&mut siv, &text));
            prop_assert_eq!(Masked::parse(&masked).unwrap().key_id(), id);
            prop_assert_eq!(unmask(&mut siv, &masked), Some(text));
        }

        #[test]
        fn whatever_was_changed_is_refused(text: String, at: prop::sample::Index, bit in 0..8_u32) {
            let mut siv = Siv::new(1, &[7; KEY_BYTES]);
            let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(mask(&mut siv, &text)).unwrap();
            bytes[at.index(text.len() + 17)] ^= 1 << bit;
            prop_assert_eq!(unmask(&mut siv, &BASE64_URL_SAFE_NO_PAD.encode(bytes)), None);
        }

        #[test]
        fn what_was_never_masked_is_refused(text: String) {
            prop_assert_eq!(unmask(&mut Siv::new(1, &[7; KEY_BYTES]), &text), None);
        }
    }
}
