//! The checksums of headers.

use adler2::Adler32;
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest as _, Md5};

/// CRC-32 as everybody computes it.
pub(crate) fn crc32(pieces: &[&[u8]]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    pieces.iter().for_each(|piece| crc.update(piece));
    crc.sum().to_be_bytes().to_vec()
}

/// The register of a CRC-32 as it stands at the end, without the usual last inversion.
pub(crate) fn crc32_register(pieces: &[&[u8]]) -> Vec<u8> {
    crc32(pieces).iter().map(|byte| !byte).collect()
}

/// MD5.
pub(crate) fn md5(pieces: &[&[u8]]) -> Vec<u8> {
    let mut hash = Md5::new();
    pieces.iter().for_each(|piece| hash.update(piece));
    hash.finalize().to_vec()
}

/// SHA-512.
pub(crate) fn sha512(pieces: &[&[u8]]) -> Vec<u8> {
    let mut hash = sha2::Sha512::new();
    pieces.iter().for_each(|piece| hash.update(piece));
    hash.finalize().to_vec()
}

/// SHA-256.
pub(crate) fn sha256(pieces: &[&[u8]]) -> Vec<u8> {
    let mut hash = sha2::Sha256::new();
    pieces.iter().for_each(|piece| hash.update(piece));
    hash.finalize().to_vec()
}

/// Adler-32, as zlib has it.
pub(crate) fn adler32(pieces: &[&[u8]]) -> Vec<u8> {
    let mut sum = Adler32::new();
    pieces.iter().for_each(|piece| sum.write_slice(piece));
    sum.checksum().to_be_bytes().to_vec()
}

/// HMAC of a message.
pub(crate) fn hmac_sha1(key: &[u8], message: &[u8]) -> Vec<u8> {
    Hmac::<sha1::Sha1>::new_from_slice(key).map_or_else(|_| Vec::new(), |hmac| hmac.chain_update(message).finalize().into_bytes().to_vec())
}

/// The same with SHA-256.
pub(crate) fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    Hmac::<sha2::Sha256>::new_from_slice(key)
        .map_or_else(|_| Vec::new(), |hmac| hmac.chain_update(message).finalize().into_bytes().to_vec())
}

/// All bytes added up.
pub(crate) fn bytes_added(pieces: &[&[u8]]) -> Vec<u8> {
    bytes(pieces).fold(0_u32, |sum, byte| sum.wrapping_add(u32::from(byte))).to_be_bytes().to_vec()
}

/// The lowest byte of all bytes added up.
pub(crate) fn low_byte_added(pieces: &[&[u8]]) -> Vec<u8> {
    vec![bytes(pieces).fold(0_u8, u8::wrapping_add)]
}

/// All bytes, one changed by the other.
pub(crate) fn bytes_mixed(pieces: &[&[u8]]) -> Vec<u8> {
    vec![bytes(pieces).fold(0, |sum, byte| sum ^ byte)]
}

/// The 16-bit number, most significant byte first, that makes all 16-bit words of the same order come to 0.
pub(crate) fn words_to_zero(pieces: &[&[u8]]) -> Vec<u8> {
    words_added(pieces, u16::from_be_bytes).wrapping_neg().to_be_bytes().to_vec()
}

/// The same for words with the least significant byte first.
pub(crate) fn little_words_to_zero(pieces: &[&[u8]]) -> Vec<u8> {
    words_added(pieces, u16::from_le_bytes).wrapping_neg().to_be_bytes().to_vec()
}

/// All 16-bit words added up, a single byte at the end as if a 0 stood behind it.
fn words_added(pieces: &[&[u8]], word: fn([u8; 2]) -> u16) -> u16 {
    let mut all = bytes(pieces);
    let mut sum = 0_u16;
    while let Some(first) = all.next() {
        sum = sum.wrapping_add(word([first, all.next().unwrap_or(0)]));
    }
    sum
}

/// All bytes of all pieces.
pub(crate) fn bytes(pieces: &[&[u8]]) -> impl Iterator<Item = u8> {
    pieces.iter().flat_map(|piece| piece.iter().copied())
}

/// The sum of all bytes.
pub(crate) fn byte_sum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(u32::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_4231_and_2202() {
        let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let found = hex(hmac_sha256(b"Jefe", b"what do ya want for nothing?"));
        assert_eq!(found, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        assert_eq!(hex(hmac_sha1(b"Jefe", b"what do ya want for nothing?")), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    }
}
