//! The header of an image, and where its resources are.

use crate::blob::{Bytes, Endian};
use crate::problem::Rejected;

/// How resources are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Stored,
    Xpress,
    Lzx,
    Lzms,
}

/// The header; all numbers little endian:
///
/// ```text
///  0 magic "MSWIM\0\0\0"   8 size of the header u32: 208   12 version u32   16 flags u32   20 size of a chunk u32   24 GUID
/// 40 part u16, parts u16   44 images u32   48 table of resources   72 XML   96 metadata to boot   120 index to boot u32   124 integrity
/// ```
pub(super) struct Header {
    pub(super) method: Method,
    pub(super) chunk: u64,
    pub(super) parts: u16,
    pub(super) table: Resource,
    pub(super) xml: Resource,
    integrity: Resource,
}

const SIZE: u32 = 208;

/// Versions: the usual one, and that of images with solid resources.
const VERSIONS: &[u32] = &[0x10d00, 0xe00];

/// Largest chunk that any writer makes.
pub(super) const LARGEST_CHUNK: u64 = 64 << 20;

impl Header {
    pub(super) fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let word = |at| bytes.u32(at, Endian::Little);
        let (flags, chunk) = (word(16)?, u64::from(word(20)?));
        if word(8)? != SIZE || !VERSIONS.contains(&word(12)?) || !(chunk == 0 || chunk.is_power_of_two()) || chunk > LARGEST_CHUNK {
            return Err(Rejected("header"));
        }
        let method = match flags {
            flags if flags & 2 == 0 => Method::Stored,
            flags if flags & 0x2_0000 != 0 => Method::Xpress,
            flags if flags & 0x4_0000 != 0 => Method::Lzx,
            flags if flags & 0x8_0000 != 0 => Method::Lzms,
            _ => return Err(Rejected("compression")),
        };
        let chunk = if chunk == 0 { 32 << 10 } else { chunk };
        let (table, xml, integrity) = (Resource::read(bytes, 48)?, Resource::read(bytes, 72)?, Resource::read(bytes, 124)?);
        if table.start < u64::from(SIZE) && table.stored > 0 {
            return Err(Rejected("table of resources"));
        }
        Ok(Self { method, chunk, parts: bytes.u16(42, Endian::Little)?, table, xml, integrity })
    }

    /// Where the last of the resources ends that the header knows. Tools write them behind all others.
    pub(super) fn length(&self) -> u64 {
        let ends = [&self.table, &self.xml, &self.integrity].map(|resource| resource.start.saturating_add(resource.stored));
        ends.into_iter().fold(SIZE.into(), u64::max)
    }
}

/// Where a resource is: u56 size as stored, u8 flags, u64 offset, u64 size when unpacked.
#[derive(Debug, Clone)]
pub(super) struct Resource {
    pub(super) stored: u64,
    flags: u8,
    pub(super) start: u64,
    pub(super) size: u64,
}

impl Resource {
    pub(super) fn read(bytes: Bytes<'_>, at: u64) -> Result<Self, Rejected> {
        let long = |offset: u64| bytes.u64(at.saturating_add(offset), Endian::Little);
        let first = long(0)?;
        let [flags, ..] = first.to_be_bytes();
        Ok(Self { stored: first & 0x00ff_ffff_ffff_ffff, flags, start: long(8)?, size: long(16)? })
    }

    pub(super) fn is_metadata(&self) -> bool {
        self.flags & 2 != 0
    }

    pub(super) fn is_compressed(&self) -> bool {
        self.flags & 4 != 0
    }

    /// Whether this is what files lie in, not one of them.
    pub(super) fn is_solid_whole(&self) -> bool {
        self.is_solid() && self.size == 1 << 32
    }

    pub(super) fn is_solid(&self) -> bool {
        self.flags & 0x10 != 0
    }
}
