//! Links: reparse points of Windows and WSL, and what Interix and ntfs-3g make of system files.

use crate::blob::{Bytes, Endian};
use crate::format::{EntryKind, path_text, utf16_part_text};

/// The tag of files that Windows compresses outside of NTFS.
pub(super) const COMPRESSED_OUTSIDE: u32 = 0x8000_0017;

/// What a reparse point makes of a file: 0 tag u32, 4 bytes u16, then
///
/// ```text
/// a0000003 (mount point), a000000c (link): 8 where the target stands u16, 10 its bytes u16, counted from 16 or 20
/// a000001d (link of WSL): 8 version u32, 12 target
/// ```
pub(super) fn point(value: Bytes<'_>) -> Option<EntryKind> {
    let half = |at| value.u16(at, Endian::Little).map(u64::from).ok();
    let base = match value.u32(0, Endian::Little).ok()? {
        0xa000_0003 => 16,
        0xa000_000c => 20,
        0xa000_001d => {
            let length = half(4)?.saturating_sub(4);
            return Some(EntryKind::Symlink(path_text(value.get(12, length).ok()?)));
        }
        0x8000_0024 => return Some(EntryKind::Fifo),
        0x8000_0023 => return Some(EntryKind::Socket),
        _ => return None,
    };
    let target = value.get(half(8)?.saturating_add(base), half(10)?).ok()?;
    Some(EntryKind::Symlink(utf16(target)))
}

/// What a small file is that begins as those of Interix do.
pub(super) fn interix(value: Bytes<'_>) -> Option<EntryKind> {
    let number = |at| value.u64(at, Endian::Little).ok().and_then(|number| u32::try_from(number).ok());
    if value.has(0, b"IntxLNK\x01") {
        return Some(EntryKind::Symlink(utf16(value.tail(8))));
    }
    match value.get(0, 8).ok()? {
        b"IntxCHR\0" => Some(EntryKind::CharacterDevice(number(8)?, number(16)?)),
        b"IntxBLK\0" => Some(EntryKind::BlockDevice(number(8)?, number(16)?)),
        _ => None,
    }
}

fn utf16(text: &[u8]) -> String {
    let units = text.chunks_exact(2).map(|unit| Bytes(unit).u16(0, Endian::Little).unwrap_or(0));
    utf16_part_text(units).replace("\\x2f", "/")
}
