//! Names: in the inode of a small folder, or in blocks.

use crate::blob::{Bytes, Endian};
use crate::format::unix::inodes::Name;
use crate::problem::Fault;

/// Marks a free place in a block.
const FREE: u16 = 0xffff;

/// Adds the names that stand in an inode: u8 names, u8 names with numbers of 8 bytes, the parent; then for each u8 length, u16 place, name,
/// u8 type if names have types, number of 4 or 8 bytes.
pub(super) fn short(bytes: Bytes<'_>, types: bool, names: &mut Vec<Name<u64>>) -> Result<(), Fault> {
    let (count, long) = (bytes.u8(0)?, bytes.u8(1)? != 0);
    let number = |at| if long { bytes.u64(at, Endian::Big) } else { bytes.u32(at, Endian::Big).map(u64::from) };
    let width = if long { 8 } else { 4 };
    let mut at = 2_u64.saturating_add(width);
    for _ in 0..count {
        let length = u64::from(bytes.u8(at)?);
        let name = bytes.get(at.saturating_add(3), length)?;
        at = at.saturating_add(3).saturating_add(length).saturating_add(types.into());
        names.push((name.to_vec(), number(at)?));
        at = at.saturating_add(width);
    }
    Ok(())
}

/// Adds the names in a block. Behind the header (16 bytes, with checksums 64): u64 inode, u8 length, name, u8 type if names have types, u16
/// place, all padded to 8 bytes; or u16 ffff, u16 length of a free place. In a folder of one block an index follows, at whose end is u32
/// entries of 8 bytes, u32 unused ones.
pub(super) fn block(bytes: Bytes<'_>, types: bool, names: &mut Vec<Name<u64>>) -> Result<(), Fault> {
    let (header, single) = match bytes.get(0, 4)? {
        b"XD2D" => (16, false),
        b"XD2B" => (16, true),
        b"XDD3" => (64, false),
        b"XDB3" => (64, true),
        _ => return Err(Fault::corrupt("a block of it is none")),
    };
    let mut end = bytes.len();
    if single {
        let tail = end.saturating_sub(8);
        end = tail.saturating_sub(u64::from(bytes.u32(tail, Endian::Big)?).saturating_mul(8));
    }
    let mut at = header;
    while at < end {
        if bytes.u16(at, Endian::Big)? == FREE {
            let length = u64::from(bytes.u16(at.saturating_add(2), Endian::Big)?);
            if length == 0 {
                return Err(Fault::corrupt("a free place of no bytes"));
            }
            at = at.saturating_add(length);
            continue;
        }
        let length = u64::from(bytes.u8(at.saturating_add(8))?);
        let name = bytes.get(at.saturating_add(9), length)?;
        names.push((name.to_vec(), bytes.u64(at, Endian::Big)?));
        let all = length.saturating_add(11).saturating_add(types.into());
        at = at.saturating_add(all.saturating_add(7) & !7);
    }
    Ok(())
}
