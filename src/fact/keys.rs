//! Private keys, in PEM, in DER at any byte, and as Dropbear writes them. What is secret in them is not kept.

use memchr::memmem;
use sha2::{Digest, Sha256};

use super::{Analyzer, Facts, Key, PrivateKey, Subject, hex};
use crate::blob::{Span, to_u64};
use crate::codec::pem;
use crate::codec::private_key;

/// Private keys.
#[derive(Debug)]
pub(super) struct Keys;

impl Analyzer for Keys {
    fn id(&self) -> &'static str {
        "keys"
    }

    fn keys(&self) -> &'static [Key] {
        const { &[Key::new("key.spki", "SHA-256 of the SubjectPublicKeyInfo of a private key's public half")] }
    }

    fn analyze(&self, subject: &Subject<'_>, facts: &mut Facts<'_>) {
        let bytes = subject.blob.as_slice();
        let mut found: Vec<(Span, private_key::Key)> =
            pem::blocks(bytes).filter_map(|block| Some((block.span, private_key::pem(&block)?))).collect();
        found.extend(in_der(bytes));
        found.extend(in_dropbear_format(bytes));
        // PKCS#8 holds one of the other forms: the outer one starts first, and the inner one is the same key.
        found.sort_by_key(|(span, _)| (span.start, std::cmp::Reverse(span.length)));
        let mut end = 0;
        for (span, key) in found {
            if span.start < end {
                continue;
            }
            end = span.end();
            let spki_sha256 = key.spki.map(|spki| hex(&Sha256::digest(spki))).unwrap_or_default();
            if !spki_sha256.is_empty() {
                facts.say("key.spki", spki_sha256.as_bytes(), span);
            }
            facts.keys.push(PrivateKey { span, kind: key.kind, algorithm: key.algorithm, spki_sha256 });
        }
    }
}

/// What follows the tag and the length of a key in DER: its version, and the tag of what comes next.
const AFTER_HEADER: [&[u8]; 4] = [
    b"\x02\x01\x00\x02", // PKCS#1, and OpenSSL's DSA
    b"\x02\x01\x00\x30", // PKCS#8
    b"\x02\x01\x01\x30", // PKCS#8 with its public half
    b"\x02\x01\x01\x04", // SEC 1
];

fn in_der(bytes: &[u8]) -> impl Iterator<Item = (Span, private_key::Key)> + '_ {
    let places = AFTER_HEADER.iter().flat_map(|mark| memmem::find_iter(bytes, *mark));
    places.filter_map(|place| {
        let start = header_before(bytes, place)?;
        let key = private_key::der(bytes.get(start..)?)?;
        // An algorithm that is only a number is nothing to rely on in the middle of other bytes.
        let is_known = !key.algorithm.starts_with(|first: char| first.is_ascii_digit());
        is_known.then(|| (Span::new(to_u64(start), key.length), key))
    })
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

/// Files, or parts of them, that start with the type of the key and its length before it.
fn in_dropbear_format(bytes: &[u8]) -> impl Iterator<Item = (Span, private_key::Key)> + '_ {
    let types: [&[u8]; 2] = [b"ssh-", b"ecdsa-sha2-nistp"];
    let places = types.into_iter().flat_map(|kind| memmem::find_iter(bytes, kind));
    places.filter_map(|place| {
        let start = place.checked_sub(4)?;
        let key = private_key::dropbear(bytes.get(start..)?)?;
        Some((Span::new(to_u64(start), key.length), key))
    })
}

#[cfg(test)]
mod tests;
