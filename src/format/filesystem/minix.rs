//! Minix file systems: the three versions of Minix and Linux, in both byte orders.

use crate::blob::{Blob, Bytes, Span, to_u64};
use crate::format::{Carved, Children, Format, Kind, Spec};
use crate::limits::{Budget, Effort, Output};
use crate::problem::{Fault, Rejected};

use crate::format::unix::inodes::{self, Inode, Name, Volume, finish, put};
use crate::format::unix::pointers::{self, Width};

mod superblock;

use superblock::Superblock;

/// Minix file system.
#[derive(Debug)]
pub(super) struct Minix;

static SPEC: Spec = Spec {
    id: "minix",
    name: "Minix file system",
    kind: Kind::FileSystem,
    magics: superblock::MAGICS,
    leaf: false,
    references: &[
        "https://github.com/torvalds/linux/blob/master/include/uapi/linux/minix_fs.h",
        "https://github.com/Stichting-MINIX-Research-Foundation/minix/blob/master/minix/fs/mfs/super.h",
    ],
    limitations: &[],
};

/// The uppermost folder.
const ROOT: u32 = 1;

impl Format for Minix {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let image = Bytes(blob.bytes().tail(start));
        let superblock = Superblock::read(image)?;
        superblock.check_root(image)?;
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
        let width = Width { bytes: superblock.number, endian: superblock.endian, block: superblock.zone };
        let wanted = inode.size.div_ceil(superblock.zone);
        pointers::blocks(inode.detail, width, 7, wanted, &mut |number| {
            effort.spend(superblock.zone)?;
            Ok(image.part(superblock.zone_at(number)?)?)
        })
    }
}

impl<'a> Volume for Mounted<'a, '_> {
    type Number = u32;
    /// The numbers of zones.
    type Detail = Bytes<'a>;

    /// Version 1: u16 mode, u16 owner, u32 size, u32 time, u8 group, u8 links, u16[9] zones. Later: u16 mode, u16 links, u16 owner, u16
    /// group, u32 size, u32 times of access, change and inode, u32[10] zones.
    fn inode(&mut self, number: u32) -> Result<Inode<Bytes<'a>>, Fault> {
        let span = self.superblock.inode_at(number).ok_or_else(|| Fault::corrupt(format!("there is no inode {number}")))?;
        self.effort.spend(span.length)?;
        let (bytes, endian) = (self.image.part(span)?, self.superblock.endian);
        let half = |at| bytes.u16(at, endian).map(u32::from);
        let old = self.superblock.number == 2;
        let zones = Bytes(bytes.tail(if old { 14 } else { 24 }));
        let device = Width { bytes: self.superblock.number, endian, block: 0 }.number(zones, 0);
        let device = u32::try_from(device).unwrap_or(0);
        Ok(Inode {
            at: span.start,
            mode: half(0)?,
            size: bytes.u32(if old { 4 } else { 8 }, endian)?.into(),
            device: (device >> 8 & 0xff, device & 0xff),
            uid: half(if old { 2 } else { 4 })?,
            gid: if old { bytes.u8(12)?.into() } else { half(6)? },
            modified: Some(bytes.u32(if old { 8 } else { 16 }, endian)?.into()),
            detail: zones,
        })
    }

    fn names(&mut self, folder: &Inode<Bytes<'a>>, names: &mut Vec<Name<u32>>) -> Result<(), Fault> {
        let (blocks, mut fault) = self.blocks(folder);
        let (entry, wide, endian) = (self.superblock.entry, self.superblock.wide_entries, self.superblock.endian);
        for (place, number) in blocks {
            let left = folder.size.saturating_sub(place.saturating_mul(self.superblock.zone));
            let block = self.superblock.zone_at(number).and_then(|span| Ok(self.image.part(span)?));
            self.effort.spend(self.superblock.zone)?;
            match block {
                Ok(block) => {
                    for bytes in block.up_to(0, left).chunks_exact(crate::blob::to_usize(entry)).map(Bytes) {
                        let (inode, start) = if wide { (bytes.u32(0, endian)?, 4) } else { (bytes.u16(0, endian)?.into(), 2) };
                        if inode != 0 {
                            names.push((bytes.text(start, entry.saturating_sub(start))?.to_vec(), inode));
                        }
                    }
                }
                Err(broken) => fault = fault.or(Some(broken)),
            }
        }
        fault.map_or(Ok(()), Err)
    }

    fn place(&mut self, inode: &Inode<Bytes<'a>>) -> Option<Span> {
        let (blocks, fault) = self.blocks(inode);
        let (_, first) = *blocks.first()?;
        let in_row = (0_u64..).zip(&blocks).all(|(index, (place, number))| *place == index && *number == first.saturating_add(index));
        let all = to_u64(blocks.len()) == inode.size.div_ceil(self.superblock.zone);
        let span = Span::new(self.superblock.zone_at(first).ok()?.start, inode.size);
        (fault.is_none() && in_row && all && span.end() <= self.image.len()).then_some(span)
    }

    fn content(&mut self, inode: &Inode<Bytes<'a>>, output: &mut Output<'_>) -> Result<(), Fault> {
        let (blocks, mut fault) = self.blocks(inode);
        for (place, number) in blocks {
            self.effort.spend(self.superblock.zone)?;
            let start = place.saturating_mul(self.superblock.zone);
            match self.superblock.zone_at(number).and_then(|span| Ok(self.image.part(span)?)) {
                Ok(block) => put(output, start, block.0, inode.size)?,
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
