//! The header of a help file, and how its files are compressed.

use crate::blob::{Bytes, Endian, to_u64};
use crate::codec::lzx::LzxProperties;
use crate::problem::{Fault, Rejected};

/// The header; numbers little endian:
///
/// ```text
///  0 magic "ITSF"   4 version u32: 2, 3   8 size of the header u32: 0x58, 0x60   12 u32: 1   16 time u32   20 language u32   24 two GUIDs
/// 56 first section: offset u64, size u64; it holds 0x1fe u32, u32, size of the file u64
/// 72 directory: offset u64, size u64   88 offset of the content u64, from version 3 on
/// ```
pub(super) struct Header {
    pub(super) length: u64,
    pub(super) directory: u64,
    pub(super) directory_end: u64,
    pub(super) content: u64,
}

impl Header {
    pub(super) fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let long = |at| bytes.u64(at, Endian::Little);
        let (version, size) = (bytes.u32(4, Endian::Little)?, bytes.u32(8, Endian::Little)?);
        if !matches!((version, size), (2, 0x58) | (3, 0x60)) {
            return Err(Rejected("version"));
        }
        let (first, directory) = (long(56)?, long(72)?);
        let directory_end = directory.saturating_add(long(80)?);
        let content = if version == 3 { long(88)? } else { directory_end };
        let length = long(first.saturating_add(8))?;
        if bytes.u32(first, Endian::Little)? != 0x1fe || length < content || !bytes.has(directory, b"ITSP") {
            return Err(Rejected("sections"));
        }
        Ok(Self { length, directory, directory_end, content })
    }
}

/// How the section of compressed files is made.
pub(super) struct Control {
    pub(super) properties: LzxProperties,
    /// Bytes when unpacked.
    pub(super) size: u64,
}

impl Control {
    /// `control`: u32 count of u32, "LZXC", u32 version 1 or 2, u32 interval of resets, u32 window, both in 32 KiB from version 2 on.
    /// `resets`: u32 version, u32 count, u32 size of an entry, u32 size of this header, u64 bytes when unpacked, u64 bytes as compressed.
    pub(super) fn read(control: Bytes<'_>, resets: Bytes<'_>) -> Result<Self, Fault> {
        let word = |at| control.u32(at, Endian::Little).map(u64::from);
        if !control.has(4, b"LZXC") {
            return Err(Fault::unsupported("chm: compressed, but not with LZX"));
        }
        let unit = if word(8)? == 2 { 32 << 10 } else { 1 };
        let (reset_interval, window) = (word(12)?.saturating_mul(unit), word(16)?.saturating_mul(unit));
        let window_bits = (15..=21).find(|bits| 1_u64 << bits >= window).unwrap_or(21);
        let size = resets.u64(16, Endian::Little)?;
        Ok(Self { properties: LzxProperties { window_bits, reset_interval, windows_image: false }, size })
    }
}

/// A number in seven bits a byte, the highest first; the highest bit of a byte says that another follows. Returns also where it ends.
pub(super) fn packed_number(bytes: Bytes<'_>, at: u64) -> Result<(u64, u64), Fault> {
    let mut number = 0_u64;
    for (index, byte) in bytes.up_to(at, 9).iter().enumerate() {
        number = (number << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Ok((number, at.saturating_add(to_u64(index)).saturating_add(1)));
        }
    }
    Err(Fault::corrupt("chm: a number without end"))
}
