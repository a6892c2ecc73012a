//! QNX6 file system (Power-Safe): what cars and instruments with QNX keep their files in.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::codec::crc::crc32_upper_first;
use crate::format::extents::{Extents, Placed};
use crate::format::unix::inodes::{self, Inode, Name, Volume, qnx_device_numbers};
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::{Budget, Effort, Output};
use crate::problem::{Fault, Rejected};

#[cfg(test)]
mod tests;

/// QNX6 file system.
#[derive(Debug)]
pub(super) struct Qnx6;

static SPEC: Spec = Spec {
    id: "qnx6",
    name: "QNX6 file system",
    kind: Kind::FileSystem,
    magics: &[Magic::anywhere(&[0x22, 0x11, 0x19, 0x68]).at(BOOT), Magic::anywhere(&[0x68, 0x19, 0x11, 0x22]).at(BOOT)],
    leaf: false,
    references: &["https://docs.kernel.org/filesystems/qnx6.html"],
    limitations: &["the layout of Audi's MMI, whose superblock is the first block"],
};

/// Where the superblock stands: behind the boot block.
const BOOT: u64 = 0x2000;
/// Bytes kept for a superblock.
const AREA: u64 = 0x1000;
const COVERED: u64 = 512;

/// The uppermost folder.
const ROOT: u32 = 1;
const INODE: u64 = 128;
const ENTRY: usize = 32;
/// Longest name that a folder itself holds.
const SHORT: u8 = 27;
/// Longest one that stands in a block of its own.
const LONG: u64 = 510;
const DEEPEST: u8 = 5;
/// A pointer to nothing.
const NOWHERE: u32 = u32::MAX;

/// The superblock; the one at the end of the file system may be newer:
///
/// ```text
///  0 magic u32   4 checksum u32 of the rest of 512 bytes   8 serial number u64   32 volume[16]   48 bytes of a block u32   52 inodes u32
/// 60 blocks u32   72 file of the inodes   152 of the bitmap   232 of long names: each bytes u64, 16 pointers u32, levels u8
/// ```
#[derive(Debug)]
struct Superblock<'a> {
    bytes: Bytes<'a>,
    endian: Endian,
    block: u64,
    blocks: u64,
    /// How many were written before it.
    serial: u64,
}

impl<'a> Superblock<'a> {
    fn read(image: Bytes<'a>, at: u64) -> Result<Self, Rejected> {
        let bytes = Bytes(image.get(at, COVERED)?);
        let endian = match bytes.array(0)? {
            [0x22, 0x11, 0x19, 0x68] => Endian::Little,
            [0x68, 0x19, 0x11, 0x22] => Endian::Big,
            _ => return Err(Rejected("magic")),
        };
        if crc32_upper_first(&[bytes.tail(8)]) != bytes.u32(4, endian)? {
            return Err(Rejected("checksum of the superblock"));
        }
        let block = u64::from(bytes.u32(48, endian)?);
        if !block.is_power_of_two() || !(512..=0x1_0000).contains(&block) {
            return Err(Rejected("size of blocks"));
        }
        Ok(Self { bytes, endian, block, blocks: bytes.u32(60, endian)?.into(), serial: bytes.u64(8, endian)? })
    }

    /// The first one, or the one at the end if that is newer.
    fn newest(image: Bytes<'a>) -> Result<Self, Rejected> {
        let first = Self::read(image, BOOT)?;
        let second = Self::read(image, first.data().saturating_add(first.blocks.saturating_mul(first.block)));
        Ok(second.ok().filter(|second| second.block == first.block && second.serial > first.serial).unwrap_or(first))
    }

    /// Where block 0 is.
    fn data(&self) -> u64 {
        BOOT.saturating_add(AREA)
    }

    fn length(&self) -> u64 {
        self.data().saturating_add(self.blocks.saturating_mul(self.block)).saturating_add(AREA)
    }
}

impl Format for Qnx6 {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let superblock = Superblock::read(Bytes(blob.bytes().tail(start)), BOOT)?;
        Ok(Carved::new(superblock.length(), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let superblock = Superblock::newest(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let length = superblock.length();
        let (inodes, names) = (Placed::default(), Placed::default());
        let mut mounted = Mounted { image, inodes, names, superblock, effort: Effort::new(children.budget(), image.len()) };
        mounted.inodes = mounted.file(Bytes(mounted.superblock.bytes.tail(72)))?;
        mounted.names = mounted.file(Bytes(mounted.superblock.bytes.tail(232)))?;
        inodes::walk(&mut mounted, children, &[(String::new(), ROOT)], image.len())?;
        if length > image.len() {
            return Err(Fault::Truncated(format!("{} of {length} bytes are there", image.len())));
        }
        Ok(())
    }
}

struct Mounted<'a, 'b> {
    image: Bytes<'a>,
    superblock: Superblock<'a>,
    /// Where all inodes are, and all long names.
    inodes: Placed,
    names: Placed,
    effort: Effort<'b>,
}

impl<'a> Mounted<'a, '_> {
    /// Where a file of the file system itself is.
    fn file(&mut self, node: Bytes<'a>) -> Result<Placed, Fault> {
        let size = node.u64(0, self.superblock.endian)?;
        Ok(self.extents(Bytes(node.up_to(8, 64)), node.u8(72)?, size)?.placed())
    }

    /// Where the `size` bytes behind pointers are: with levels, these lead to blocks of pointers.
    fn extents(&mut self, pointers: Bytes<'a>, levels: u8, size: u64) -> Result<Extents, Fault> {
        let mut extents = Extents::default();
        if levels > DEEPEST {
            return Err(Fault::corrupt("too many levels of blocks"));
        }
        self.below(pointers, levels, size, &mut extents)?;
        Ok(extents)
    }

    fn below(&mut self, pointers: Bytes<'a>, levels: u8, size: u64, extents: &mut Extents) -> Result<(), Fault> {
        let (block, endian) = (self.superblock.block, self.superblock.endian);
        let covered = (block / 4).saturating_pow(levels.into()).saturating_mul(block);
        for word in pointers.0.chunks_exact(4) {
            let left = size.saturating_sub(extents.length());
            if left == 0 {
                break;
            }
            let number = Bytes(word).u32(0, endian)?;
            let at = self.superblock.data().saturating_add(u64::from(number).saturating_mul(block));
            if number == NOWHERE {
                extents.hole(covered.min(left));
            } else if levels == 0 {
                self.effort.spend(block)?;
                extents.stored(Span::new(at, block.min(left)));
            } else {
                self.effort.spend(block)?;
                self.below(Bytes(self.image.get(at, block)?), levels.saturating_sub(1), size, extents)?;
            }
        }
        Ok(())
    }

    /// The long name in a block of its own: bytes u16, name.
    fn long_name(&mut self, block: u32) -> Result<&'a [u8], Fault> {
        self.effort.spend(self.superblock.block)?;
        let missing = || Fault::corrupt(format!("the long name {block} is not there"));
        let span = self.names.whole(u64::from(block).saturating_mul(self.superblock.block), self.superblock.block);
        let bytes = self.image.part(span.ok_or_else(missing)?)?;
        let length = u64::from(bytes.u16(0, self.superblock.endian)?);
        if length > LONG {
            return Err(Fault::corrupt(format!("the long name {block} has {length} letters")));
        }
        Ok(bytes.get(2, length)?)
    }
}

impl Volume for Mounted<'_, '_> {
    type Number = u32;
    type Detail = Extents;

    /// An inode: 0 size u64, 8 owner u32, 12 group u32, 20 time of change u32, 32 mode u16, 36 pointers u32[16], 100 levels u8.
    fn inode(&mut self, number: u32) -> Result<Inode<Extents>, Fault> {
        self.effort.spend(INODE)?;
        let missing = || Fault::corrupt(format!("there is no inode {number}"));
        let start = u64::from(number).checked_sub(1).ok_or_else(missing)?.saturating_mul(INODE);
        let span = self.inodes.whole(start, INODE).ok_or_else(missing)?;
        let (bytes, endian) = (self.image.part(span)?, self.superblock.endian);
        let size = bytes.u64(0, endian)?;
        let mode = u32::from(bytes.u16(32, endian)?);
        let pointers = Bytes(bytes.up_to(36, 64));
        let device = if matches!(mode & 0o170_000, 0o020_000 | 0o060_000) { pointers.u32(0, endian)? } else { 0 };
        let content = matches!(mode & 0o170_000, 0o100_000 | 0o040_000 | 0o120_000);
        let extents = if content { self.extents(pointers, bytes.u8(100)?, size)? } else { Extents::default() };
        Ok(Inode {
            at: span.start,
            mode,
            size,
            device: qnx_device_numbers(device),
            uid: bytes.u32(8, endian)?,
            gid: bytes.u32(12, endian)?,
            modified: Some(bytes.u32(20, endian)?.into()),
            detail: extents,
        })
    }

    /// Names: 0 inode u32, 4 bytes of the name u8, 5 name; or 255, and 8 the number of its long name u32.
    fn names(&mut self, folder: &Inode<Extents>, names: &mut Vec<Name<u32>>) -> Result<(), Fault> {
        self.effort.spend(folder.size)?;
        let mut output = Output::new(self.effort.budget(), self.image.len());
        let mut fault = folder.detail.read(self.image, folder.size, &mut output)?;
        for entry in output.as_slice().chunks_exact(ENTRY).map(Bytes) {
            let (inode, length) = (entry.u32(0, self.superblock.endian)?, entry.u8(4)?);
            if inode == 0 || length == 0 {
                continue;
            }
            if length <= SHORT {
                names.push((entry.text(5, length.into())?.to_vec(), inode));
                continue;
            }
            match self.long_name(entry.u32(8, self.superblock.endian)?) {
                Ok(name) => names.push((name.to_vec(), inode)),
                Err(limit @ Fault::Exceeded(_)) => return Err(limit),
                Err(broken) => fault = fault.or(Some(broken)),
            }
        }
        fault.map_or(Ok(()), Err)
    }

    fn place(&mut self, inode: &Inode<Extents>) -> Option<Span> {
        inode.detail.whole(inode.size).filter(|span| span.length > 0 && span.end() <= self.image.len())
    }

    fn content(&mut self, inode: &Inode<Extents>, output: &mut Output<'_>) -> Result<(), Fault> {
        inode.detail.read(self.image, inode.size, output)?.map_or(Ok(()), Err)
    }
}
