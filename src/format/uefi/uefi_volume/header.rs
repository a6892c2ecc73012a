//! The header of a firmware volume.

use super::FFS;
use crate::blob::{Bytes, Endian, Span};
use crate::format::guid::Guid;
use crate::problem::Rejected;

/// The header; all numbers little endian:
///
/// ```text
///  0 zero vector, 16 bytes: reset code on some   10 GUID of the file system   20 length u64   28 magic "_FVH"   2c attributes u32
/// 30 length of the header u16   32 checksum u16: all words of the header add up to 0   34 offset of the extended header u16, or 0
/// 36 reserved   37 revision   38 block map: number u32, length u32; ends with two zeros
/// ```
///
/// The extended header: 0 GUID that is the volume's name, 10 its size with all entries u32.
pub(in crate::format::uefi) struct Header {
    pub(in crate::format::uefi) length: u64,
    /// Where the files begin.
    pub(super) data: u64,
    pub(super) checksum_fits: bool,
    /// What the extended header calls the volume, and where it does.
    pub(super) name: Option<(Guid, Span)>,
    system: Guid,
    attributes: u32,
}

/// Flash that was erased is all ones.
const ERASE_POLARITY: u32 = 0x800;

impl Header {
    pub(in crate::format::uefi) fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let half = |at| bytes.u16(at, Endian::Little);
        if !bytes.has(40, b"_FVH") {
            return Err(Rejected("signature"));
        }
        let length = bytes.u64(0x20, Endian::Little)?;
        let header_length = u64::from(half(0x30)?);
        let revision = bytes.u8(0x37)?;
        if !(72..=4096).contains(&header_length) || !header_length.is_multiple_of(2) || !matches!(revision, 1 | 2) {
            return Err(Rejected("length of the header, or revision"));
        }
        if length < header_length || length > 1 << 32 {
            return Err(Rejected("length"));
        }
        let header = bytes.get(0, header_length)?;
        let sum = header.as_chunks::<2>().0.iter().fold(0_u16, |sum, word| sum.wrapping_add(u16::from_le_bytes(*word)));
        // Drivers hold headers that are no volume yet, without checksum.
        if sum != 0 && (mapped(Bytes(header)) != Some(length) || length > bytes.len()) {
            return Err(Rejected("checksum and block map"));
        }
        let extended = u64::from(half(0x34)?);
        let name = Self::extended(bytes, extended, header_length, length);
        let after = name.map_or(header_length, |(_, span)| {
            let size = bytes.u32(span.end(), Endian::Little).map_or(20, u64::from);
            span.start.saturating_add(size).min(length)
        });
        Ok(Self {
            length,
            data: after.checked_next_multiple_of(8).unwrap_or(after),
            checksum_fits: sum == 0,
            name,
            system: Guid::at(bytes, 0x10)?,
            attributes: bytes.u32(0x2c, Endian::Little)?,
        })
    }

    fn extended(bytes: Bytes<'_>, extended: u64, header_length: u64, length: u64) -> Option<(Guid, Span)> {
        let size = u64::from(bytes.u32(extended.saturating_add(16), Endian::Little).ok()?);
        let inside = extended >= header_length && size >= 20 && extended.saturating_add(size) <= length;
        let guid = Guid::at(bytes, extended).ok()?;
        inside.then_some((guid, Span::new(extended, 16)))
    }

    pub(super) fn is_ffs(&self) -> bool {
        FFS.contains(&self.system)
    }

    /// What stands in a byte that was never written.
    pub(super) fn empty(&self) -> u8 {
        if self.attributes & ERASE_POLARITY == 0 { 0 } else { 0xff }
    }

    /// Bits of a file's state are set by changing them from what erased flash has.
    pub(super) fn is_deleted(&self, state: u8) -> bool {
        let set = if self.attributes & ERASE_POLARITY == 0 { state } else { !state };
        // EFI_FILE_DELETED, EFI_FILE_HEADER_INVALID
        set & 0x30 != 0
    }

    /// The name of what is in a volume that has no files.
    pub(super) fn content_name(&self) -> String {
        self.system.titled(None)
    }

    /// The name of the volume.
    pub(in crate::format::uefi) fn title(&self) -> String {
        self.name.map_or_else(|| format!("volume {}", self.system.titled(None)), |(name, _)| format!("volume {}", name.titled(None)))
    }
}

/// The sizes in the block map added up.
fn mapped(header: Bytes<'_>) -> Option<u64> {
    let mut total = 0_u64;
    let pairs = header.tail(0x38).as_chunks::<8>().0;
    for pair in pairs {
        let pair = Bytes(pair);
        let (count, size) = (pair.u32(0, Endian::Little).ok()?, pair.u32(4, Endian::Little).ok()?);
        if count == 0 && size == 0 {
            return Some(total);
        }
        total = total.saturating_add(u64::from(count).saturating_mul(size.into()));
    }
    None
}
