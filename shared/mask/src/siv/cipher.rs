//! AES-SIV itself, for one key and one list of associated data, whose part of the work is done once.

use aes::{
    Block,
    cipher::{BlockCipherEncrypt, BlockSizeUser, consts::U16},
};
use zeroize::Zeroizing;

/// Bytes of the tag, which stands before the ciphertext and is the counter it was encrypted with.
pub(super) const TAG_BYTES: usize = 16;
const BLOCK: usize = 16;
/// How many blocks are encrypted at once, as the hardware can.
const AT_ONCE: usize = 8;

/// A key with its associated data.
pub(super) struct Cipher<C> {
    mac: Mac<C>,
    text: C,
    /// What S2V comes to before the text.
    state: Zeroizing<u128>,
}

/// CMAC (RFC 4493, <https://www.rfc-editor.org/rfc/rfc4493>).
struct Mac<C> {
    cipher: C,
    /// The subkeys for a last block that is full, and for one that is not.
    full: Zeroizing<u128>,
    partial: Zeroizing<u128>,
}

impl<C> Cipher<C>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    /// The cipher that authenticates with `mac` and encrypts with `text`.
    pub(super) fn new(mac: C, text: C, headers: &[&[u8]]) -> Self {
        let mac = Mac::new(mac);
        let mut state = mac.sign(&[0; BLOCK]);
        for header in headers {
            state = double(state) ^ mac.sign(header);
        }
        Self { mac, text, state: Zeroizing::new(state) }
    }

    /// Appends tag and ciphertext.
    pub(super) fn encrypt(&self, plaintext: &[u8], out: &mut Vec<u8>) {
        let tag = self.tag(plaintext);
        out.extend_from_slice(&tag.to_be_bytes());
        let start = out.len();
        out.extend_from_slice(plaintext);
        self.add_key_stream(tag, out.get_mut(start..).unwrap_or_default());
    }

    /// Appends the plaintext; `None`, and nothing appended, if the tag is not the text's.
    pub(super) fn decrypt(&self, sealed: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let (tag, ciphertext) = sealed.split_first_chunk::<TAG_BYTES>()?;
        let tag = u128::from_be_bytes(*tag);
        let start = out.len();
        out.extend_from_slice(ciphertext);
        let plaintext = out.get_mut(start..)?;
        self.add_key_stream(tag, plaintext);
        // One comparison of the whole: its time tells nothing about where they differ.
        if self.tag(plaintext) ^ tag == 0 {
            return Some(());
        }
        plaintext.fill(0);
        out.truncate(start);
        None
    }

    /// S2V (RFC 5297, section 2.4).
    fn tag(&self, plaintext: &[u8]) -> u128 {
        let Some((body, end)) = plaintext.split_last_chunk::<BLOCK>() else {
            return self.mac.sign(&(double(*self.state) ^ padded(plaintext)).to_be_bytes());
        };
        let end = (u128::from_be_bytes(*end) ^ *self.state).to_be_bytes();
        // The last 16 bytes need not begin where a block does.
        let (blocks, rest) = body.split_at_checked(body.len() / BLOCK * BLOCK).unwrap_or((body, &[]));
        let mut tail = [0; 2 * BLOCK];
        for (to, from) in tail.iter_mut().zip(rest.iter().chain(&end)) {
            *to = *from;
        }
        self.mac.sign_parts(blocks, tail.get(..rest.len() + BLOCK).unwrap_or(&tail))
    }

    /// Counter mode (RFC 5297, section 2.5).
    fn add_key_stream(&self, tag: u128, text: &mut [u8]) {
        let mut counter = tag & !(1 << 63 | 1 << 31);
        for text in text.chunks_mut(AT_ONCE * BLOCK) {
            let mut blocks = [Block::default(); AT_ONCE];
            let blocks = blocks.get_mut(..text.len().div_ceil(BLOCK)).unwrap_or_default();
            for block in blocks.iter_mut() {
                *block = Block::from(counter.to_be_bytes());
                counter = counter.wrapping_add(1);
            }
            self.text.encrypt_blocks(blocks);
            for (byte, key) in text.iter_mut().zip(blocks.iter().flatten()) {
                *byte ^= key;
            }
        }
    }
}

impl<C> std::fmt::Debug for Cipher<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cipher").finish_non_exhaustive()
    }
}

impl<C> Mac<C>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    fn new(cipher: C) -> Self {
        let full = double(encrypt(&cipher, 0));
        Self { cipher, full: Zeroizing::new(full), partial: Zeroizing::new(double(full)) }
    }

    fn sign(&self, text: &[u8]) -> u128 {
        self.sign_parts(&[], text)
    }

    /// Signs whole blocks followed by a text that is not empty, unless both are.
    fn sign_parts(&self, blocks: &[u8], text: &[u8]) -> u128 {
        let (body, last) = text.split_at_checked(text.len().saturating_sub(1) / BLOCK * BLOCK).unwrap_or((&[], text));
        let mut state = 0;
        for block in blocks.chunks_exact(BLOCK).chain(body.chunks_exact(BLOCK)) {
            state = encrypt(&self.cipher, state ^ whole(block));
        }
        let last = if last.len() == BLOCK { whole(last) ^ *self.full } else { padded(last) ^ *self.partial };
        encrypt(&self.cipher, state ^ last)
    }
}

fn encrypt<C>(cipher: &C, block: u128) -> u128
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    let mut block = Block::from(block.to_be_bytes());
    cipher.encrypt_block(&mut block);
    u128::from_be_bytes(block.into())
}

/// Doubling in the field of 2¹²⁸ elements, by the rule of RFC 5297, section 2.3.
fn double(value: u128) -> u128 {
    (value << 1) ^ ((value >> 127) * 0x87)
}

/// A block of 16 bytes.
fn whole(block: &[u8]) -> u128 {
    block.try_into().map_or(0, u128::from_be_bytes)
}

/// A block of fewer bytes, with a bit set behind them.
fn padded(bytes: &[u8]) -> u128 {
    let mut block = [0; BLOCK];
    for (to, from) in block.iter_mut().zip(bytes.iter().chain(&[0x80])) {
        *to = *from;
    }
    u128::from_be_bytes(block)
}

#[cfg(test)]
mod tests {
    use aes::{Aes128Enc, Aes256Enc, cipher::KeyInit};
    use aes_siv::siv::Aes256Siv;
    use proptest::{collection::vec, prelude::*};
    use serde_json::Value;

    use super::*;
    use crate::testing::bytes;

    #[test]
    fn the_samples_of_rfc_5297() {
        let file: Value = serde_json::from_str(include_str!("../../tests/vectors/siv.json")).unwrap();
        let samples = file["samples"].as_array().unwrap();
        assert_eq!(samples.len(), 2);
        for sample in samples {
            let field = |name: &str| bytes(sample[name].as_str().unwrap());
            let headers: Vec<_> =
                sample["headers"].as_array().unwrap().iter().map(|header| bytes(header.as_str().unwrap())).collect();
            let headers: Vec<&[u8]> = headers.iter().map(Vec::as_slice).collect();
            let key = field("key");
            let [mac, text] = [&key[..16], &key[16..]].map(|half| Aes128Enc::new_from_slice(half).unwrap());
            let cipher = Cipher::new(mac, text, &headers);
            let mut out = Vec::new();
            cipher.encrypt(&field("plaintext"), &mut out);
            assert_eq!(out, field("output"), "{sample}");
            let mut out = vec![1];
            cipher.decrypt(&field("output"), &mut out).unwrap();
            assert_eq!(out[1..], field("plaintext"), "{sample}");
        }
    }

    fn cipher(key: &[u8], headers: &[Vec<u8>]) -> Cipher<Aes256Enc> {
        let [mac, text] = [&key[..32], &key[32..]].map(|half| Aes256Enc::new_from_slice(half).unwrap());
        Cipher::new(mac, text, &headers.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    proptest! {
        #[test]
        fn as_the_crate_aes_siv_encrypts(
            key in vec(any::<u8>(), 64),
            headers in vec(vec(any::<u8>(), 0..40), 0..4),
            plaintext in vec(any::<u8>(), 0..300),
        ) {
            let mut theirs = Aes256Siv::new_from_slice(&key).unwrap();
            let mut out = Vec::new();
            let ours = cipher(&key, &headers);
            ours.encrypt(&plaintext, &mut out);
            prop_assert_eq!(&out, &theirs.encrypt(&headers, &plaintext).unwrap());
            let mut back = Vec::new();
            prop_assert_eq!(ours.decrypt(&out, &mut back), Some(()));
            prop_assert_eq!(back, plaintext);
        }

        #[test]
        fn what_was_changed_is_refused(plaintext in vec(any::<u8>(), 0..100), at: prop::sample::Index, bit in 0..8_u32) {
            let cipher = cipher(&[5; 64], &[vec![1]]);
            let mut sealed = Vec::new();
            cipher.encrypt(&plaintext, &mut sealed);
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            let mut out = vec![7];
            prop_assert_eq!(cipher.decrypt(&sealed, &mut out), None);
            prop_assert_eq!(out, [7]);
            prop_assert_eq!(cipher.decrypt(&sealed[..TAG_BYTES - 1], &mut Vec::new()), None);
        }
    }
}
