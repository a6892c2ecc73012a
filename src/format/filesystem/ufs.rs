//! UFS, the fast file system of BSD: both versions, in both byte orders.

use crate::blob::{Blob, Bytes, Span, to_u64};
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::{Budget, Effort, Output};
use crate::problem::{Fault, Rejected};

use crate::format::unix::inodes::{self, Inode, Name, Volume, finish, put};
use crate::format::unix::pointers::{self, Width};

mod superblock;

use superblock::Superblock;

/// Unix file system.
#[derive(Debug)]
pub(super) struct Ufs;

static SPEC: Spec = Spec {
    id: "ufs",
    name: "UFS (BSD fast file system)",
    kind: Kind::FileSystem,
    magics: &[
        Magic::anywhere(&[0x54, 0x19, 0x01, 0x00]).at(superblock::FIRST + superblock::MAGIC),
        Magic::anywhere(&[0x00, 0x01, 0x19, 0x54]).at(superblock::FIRST + superblock::MAGIC),
        Magic::anywhere(&[0x19, 0x01, 0x54, 0x19]).at(superblock::FIRST + superblock::MAGIC),
        Magic::anywhere(&[0x19, 0x54, 0x01, 0x19]).at(superblock::FIRST + superblock::MAGIC),
        Magic::anywhere(&[0x19, 0x01, 0x54, 0x19]).at(superblock::SECOND + superblock::MAGIC),
        Magic::anywhere(&[0x19, 0x54, 0x01, 0x19]).at(superblock::SECOND + superblock::MAGIC),
    ],
    leaf: false,
    references: &["https://github.com/freebsd/freebsd-src/blob/main/sys/ufs/ffs/fs.h"],
    limitations: &["journals and soft updates are not replayed", "the variants of Solaris, HP-UX and 4.2BSD are not read"],
};

/// The uppermost folder.
const ROOT: u32 = 2;

impl Format for Ufs {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let image = Bytes(blob.bytes().tail(start));
        let superblock = Superblock::read(image)?;
        superblock.check_root(image, ROOT)?;
        Ok(Carved::new(superblock.length(), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let superblock = Superblock::read(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let length = superblock.length();
        let mut volume = Mounted { image, superblock, effort: Effort::new(children.budget(), image.len()) };
        inodes::walk(&mut volume, children, &[(String::new(), ROOT)], blob.len())?;
        if length > blob.len() {
            return Err(Fault::Truncated(format!("{} of {length} bytes are there", blob.len())));
        }
        Ok(())
    }
}

/// A file system being read.
struct Mounted<'a, 'b> {
    image: Bytes<'a>,
    superblock: Superblock,
    effort: Effort<'b>,
}

impl<'a> Mounted<'a, '_> {
    /// The blocks of a file, in its order.
    fn blocks(&mut self, inode: &Inode<Bytes<'a>>) -> (Vec<pointers::Placed>, Option<Fault>) {
        let (image, superblock, effort) = (self.image, &self.superblock, &mut self.effort);
        let width = Width { bytes: superblock.number, endian: superblock.endian, block: superblock.block };
        let wanted = inode.size.div_ceil(superblock.block);
        pointers::blocks(inode.detail, width, 12, wanted, &mut |number| {
            effort.spend(superblock.block)?;
            Ok(image.part(Span::new(superblock.fragment_at(number)?, superblock.block))?)
        })
    }

    /// What of a block belongs to a file: the last one may be a few fragments.
    fn part(&mut self, (place, number): pointers::Placed, size: u64) -> Result<Bytes<'a>, Fault> {
        let length = self.superblock.block.min(size.saturating_sub(place.saturating_mul(self.superblock.block)));
        self.effort.spend(self.superblock.block)?;
        Ok(self.image.part(Span::new(self.superblock.fragment_at(number)?, length))?)
    }

    /// Adds the names of a block: u32 inode, u16 length of the entry, u8 type, u8 length of the name, name.
    fn names_of(&self, block: Bytes<'_>, names: &mut Vec<Name<u32>>) -> Result<(), Fault> {
        let (mut at, endian) = (0_u64, self.superblock.endian);
        while at.saturating_add(8) <= block.len() {
            let (inode, length) = (block.u32(at, endian)?, u64::from(block.u16(at.saturating_add(4), endian)?));
            if length < 8 || length % 4 != 0 || at.saturating_add(length) > block.len() {
                return Err(Fault::corrupt("a part of it is broken"));
            }
            if inode != 0 {
                let name = block.get(at.saturating_add(8), block.u8(at.saturating_add(7))?.into())?;
                names.push((name.to_vec(), inode));
            }
            at = at.saturating_add(length);
        }
        Ok(())
    }
}

impl<'a> Volume for Mounted<'a, '_> {
    type Number = u32;
    /// The numbers of blocks.
    type Detail = Bytes<'a>;

    /// Version 1: u16 mode, 8 u64 size, 24 u32 time, 40 u32[15] blocks, 112 u32 owner, u32 group. Version 2: u16 mode, 4 u32 owner, u32
    /// group, 16 u64 size, 40 u64 time, 112 u64[15] blocks.
    fn inode(&mut self, number: u32) -> Result<Inode<Bytes<'a>>, Fault> {
        let span = self.superblock.inode_at(number).ok_or_else(|| Fault::corrupt(format!("there is no inode {number}")))?;
        self.effort.spend(span.length)?;
        let (bytes, endian) = (self.image.part(span)?, self.superblock.endian);
        let first = self.superblock.number == 4;
        let numbers = Bytes(if first { bytes.up_to(40, 60) } else { bytes.up_to(112, 120) });
        let device = Width { bytes: self.superblock.number, endian, block: 0 }.number(numbers, 0);
        let device = u32::try_from(device & 0xffff_ffff).unwrap_or(0);
        let modified = if first { i64::from(bytes.u32(24, endian)?.cast_signed()) } else { bytes.u64(40, endian)?.cast_signed() };
        Ok(Inode {
            at: span.start,
            mode: bytes.u16(0, endian)?.into(),
            size: bytes.u64(if first { 8 } else { 16 }, endian)?,
            device: (device >> 8 & 0xff, device & 0xff),
            uid: bytes.u32(if first { 112 } else { 4 }, endian)?,
            gid: bytes.u32(if first { 116 } else { 8 }, endian)?,
            modified: Some(modified),
            detail: numbers,
        })
    }

    fn names(&mut self, folder: &Inode<Bytes<'a>>, names: &mut Vec<Name<u32>>) -> Result<(), Fault> {
        let (blocks, mut fault) = self.blocks(folder);
        for placed in blocks {
            let read = self.part(placed, folder.size).and_then(|block| self.names_of(block, names));
            match read {
                Err(limit @ Fault::Exceeded(_)) => return Err(limit),
                other => fault = fault.or(other.err()),
            }
        }
        fault.map_or(Ok(()), Err)
    }

    fn place(&mut self, inode: &Inode<Bytes<'a>>) -> Option<Span> {
        let (blocks, fault) = self.blocks(inode);
        let (_, first) = *blocks.first()?;
        let step = self.superblock.block.checked_div(self.superblock.fragment)?;
        let next = |index: u64| first.saturating_add(index.saturating_mul(step));
        let in_row = (0_u64..).zip(&blocks).all(|(index, (place, number))| *place == index && *number == next(index));
        let all = to_u64(blocks.len()) == inode.size.div_ceil(self.superblock.block);
        let span = Span::new(self.superblock.fragment_at(first).ok()?, inode.size);
        (fault.is_none() && in_row && all && span.end() <= self.image.len()).then_some(span)
    }

    fn content(&mut self, inode: &Inode<Bytes<'a>>, output: &mut Output<'_>) -> Result<(), Fault> {
        let link = inode.mode & 0o170_000 == 0o120_000;
        if link && inode.size < self.superblock.short_link {
            return Ok(output.push(inode.detail.up_to(0, inode.size))?);
        }
        let (blocks, mut fault) = self.blocks(inode);
        for placed in blocks {
            let (place, _) = placed;
            match self.part(placed, inode.size) {
                Ok(block) => put(output, place.saturating_mul(self.superblock.block), block.0, inode.size)?,
                Err(limit @ Fault::Exceeded(_)) => return Err(limit),
                Err(broken) => fault = fault.or(Some(broken)),
            }
        }
        match fault {
            Some(fault) => Err(fault),
            None => Ok(finish(output, inode.size)?),
        }
    }
}

#[cfg(test)]
mod tests;
