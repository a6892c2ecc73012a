//! Authenticode: signatures in the attribute certificates of a PE program.
//!
//! The fifth data directory holds offset and size of `WIN_CERTIFICATE`s, each at a multiple of 8 bytes:
//!
//! ```text
//! u32 dwLength; u16 wRevision; u16 wCertificateType (2 is PKCS#7); PKCS#7
//! ```
//!
//! What is signed is the digest of the file without its checksum, without that directory and without the certificates.
//! <https://learn.microsoft.com/windows/win32/debug/pe-format#the-attribute-certificate-table-image-only>

use super::super::{DigestState, DigitalSignature};
use super::{attribute_agrees, digest::Algorithm, place, signature};
use crate::blob::{Bytes, Endian, Span};
use crate::codec::cms::{self, SignedData};
use crate::codec::der::{OCTET_STRING, OID, Reader, SEQUENCE};

const KIND: &str = "authenticode";
/// `SPC_INDIRECT_DATA_OBJID`, 1.3.6.1.4.1.311.2.1.4.
const INDIRECT_DATA: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01, 0x04];
/// `szOID_NESTED_SIGNATURE`, 1.3.6.1.4.1.311.2.4.1.
const NESTED: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x04, 0x01];
/// No program has more; each costs a digest of the whole file.
const MOST: usize = 16;

/// All signatures of the program.
pub(super) fn read(bytes: Bytes<'_>) -> Vec<DigitalSignature> {
    let Some(layout) = Layout::read(bytes) else { return Vec::new() };
    let mut found = Vec::new();
    let (mut at, end) = (layout.table.start, layout.table.end());
    while at < end && found.len() < MOST {
        let Ok(length) = bytes.u32(at, Endian::Little) else { break };
        if length < 8 {
            break;
        }
        let part = Span::between(at.saturating_add(8), at.saturating_add(length.into()).min(end));
        let is_pkcs7 = bytes.u16(at.saturating_add(6), Endian::Little).is_ok_and(|kind| kind == 2);
        if let Some(content) = bytes.part(part).ok().filter(|_| is_pkcs7) {
            collect(&layout, bytes, content.0, part.start, &mut found);
        }
        at = at.saturating_add(u64::from(length).next_multiple_of(8));
    }
    found
}

/// The signature that `content` starts with, which is at `start`, and those nested in it, one level as signing tools write them.
fn collect(layout: &Layout, bytes: Bytes<'_>, content: &[u8], start: u64, found: &mut Vec<DigitalSignature>) {
    let Some(outer) = cms::signed_data(content) else { return };
    let nested: Vec<&[u8]> = outer.signers.iter().flat_map(|signer| signer.unsigned(NESTED)).take(MOST).collect();
    let all = std::iter::once(outer).chain(nested.into_iter().filter_map(cms::signed_data));
    for data in all.filter(|data| data.content_type == INDIRECT_DATA) {
        let span = place(content, start, data.whole);
        if let Some(signer) = data.signers.first().filter(|_| found.len() < MOST) {
            found.push(signature(KIND, span, &data, signer, DigestState::of(agrees(layout, bytes, &data))));
        }
    }
}

/// Whether the program has the digest that is signed, and the signer signed that; `None` if its algorithm is not known.
fn agrees(layout: &Layout, bytes: Bytes<'_>, data: &SignedData<'_>) -> Option<bool> {
    let signed = Reader::new(data.content?).read(SEQUENCE)?;
    let mut parts = Reader::new(signed);
    parts.read(SEQUENCE)?;
    let mut info = parts.enter(SEQUENCE)?;
    let algorithm = Algorithm::by_oid(info.enter(SEQUENCE)?.read(OID)?)?;
    let said = info.read(OCTET_STRING)?;
    let attribute = data.signers.first().and_then(|signer| attribute_agrees(signer, signed));
    Some(attribute != Some(false) && algorithm.of(&layout.digested(bytes)) == said)
}

/// Where the parts are that are not digested.
struct Layout {
    checksum: u64,
    directory: u64,
    table: Span,
}

impl Layout {
    fn read(bytes: Bytes<'_>) -> Option<Self> {
        let optional = u64::from(bytes.u32(0x3c, Endian::Little).ok()?).checked_add(24)?;
        // PE32 or PE32+: fields of addresses are wider.
        let directories = match bytes.u16(optional, Endian::Little).ok()? {
            0x10b => optional.checked_add(96)?,
            0x20b => optional.checked_add(112)?,
            _ => return None,
        };
        let count = bytes.u32(directories.checked_sub(4)?, Endian::Little).ok()?;
        let directory = directories.checked_add(4 * 8)?;
        let start = u64::from(bytes.u32(directory, Endian::Little).ok()?);
        let size = u64::from(bytes.u32(directory.checked_add(4)?, Endian::Little).ok()?);
        let table = Span::new(start, size);
        let is_there = count > 4 && start >= directory.checked_add(8)? && size > 8 && table.end() <= bytes.len();
        is_there.then_some(Self { checksum: optional.checked_add(64)?, directory, table })
    }

    /// All that is digested: the file as it is, and zeros to a multiple of 8 bytes.
    fn digested<'a>(&self, bytes: Bytes<'a>) -> [&'a [u8]; 4] {
        const ZEROS: &[u8] = &[0; 8];
        let between = |start: u64, end: u64| bytes.part(Span::between(start, end)).map_or(&[][..], |part| part.0);
        let missing = self.table.start.next_multiple_of(8).saturating_sub(self.table.start);
        [
            between(0, self.checksum),
            between(self.checksum.saturating_add(4), self.directory),
            between(self.directory.saturating_add(8), self.table.start),
            Bytes(ZEROS).up_to(0, missing),
        ]
    }
}
