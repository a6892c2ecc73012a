//! Where X.509 certificates are: told by their outer structure, RFC 5280 section 4.1, and nothing of what it holds.

use memchr::memmem;

use super::der::{BIT_STRING, CONTEXT_0, INTEGER, OID, Reader, SEQUENCE};
use crate::blob::{Span, to_u64};

/// The certificate that `bytes` start with: exactly a `tbsCertificate`, a `signatureAlgorithm` and a `signatureValue`, the first of which
/// begins with `version`, `serialNumber`, `signature`, `issuer`, `validity`, `subject`, `subjectPublicKeyInfo`.
pub fn certificate(bytes: &[u8]) -> Option<&[u8]> {
    let certificate = Reader::new(bytes).element(SEQUENCE)?;
    let mut parts = Reader::new(certificate.content);
    let mut body = parts.enter(SEQUENCE)?;
    body.element(CONTEXT_0);
    body.read(INTEGER)?;
    let algorithm = body.element(SEQUENCE)?;
    let (_issuer, _validity, _subject, mut key) = (body.read(SEQUENCE)?, body.read(SEQUENCE)?, body.read(SEQUENCE)?, body.enter(SEQUENCE)?);
    key.read(SEQUENCE)?;
    key.read(BIT_STRING)?;
    // It is signed with what it says it is signed with.
    let is_whole = parts.element(SEQUENCE)? == algorithm && parts.element(BIT_STRING).is_some() && parts.is_empty();
    (is_whole && key.is_empty()).then_some(certificate.whole)
}

/// The places of all certificates in `bytes`, in order. None lies in another.
pub fn certificates(bytes: &[u8]) -> impl Iterator<Item = Span> + '_ {
    let mut end = 0_usize;
    let mut short = memmem::find_iter(bytes, b"\x30\x81").peekable();
    let mut long = memmem::find_iter(bytes, b"\x30\x82").peekable();
    let starts = std::iter::from_fn(move || match (short.peek(), long.peek()) {
        (Some(a), Some(b)) if a < b => short.next(),
        (Some(_), None) => short.next(),
        (_, Some(_)) => long.next(),
        (None, None) => None,
    });
    starts.filter_map(move |start| {
        if start < end {
            return None;
        }
        let length = certificate(bytes.get(start..)?)?.len();
        end = start.saturating_add(length);
        Some(Span::new(to_u64(start), to_u64(length)))
    })
}

/// The PKCS#7 `signedData` that `bytes` start with, RFC 5652 section 3: its identifier, and `[0]` around all the rest.
pub fn signed_data(bytes: &[u8]) -> Option<&[u8]> {
    const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
    let whole = Reader::new(bytes).element(SEQUENCE)?;
    let mut parts = Reader::new(whole.content);
    let is_signed_data = parts.read(OID)? == SIGNED_DATA;
    let mut content = parts.enter(CONTEXT_0)?;
    let is_whole = is_signed_data && parts.is_empty() && content.read(SEQUENCE).is_some() && content.is_empty();
    is_whole.then_some(whole.whole)
}
