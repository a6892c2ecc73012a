//! Where an archive ends, found by going from block to block. Every block has a checksum, so chance makes none.

use crate::blob::{Bytes, Endian};
use crate::codec::crc32;
use crate::problem::Rejected;

const OLD: &[u8] = b"Rar!\x1a\x07\x00";
const NEW: &[u8] = b"Rar!\x1a\x07\x01\x00";

/// Types of the blocks that are first and last.
const OLD_MAIN: u64 = 0x73;
const OLD_END: u64 = 0x7b;
const NEW_MAIN: u64 = 1;
const NEW_ENCRYPTION: u64 = 4;
const NEW_END: u64 = 5;

/// The largest header of the first block that is believed, which says little; and of any, by the documentation.
const LARGEST_FIRST: u64 = 4096;
const LARGEST: u64 = 2 << 20;

/// A block: its type, and where it ends with its data.
struct Block {
    kind: u64,
    end: u64,
}

/// Where the archive ends: behind its last block, or if headers are encrypted, nobody knows: at the end of all.
pub(super) fn end(bytes: Bytes<'_>) -> Result<u64, Rejected> {
    walk(bytes, false)
}

/// Where the last block ends that is there with all its data.
pub(super) fn end_of_whole_blocks(bytes: Bytes<'_>) -> u64 {
    walk(bytes, true).unwrap_or(0)
}

fn walk(bytes: Bytes<'_>, whole: bool) -> Result<u64, Rejected> {
    let new_kind = bytes.has(0, NEW);
    if !new_kind && !bytes.has(0, OLD) {
        return Err(Rejected("magic"));
    }
    let read = if new_kind { new } else { old };
    let (mut at, first, last): (_, &[u64], _) =
        if new_kind { (8, &[NEW_MAIN, NEW_ENCRYPTION], NEW_END) } else { (7, &[OLD_MAIN], OLD_END) };
    let mut block = read(bytes, at, LARGEST_FIRST)?;
    if !first.contains(&block.kind) {
        return Err(Rejected("the first block"));
    }
    let encrypted = (block.kind == NEW_ENCRYPTION && last == NEW_END) || (last == OLD_END && bytes.u16(10, Endian::Little)? & 0x80 != 0);
    if encrypted {
        return Ok(bytes.len());
    }
    loop {
        if whole && block.end > bytes.len() {
            return Ok(at);
        }
        at = block.end;
        if block.kind == last || at >= bytes.len() {
            return Ok(at);
        }
        match read(bytes, at, LARGEST) {
            Ok(next) => block = next,
            Err(_) => return Ok(at),
        }
    }
}

/// u16 lower half of the CRC-32 of the header, u8 type, u16 flags, u16 size of the header; with flag 0x8000 u32 size of the data, of which
/// files with flag 0x100 have the upper half at 32.
fn old(bytes: Bytes<'_>, at: u64, largest: u64) -> Result<Block, Rejected> {
    let fixed = Bytes(bytes.get(at, 7)?);
    let short = |offset| fixed.u16(offset, Endian::Little);
    let (kind, flags, size) = (fixed.u8(2)?, short(3)?, u64::from(short(5)?));
    if !(0x72..=0x7b).contains(&kind) || size < 7 || size > largest {
        return Err(Rejected("block"));
    }
    let header = Bytes(bytes.get(at, size)?);
    // Headers of files may be followed by a comment that the checksum leaves out; those of the archive are with theirs.
    let covered = if kind == 0x73 && flags & 2 != 0 { 13 } else { size };
    if crc32(header.get(2, covered.saturating_sub(2))?) & 0xffff != u32::from(short(0)?) && (kind == 0x73 || flags & 2 == 0) {
        return Err(Rejected("checksum of a block"));
    }
    let mut data = if flags & 0x8000 != 0 { u64::from(header.u32(7, Endian::Little)?) } else { 0 };
    if matches!(kind, 0x74 | 0x7a) {
        data = header.u32(7, Endian::Little)?.into();
        if flags & 0x100 != 0 {
            data |= u64::from(header.u32(32, Endian::Little)?) << 32;
        }
    }
    Ok(Block { kind: kind.into(), end: at.saturating_add(size).saturating_add(data) })
}

/// u32 CRC-32 of what follows in the header, then numbers in seven bits a byte, the lowest first: size of what follows, type, flags, with
/// flag 1 size of the extra area, with flag 2 size of the data.
fn new(bytes: Bytes<'_>, at: u64, largest: u64) -> Result<Block, Rejected> {
    let start = at.saturating_add(4);
    let (size, content) = number(bytes, start)?;
    if size > largest {
        return Err(Rejected("size of a block"));
    }
    let header_end = content.saturating_add(size);
    let header = bytes.get(start, header_end.saturating_sub(start))?;
    if crc32(header) != bytes.u32(at, Endian::Little)? {
        return Err(Rejected("checksum of a block"));
    }
    let (kind, next) = number(bytes, content)?;
    let (flags, mut next) = number(bytes, next)?;
    if flags & 1 != 0 {
        (_, next) = number(bytes, next)?;
    }
    let data = if flags & 2 != 0 { number(bytes, next)?.0 } else { 0 };
    Ok(Block { kind, end: header_end.saturating_add(data) })
}

/// A number, and where it ends.
fn number(bytes: Bytes<'_>, at: u64) -> Result<(u64, u64), Rejected> {
    let mut value = 0_u64;
    for (index, byte) in (0_u32..10).zip(bytes.up_to(at, 10)) {
        value |= u64::from(byte & 0x7f).checked_shl(index.saturating_mul(7)).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Ok((value, at.saturating_add(index.into()).saturating_add(1)));
        }
    }
    Err(Rejected("a number without end"))
}
