//! BLAKE2b: a hash, and how libsodium makes keys of a key.

use blake2::digest::consts::U32;
use blake2::digest::{Digest, FixedOutput};
use blake2::{Blake2b, Blake2bMac};

/// The hash of 32 bytes.
pub(crate) fn hash(message: &[u8]) -> [u8; 32] {
    Blake2b::<U32>::digest(message).into()
}

/// The key of 32 bytes that libsodium makes (`crypto_kdf_derive_from_key`) of another, a number, and a context: the hash of nothing, with
/// the number as salt. `None` if the key is none.
pub(crate) fn derive(key: &[u8; 32], number: u64, context: [u8; 8]) -> Option<[u8; 32]> {
    let hash = Blake2bMac::<U32>::new_with_salt_and_personal(Some(key), &number.to_le_bytes(), &context).ok()?;
    Some(hash.finalize_fixed().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_b2sum() {
        let hex = |bytes: [u8; 32]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(hex(hash(b"abc")), "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
        assert_eq!(hex(hash(b"")), "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    }
}
