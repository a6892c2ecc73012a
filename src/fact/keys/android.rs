//! RSA keys as Android writes them, with the numbers that make arithmetic with them quick, and by which they are told.

use super::{Found, Search};
use crate::blob::{Bytes, Endian, Span, to_u64, to_usize};
use crate::codec::{pem, public_key};

/// Whether `inverse` is what modulus times it is -1 modulo 2^32.
fn is_inverse(low: u32, inverse: u32) -> bool {
    low.wrapping_mul(inverse) == u32::MAX
}

/// A line of `adb_keys`: base64 of u32 words (64), u32 inverse, the modulus and the square of 2^2048 modulo it from their low end, u32
/// exponent; a blank, and whose it is.
pub(super) fn adb(search: &mut Search<'_>) {
    const LENGTH: usize = 524;
    for start in search.places(b"QAAAA") {
        let text = search.window(start, 1024);
        let length = pem::base64_length(text, 704, false);
        if length != 700 || !search.pays(length) {
            continue;
        }
        let bytes = pem::base64(text.get(..length).unwrap_or_default());
        let reader = Bytes(&bytes);
        let number = |at| reader.u32(at, Endian::Little).unwrap_or(0);
        if bytes.len() != LENGTH || number(0) != 64 || !is_inverse(number(8), number(4)) {
            continue;
        }
        let modulus: Vec<u8> = reader.up_to(8, 256).iter().rev().copied().collect();
        let after = text.get(length..).unwrap_or_default();
        let end = after.iter().position(|byte| matches!(byte, b'\n' | b'\r' | 0)).unwrap_or(after.len());
        let name = after.get(..end).unwrap_or_default().trim_ascii();
        let at = to_u64(start.saturating_add(length).saturating_add(1));
        let name = (String::from_utf8_lossy(name).into_owned(), Span::new(at, to_u64(name.len())));
        if let Some(spki) = spki(&modulus, &number(520).to_be_bytes()) {
            let span = Span::new(to_u64(start), to_u64(length));
            search.found.push(Found {
                span,
                kind: "android",
                algorithm: public_key::name(&spki),
                spki: Some(spki),
                name,
                ..Found::default()
            });
        }
    }
}

fn spki(modulus: &[u8], exponent: &[u8]) -> Option<Vec<u8>> {
    let trimmed = |number: &[u8]| number.iter().position(|byte| *byte != 0).and_then(|first| number.get(first..).map(<[u8]>::to_vec));
    Some(public_key::write_rsa(&trimmed(modulus)?, &trimmed(exponent)?))
}

/// The key in the image of Android Verified Boot that begins with `AVB0`: u64 authentication[12], u64 key offset[64] and size[72] behind
/// those; the key: u32 bits, u32 inverse, modulus, square, high end first. Its exponent is 65537.
pub(super) fn verified_boot(search: &mut Search<'_>) {
    let reader = Bytes(search.bytes);
    for start in search.places(b"AVB0\0\0\0\x01").map(to_u64) {
        let found = (|| {
            let number = |at: u64| reader.u64(start.checked_add(at)?, Endian::Big).ok();
            let at = start.checked_add(256)?.checked_add(number(12)?)?.checked_add(number(64)?)?;
            let (size, inverse) = (reader.u32(at, Endian::Big).ok()?, reader.u32(at.checked_add(4)?, Endian::Big).ok()?);
            let bytes = u64::from(size / 8);
            let is_size = matches!(size, 1024 | 2048 | 4096 | 8192) && number(72)? == bytes.checked_mul(2)?.checked_add(8)?;
            let span = Span::new(at, number(72).filter(|_| is_size)?);
            let modulus = reader.0.get(to_usize(at.checked_add(8)?)..to_usize(at.checked_add(8)?.checked_add(bytes)?))?;
            let low = u32::from_be_bytes(*modulus.last_chunk()?);
            Some((span, spki(modulus, &[1, 0, 1]).filter(|_| is_inverse(low, inverse))?))
        })();
        if let Some((span, spki)) = found {
            search.public(span, "avb", spki);
        }
    }
}
