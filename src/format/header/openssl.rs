//! What `openssl enc` writes: "Salted__", eight bytes of salt, and what is encrypted with a key that is made of a passphrase and the salt.

use super::{Digest, cipher};
use crate::blob::Bytes;
use crate::codec::aes;
use crate::limits::Output;
use crate::problem::Fault;

/// How a file of `openssl enc` begins.
pub(crate) const MAGIC: &[u8; 8] = b"Salted__";

/// Bytes of magic and salt.
pub(crate) const HEADER: u64 = 16;

/// A passphrase and how a key is made of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Passphrase {
    /// The passphrase.
    pub(crate) text: &'static str,
    /// `-md`
    pub(crate) digest: Digest,
    /// Bytes of the key: 16 or 32.
    pub(crate) size: usize,
}

/// Key and initial vector.
pub(crate) struct Secret {
    key: Vec<u8>,
    vector: [u8; 16],
}

impl Passphrase {
    /// Key and vector for this salt.
    pub(crate) fn secret(&self, salt: &[u8]) -> Secret {
        derive(self.digest, self.text.as_bytes(), salt, self.size)
    }
}

/// Key and vector, as OpenSSL makes them without `-pbkdf2`.
pub(crate) fn derive(digest: Digest, passphrase: &[u8], salt: &[u8], size: usize) -> Secret {
    let (mut last, mut made) = (Vec::new(), Vec::new());
    while made.len() < size.saturating_add(16) {
        last = digest(&[&last, passphrase, salt]);
        made.extend_from_slice(&last);
    }
    let (key, rest) = made.split_at_checked(size).unwrap_or((&[], &[]));
    Secret { key: key.to_vec(), vector: Bytes(rest).array(0).unwrap_or_default() }
}

impl Secret {
    /// With a vector that stands elsewhere.
    pub(crate) fn with_vector(self, vector: [u8; 16]) -> Self {
        Self { vector, ..self }
    }

    /// With a key that is no passphrase.
    pub(crate) fn new(key: &[u8], vector: [u8; 16]) -> Self {
        Self { key: key.to_vec(), vector }
    }

    /// The key alone, for blocks that are not chained.
    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    /// What the first bytes are: the whole blocks of `head`.
    pub(crate) fn head(&self, head: &[u8]) -> Vec<u8> {
        aes::decrypt_cbc(&self.key, self.vector, head).unwrap_or_default()
    }

    /// Decrypts all, and leaves out the padding at the end.
    pub(crate) fn decrypt(&self, data: &[u8], output: &mut Output<'_>) -> Result<(), Fault> {
        let blocks = data.len() / 16;
        let last = blocks.saturating_sub(1).saturating_mul(16);
        let (before, end) = data.split_at_checked(last).unwrap_or((data, &[]));
        cipher::aes_cbc(&self.key, &self.vector, before, &mut |part| output.push(part))?;
        let vector = before.last_chunk().copied().unwrap_or(self.vector);
        let plain = aes::decrypt_cbc(&self.key, vector, end).unwrap_or_default();
        Ok(output.push(unpadded(&plain))?)
    }
}

/// Bytes without the padding of PKCS#7, if they have one.
pub(crate) fn unpadded(plain: &[u8]) -> &[u8] {
    let padding = plain.last().copied().unwrap_or(0);
    let kept = plain.len().saturating_sub(padding.into());
    let (content, rest) = plain.split_at_checked(kept).unwrap_or((plain, &[]));
    if (1..=16).contains(&padding) && rest.iter().all(|byte| *byte == padding) { content } else { plain }
}
