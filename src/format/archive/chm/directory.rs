//! The directory of a help file: pieces of equal size, of which those are read that list files.

use super::header::{Header, packed_number};
use crate::blob::{Bytes, Endian};
use crate::problem::Fault;

/// A file.
pub(super) struct Entry<'a> {
    pub(super) name: &'a [u8],
    /// 0 as it is, 1 compressed.
    pub(super) section: u64,
    /// From the start of the section.
    pub(super) start: u64,
    pub(super) length: u64,
}

/// Bytes before the entries of a piece: "PMGL", u32 bytes free at the end, u32, i32 piece before, i32 piece behind.
const PIECE_HEADER: u64 = 20;

/// All entries. The directory: "ITSP", u32 version, u32 size of this header, u32, u32 size of a piece, and more.
pub(super) fn entries<'a>(bytes: Bytes<'a>, header: &Header) -> Result<Vec<Entry<'a>>, Fault> {
    let word = |offset: u64| bytes.u32(header.directory.saturating_add(offset), Endian::Little).map(u64::from);
    let (mut at, size) = (header.directory.saturating_add(word(8)?), word(16)?);
    if size < 64 {
        return Err(Fault::corrupt("chm: the pieces of the directory are too small"));
    }
    let mut entries = Vec::new();
    while at < header.directory_end && at < bytes.len() {
        let piece = Bytes(bytes.up_to(at, size));
        if piece.has(0, b"PMGL") {
            piece_entries(piece, &mut entries)?;
        }
        at = at.saturating_add(size);
    }
    Ok(entries)
}

fn piece_entries<'a>(piece: Bytes<'a>, entries: &mut Vec<Entry<'a>>) -> Result<(), Fault> {
    let end = piece.len().saturating_sub(piece.u32(4, Endian::Little)?.into());
    let mut at = PIECE_HEADER;
    while at < end {
        let (length, start) = packed_number(piece, at)?;
        let name = piece.get(start, length)?;
        let (section, next) = packed_number(piece, start.saturating_add(length))?;
        let (offset, next) = packed_number(piece, next)?;
        let (length, next) = packed_number(piece, next)?;
        at = next;
        entries.push(Entry { name, section, start: offset, length });
    }
    Ok(())
}
