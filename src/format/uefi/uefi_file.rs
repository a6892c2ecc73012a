//! Files of UEFI firmware volumes, and the sections in them: programs, volumes, names, all of it compressed or not.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::guid::Guid;
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::{Budget, Effort};
use crate::problem::{Fault, Rejected};

mod encapsulation;
mod section;

use section::Sections;

/// A file of a UEFI firmware volume.
#[derive(Debug)]
pub(super) struct File;

static SPEC: Spec = Spec {
    id: "uefi-file",
    name: "UEFI firmware file",
    kind: Kind::Container,
    // The state: header and data are valid, on flash that is all ones or all zeros when it was erased; the same for a file being replaced.
    magics: &[STATE_ONES, STATE_ZEROS, STATE_REPLACED],
    leaf: false,
    references: &["https://uefi.org/specs/PI/1.8/V3_Code_Definitions.html", "https://github.com/LongSoft/UEFITool"],
    limitations: &[
        "dependency expressions are not read",
        "sections that a vendor compresses in its own way are handed over as they are",
        "signatures are handed over, not verified",
    ],
};

const STATE_ONES: Magic = Magic::start(&[0xf8]).at(23);
const STATE_ZEROS: Magic = Magic::start(&[0x07]).at(23);
const STATE_REPLACED: Magic = Magic::start(&[0xf0]).at(23);

/// EFI_FV_FILETYPE_FFS_PAD.
pub(super) const PADDING: u8 = 0xf0;

/// AMI keeps variables in a file of this name.
const NVAR_STORE: Guid = Guid::of(0xcef5_b9a3_476d_497f_9fdc_e981_43e0_422c);

impl Format for File {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// There is no signature, but for two checksums and a size, so it is only ever the whole of what a volume handed over.
    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let header = Header::read(Bytes(blob.bytes().tail(start))).ok_or(Rejected("header"))?;
        if !header.checksum_fits || header.size != blob.len().saturating_sub(start) || !header.is_kind() {
            return Err(Rejected("checksum, size or type"));
        }
        Ok(Carved::new(header.size, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let header = Header::read(bytes).ok_or_else(|| Fault::corrupt("header"))?;
        let body = Span::between(header.length, header.size);
        header.verify(Bytes(bytes.up_to(body.start, body.length)), children);
        if header.has_sections(Bytes(bytes.tail(body.start))) {
            return Sections::new(blob).run(body, children);
        }
        Ok(children.span(header.body_name(), body, Attributes::default())?)
    }
}

/// The header; the size is little endian:
///
/// ```text
///  0 GUID that is the name   10 checksum of the header: with all of it but state and checksum of the data its bytes add up to 0
/// 11 checksum of the data, or 0xaa   12 type   13 attributes: 1 large, 40 has a checksum of the data   14 size u24, header included
/// 17 state   18 size u64, in large files only
/// ```
pub(super) struct Header {
    pub(super) guid: Guid,
    pub(super) kind: u8,
    pub(super) state: u8,
    /// Bytes of the header.
    pub(super) length: u64,
    /// Bytes of header and data.
    pub(super) size: u64,
    checksum_fits: bool,
    data_checksum: u8,
    attributes: u8,
}

const LARGE: u8 = 1;
const DATA_CHECKSUM: u8 = 0x40;

impl Header {
    pub(super) fn read(bytes: Bytes<'_>) -> Option<Self> {
        let word = bytes.u32(0x14, Endian::Little).ok()?;
        let (small, attributes, state) = (u64::from(word & 0xff_ffff), bytes.u8(0x13).ok()?, bytes.u8(0x17).ok()?);
        let large = attributes & LARGE != 0 && matches!(small, 0 | 0xff_ffff);
        let (length, size) = if large { (32, bytes.u64(0x18, Endian::Little).ok()?) } else { (24, small) };
        let data_checksum = bytes.u8(0x11).ok()?;
        let sum = bytes.get(0, length).ok()?.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        let checksum_fits = sum.wrapping_sub(state).wrapping_sub(data_checksum) == 0;
        let (guid, kind) = (Guid::at(bytes, 0).ok()?, bytes.u8(0x12).ok()?);
        (size >= length).then_some(Self { guid, kind, state, length, size, checksum_fits, data_checksum, attributes })
    }

    /// The name in words, as far as there is one, and the GUID.
    pub(super) fn title(&self, file: Bytes<'_>, effort: &mut Effort<'_>) -> String {
        let name = match self.kind {
            PADDING => Some("padding".to_owned()),
            1 | 0x0b => section::plain_name(Bytes(file.tail(self.length))),
            _ if self.guid.name().is_some() => section::plain_name(Bytes(file.tail(self.length))),
            _ => section::name_of(Bytes(file.tail(self.length)), effort),
        };
        self.guid.titled(name.as_deref())
    }

    fn is_kind(&self) -> bool {
        matches!(self.kind, 0..=0x0f | 0xc0..=0xff)
    }

    /// What types are for: 0 anything, 1 raw, 2 and up sections; those of vendors may be either.
    fn has_sections(&self, body: Bytes<'_>) -> bool {
        match self.kind {
            1 | PADDING => false,
            2..=0x0f => self.guid != NVAR_STORE || section::are_sections(body),
            _ => section::are_sections(body),
        }
    }

    fn body_name(&self) -> &'static str {
        if self.guid == NVAR_STORE { "NVAR store" } else { "body" }
    }

    fn verify(&self, body: Bytes<'_>, children: &mut Children<'_>) {
        let sum = body.0.iter().fold(self.data_checksum, |sum, byte| sum.wrapping_add(*byte));
        let fits = if self.attributes & DATA_CHECKSUM != 0 { sum == 0 } else { matches!(self.data_checksum, 0xaa | 0x5a) };
        if !fits && self.kind != PADDING {
            children.problem(&Fault::Checksum("the checksum of the data does not fit".to_owned()), Some(0x11));
        }
    }
}

#[cfg(test)]
mod tests;
