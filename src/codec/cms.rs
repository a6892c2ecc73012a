//! PKCS#7 and CMS signed data, RFC 5652 section 5: what is signed, by whom, and what each signer says of it.

use super::der::{CONTEXT_0, CONTEXT_1, OCTET_STRING, OID, Reader, SEQUENCE};
use super::x509;

/// Tag of a SET.
const SET: u8 = 0x31;
/// Tag `[0]`, primitive: a subject key identifier.
const KEY_ID: u8 = 0x80;
/// `messageDigest`, 1.2.840.113549.1.9.4.
pub const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];

/// Signed data.
#[derive(Debug)]
pub struct SignedData<'a> {
    /// All of it, its header too.
    pub whole: &'a [u8],
    /// Content of the object identifier of what is signed.
    pub content_type: &'a [u8],
    /// What is signed, if it is inside: the element in `[0]`.
    pub content: Option<&'a [u8]>,
    /// Certificates, one after another.
    pub certificates: &'a [u8],
    /// Who signed.
    pub signers: Vec<Signer<'a>>,
}

/// One who signed.
#[derive(Debug)]
pub struct Signer<'a> {
    /// Issuer of the certificate, a whole `Name`; empty if it is named by its key.
    pub issuer: &'a [u8],
    /// Serial number of the certificate as a magnitude, or the identifier of its key.
    pub id: &'a [u8],
    /// Content of the object identifier of the digest's algorithm.
    pub digest: &'a [u8],
    /// Attributes that are signed too.
    signed: &'a [u8],
    /// Attributes that are not.
    unsigned: &'a [u8],
}

impl<'a> Signer<'a> {
    fn read(info: &'a [u8]) -> Option<Self> {
        let mut info = Reader::new(info);
        info.unsigned()?;
        let (issuer, id) = match info.any()? {
            named if named.tag == SEQUENCE => {
                let mut named = Reader::new(named.content);
                (named.element(SEQUENCE)?.whole, serial(named.read(super::der::INTEGER)?))
            }
            key if key.tag == KEY_ID => (&[][..], key.content),
            _ => return None,
        };
        let digest = info.enter(SEQUENCE)?.read(OID)?;
        let signed = info.read(CONTEXT_0).unwrap_or_default();
        info.read(SEQUENCE)?;
        info.read(OCTET_STRING)?;
        Some(Self { issuer, id, digest, signed, unsigned: info.read(CONTEXT_1).unwrap_or_default() })
    }

    /// The first value of the signed attribute of this type, a whole element.
    pub fn signed(&self, oid: &[u8]) -> Option<&'a [u8]> {
        values(self.signed, oid).next()
    }

    /// The values of the unsigned attributes of this type.
    pub fn unsigned(&self, oid: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        values(self.unsigned, oid)
    }
}

/// A serial number without the zero that only keeps it positive.
pub fn serial(content: &[u8]) -> &[u8] {
    content.strip_prefix(&[0]).filter(|rest| !rest.is_empty()).unwrap_or(content)
}

fn values<'a>(attributes: &'a [u8], oid: &[u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut attributes = Reader::new(attributes);
    let each = std::iter::from_fn(move || attributes.enter(SEQUENCE));
    each.filter_map(move |mut attribute| (attribute.read(OID)? == oid).then(|| attribute.enter(SET)).flatten())
        .flat_map(|mut set| std::iter::from_fn(move || set.any().map(|value| value.whole)))
}

/// The signed data that `bytes` start with.
pub fn signed_data(bytes: &[u8]) -> Option<SignedData<'_>> {
    let whole = x509::signed_data(bytes)?;
    let mut outer = Reader::new(whole).enter(SEQUENCE)?;
    outer.read(OID)?;
    let mut data = outer.enter(CONTEXT_0)?.enter(SEQUENCE)?;
    data.unsigned()?;
    data.read(SET)?;
    let mut info = data.enter(SEQUENCE)?;
    let content_type = info.read(OID)?;
    let content = info.read(CONTEXT_0);
    let certificates = data.read(CONTEXT_0).unwrap_or_default();
    data.element(CONTEXT_1);
    let mut infos = data.enter(SET)?;
    let signers = std::iter::from_fn(|| infos.read(SEQUENCE)).filter_map(Signer::read).collect();
    Some(SignedData { whole, content_type, content, certificates, signers })
}
