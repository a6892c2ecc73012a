//! Keys that are written as text inside of text: base64 in settings, and bytes in the source of programs.

use super::{Search, in_der};
use crate::blob::{Span, to_u64};
use crate::codec::pem;

/// What base64 of a key holds at a certain place, and how many characters stand before that: PKCS#1 and PKCS#8 of RSA, SEC 1 and PKCS#8 of
/// the usual curves, Ed25519, RSA's SubjectPublicKeyInfo, and PEM.
const MARKS: [(&[u8], usize); 13] = [
    (b"IBAAKCA", 6),
    (b"IBAAKBgQ", 6),
    (b"IBAAJBA", 6),
    (b"IBADANBgkqhkiG9w0BAQEFAAS", 6),
    (b"MHcCAQEEI", 0),
    (b"MIGkAgEBBD", 0),
    (b"MIGHAgEAMBMGByqGSM49AgEG", 0),
    (b"MIG2AgEAMBAGByqGSM49AgEG", 0),
    (b"MC4CAQAwBQYDK2VwBCIE", 0),
    (b"IjANBgkqhkiG9w0BAQEFAAOC", 4),
    (b"MIGfMA0GCSqGSIb3DQEBAQUAA4GN", 0),
    (b"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE", 0),
    (b"LS0tLS1CRUdJTi", 0),
];

/// Characters of the longest key.
const LONGEST: usize = 16 << 10;

/// Base64 in one piece, with something else before it and after it.
pub(super) fn base64(search: &mut Search<'_>) {
    for (mark, before) in MARKS {
        for place in search.places(mark) {
            let Some(start) = place.checked_sub(before) else { continue };
            let text = search.window(start, LONGEST);
            let is_start = start.checked_sub(1).and_then(|at| search.bytes.get(at)).is_none_or(|byte| !byte.is_ascii_alphanumeric());
            let begins = before == 0 || text.starts_with(b"MII");
            if !is_start || !begins || !search.pays(1024) {
                continue;
            }
            let length = pem::base64_length(text, LONGEST, false);
            // Lines of 64 or 76 characters go on in the next.
            let length = if matches!(length, 60 | 64 | 70 | 72 | 76) { pem::base64_length(text, LONGEST, true) } else { length };
            if search.pays(length) {
                let bytes = pem::base64(text.get(..length).unwrap_or_default());
                let length = text.get(..length).unwrap_or_default().trim_ascii_end().len();
                in_der::decoded(search, &bytes, Span::new(to_u64(start), to_u64(length)));
            }
        }
    }
}

/// Bytes of the longest key that is looked for in an array.
const LONGEST_ARRAY: usize = 4096;

/// `0x30, 0x82, 0x04, …` in the source of a program.
pub(super) fn arrays(search: &mut Search<'_>) {
    for start in search.places(b"0x30,") {
        let text = search.window(start, LONGEST_ARRAY * 8);
        if !search.pays(64) {
            return;
        }
        let head = array(text, 4).0;
        let wanted = match *head.as_slice() {
            [0x30, 0x82, high, low] => usize::from(u16::from_be_bytes([high, low])).saturating_add(4),
            [0x30, 0x81, length, _] => usize::from(length).saturating_add(3),
            [0x30, length @ 0x20..=0x7f, 2, 1] => usize::from(length).saturating_add(2),
            _ => continue,
        };
        if wanted > LONGEST_ARRAY || !search.pays(wanted.saturating_mul(6)) {
            continue;
        }
        let (bytes, length) = array(text, wanted);
        if bytes.len() == wanted {
            in_der::decoded(search, &bytes, Span::new(to_u64(start), to_u64(length)));
        }
    }
}

/// Up to `most` bytes that `text` writes as `0xNN`, with commas and white space between, and how many characters they take.
fn array(text: &[u8], most: usize) -> (Vec<u8>, usize) {
    let (mut bytes, mut rest, mut length) = (Vec::new(), text, 0);
    while bytes.len() < most {
        let [b'0', b'x' | b'X', digits @ ..] = rest else { break };
        let count = digits.iter().take(2).take_while(|digit| digit.is_ascii_hexdigit()).count();
        let number = digits.get(..count).and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        let (Some(byte), Some(after)) = (number, digits.get(count..)) else { break };
        bytes.push(byte);
        length = text.len().saturating_sub(after.len());
        let between = after.iter().take(64).position(|byte| !matches!(byte, b',' | b' ' | b'\t' | b'\r' | b'\n')).unwrap_or(after.len());
        if between == 0 {
            break;
        }
        rest = after.get(between..).unwrap_or_default();
    }
    (bytes, length)
}
