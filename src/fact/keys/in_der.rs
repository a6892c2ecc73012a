//! Keys in PEM, and in DER at any byte.

use memchr::memmem;

use super::{Found, Search};
use crate::blob::{Span, to_u64};
use crate::codec::der::{Reader, SEQUENCE};
use crate::codec::{pem, private_key, public_key};

/// What PEM says that it holds: private keys of all kinds, and public ones.
pub(super) fn pem_blocks(search: &mut Search<'_>) {
    for block in pem::blocks(search.bytes) {
        if let Some(key) = private_key::pem(&block) {
            search.private(block.span, key);
            continue;
        }
        match block.label {
            b"PUBLIC KEY" => {
                let bytes = block.decode();
                if let Some(spki) = public_key::spki(&bytes).filter(|spki| spki.len() == bytes.len()) {
                    search.public(block.span, "spki", spki.to_vec());
                }
            }
            b"RSA PUBLIC KEY" => {
                let bytes = block.decode();
                if let Some(spki) = public_key::pkcs1(&bytes).and_then(of_pkcs1) {
                    search.public(block.span, "pkcs1-public", spki);
                }
            }
            b"PGP PUBLIC KEY BLOCK" | b"PGP PRIVATE KEY BLOCK" | b"PGP SIGNATURE" => {
                super::openpgp::read(search, &block.decode(), Some(block.span));
            }
            _ => (),
        }
    }
}

fn of_pkcs1(key: &[u8]) -> Option<Vec<u8>> {
    let mut numbers = Reader::new(key).enter(SEQUENCE)?;
    Some(public_key::write_rsa(numbers.unsigned()?, numbers.unsigned()?))
}

/// What follows the tag and the length of a key in DER: its version, and the tag of what comes next.
const AFTER_HEADER: [&[u8]; 4] = [
    b"\x02\x01\x00\x02", // PKCS#1, and OpenSSL's DSA
    b"\x02\x01\x00\x30", // PKCS#8
    b"\x02\x01\x01\x30", // PKCS#8 with its public half
    b"\x02\x01\x01\x04", // SEC 1
];

pub(super) fn private_keys(search: &mut Search<'_>) {
    for mark in AFTER_HEADER {
        for place in search.places(mark) {
            let Some(start) = header_before(search.bytes, place) else { continue };
            let Some(key) = search.bytes.get(start..).and_then(private_key::der) else { continue };
            // An algorithm that is only a number is nothing to rely on in the middle of other bytes.
            if !key.algorithm.starts_with(|first: char| first.is_ascii_digit()) {
                search.private(Span::new(to_u64(start), key.length), key);
            }
        }
    }
}

/// Identifiers of encryption with a password, with their tags and lengths: PBES2, and those of PKCS#12.
const ENCRYPTIONS: [&[u8]; 2] = [
    &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d, 0x30],
    &[0x06, 0x0a, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01],
];

pub(super) fn encrypted_keys(search: &mut Search<'_>) {
    for mark in ENCRYPTIONS {
        for place in search.places(mark) {
            let outer = header_before(search.bytes, place).and_then(|inner| header_before(search.bytes, inner));
            let Some(start) = outer else { continue };
            let key = search.bytes.get(start..).and_then(private_key::der);
            if let Some(key) = key.filter(|key| key.kind == "pkcs8-encrypted") {
                search.private(Span::new(to_u64(start), key.length), key);
            }
        }
    }
}

/// Where the tag and length of a SEQUENCE start that end at `end`.
fn header_before(bytes: &[u8], end: usize) -> Option<usize> {
    let before = bytes.get(end.saturating_sub(4)..end)?;
    let size = match before {
        [0x30, 0x82, _, _] => 4,
        [.., 0x30, 0x81, _] => 3,
        [.., 0x30, 0..=0x7f] => 2,
        _ => return None,
    };
    end.checked_sub(size)
}

/// `AlgorithmIdentifier` as public keys have it, as far as it is the same for all of an algorithm.
const ALGORITHMS: [&[u8]; 4] = [
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00, 0x03],
    &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06],
    &[0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03],
    &[0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x71, 0x03],
];

pub(super) fn public_keys(search: &mut Search<'_>) {
    for mark in ALGORITHMS {
        for place in search.places(mark) {
            let algorithm = if mark.first() == Some(&6) { place.checked_sub(2) } else { Some(place) };
            let start = algorithm.and_then(|algorithm| header_before(search.bytes, algorithm));
            let Some(start) = start else { continue };
            if let Some(spki) = public_key::spki(search.bytes.get(start..).unwrap_or_default()) {
                let span = Span::new(to_u64(start), to_u64(spki.len()));
                search.public(span, "spki", spki.to_vec());
            }
        }
    }
}

/// Stores of keys.
pub(super) fn stores(search: &mut Search<'_>) {
    for place in search.places(b"\x02\x01\x03\x30") {
        let start = match search.bytes.get(place.saturating_sub(2)..place) {
            Some([0x30, 0x80]) => place.checked_sub(2),
            _ => header_before(search.bytes, place),
        };
        // The bag in it is searched for.
        if let Some(start) = start.filter(|_| search.pays(1024)) {
            let store = private_key::pkcs12(search.bytes.get(start..).unwrap_or_default());
            store.into_iter().for_each(|key| search.private(Span::new(to_u64(start), key.length), key));
        }
    }
    for mark in [b"\xfe\xed\xfe\xed\0\0\0", b"\xce\xce\xce\xce\0\0\0"] {
        for start in search.places(mark) {
            let store = search.pays(4096).then(|| private_key::jks(search.bytes.get(start..).unwrap_or_default())).flatten();
            store.into_iter().for_each(|key| search.private(Span::new(to_u64(start), key.length), key));
        }
    }
    let store = private_key::bks(search.bytes);
    store.into_iter().for_each(|key| search.private(Span::new(0, key.length), key));
}

/// Base64 of a key in DER, or of a key in PEM, read from `text`: added as if it stood at `span`.
pub(super) fn decoded(search: &mut Search<'_>, bytes: &[u8], span: Span) -> bool {
    if memmem::find(bytes.get(..64).unwrap_or(bytes), b"-----BEGIN ").is_some() {
        let keys: Vec<_> = pem::blocks(bytes).filter_map(|block| private_key::pem(&block)).collect();
        let found = !keys.is_empty();
        keys.into_iter().for_each(|key| search.private(span, key));
        return found;
    }
    let private = private_key::der(bytes).filter(|key| key.length == to_u64(bytes.len()));
    if let Some(key) = private.filter(|key| !key.algorithm.starts_with(|first: char| first.is_ascii_digit())) {
        search.private(span, key);
        return true;
    }
    let Some(spki) = public_key::spki(bytes).filter(|spki| spki.len() == bytes.len()) else { return false };
    search.found.push(Found { span, kind: "spki", algorithm: public_key::name(spki), spki: Some(spki.to_vec()), ..Found::default() });
    true
}
