//! What libsodium's secretstream makes of ChaCha20: decrypting only, the codes of authenticity are not looked at.

use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};

use crate::blob::Bytes;

/// A stream of messages, as `crypto_secretstream_xchacha20poly1305` of libsodium writes them.
#[derive(Debug)]
pub(crate) struct SecretStream {
    key: [u8; 32],
    counter: u32,
    nonce: [u8; 8],
}

/// Bytes of the code behind a message, and of the tag before it.
const CODE: usize = 16;
const TAG: usize = 1;

/// Where in the key stream a message begins: the block before is of the tag, and the first one of the code.
const FIRST: u64 = 128;

impl SecretStream {
    /// Bytes of the header of a stream, and those that each message is longer than what is in it.
    pub(crate) const HEADER: u64 = 24;
    pub(crate) const MORE: u64 = 17;

    /// A stream with this key and header.
    pub(crate) fn new(key: &[u8; 32], header: [u8; 24]) -> Self {
        let (input, nonce) = (Bytes(&header).array::<16>(0).unwrap_or_default(), Bytes(&header).array(16).unwrap_or_default());
        let key = chacha20::hchacha::<chacha20::R20>(&(*key).into(), &input.into());
        Self { key: key.into(), counter: 1, nonce }
    }

    /// What is in the next message. One that changes the key for those behind it is the last that can be read.
    pub(crate) fn message(&mut self, message: &[u8]) -> Vec<u8> {
        let (sealed, code) = message.split_at_checked(message.len().saturating_sub(CODE)).unwrap_or((message, &[]));
        let mut plain = sealed.get(TAG..).unwrap_or_default().to_vec();
        let [a, b, c, d] = self.counter.to_le_bytes();
        let [e, f, g, h, i, j, k, l] = self.nonce;
        let mut stream = ChaCha20::new(&self.key.into(), &[a, b, c, d, e, f, g, h, i, j, k, l].into());
        // A message longer than the key stream, 256 GiB, is none.
        if stream.try_seek(FIRST).and_then(|()| stream.try_apply_keystream(&mut plain)).is_err() {
            return Vec::new();
        }
        self.nonce.iter_mut().zip(code).for_each(|(byte, mask)| *byte ^= mask);
        self.counter = self.counter.wrapping_add(1);
        plain
    }
}
