//! F2FS: the log-structured file system of Android's data partitions and of flash with a controller.

use crate::blob::{Blob, Bytes};
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

use crate::format::unix::inodes;

mod checkpoint;
mod content;
mod folder;
mod inode;
mod superblock;
mod volume;

use superblock::Superblock;

/// Flash-friendly file system.
#[derive(Debug)]
pub(super) struct F2fs;

static SPEC: Spec = Spec {
    id: "f2fs",
    name: "F2FS",
    kind: Kind::FileSystem,
    magics: &[Magic::anywhere(&[0x10, 0x20, 0xf5, 0xf2]).at(superblock::FIRST)],
    leaf: false,
    references: &["https://docs.kernel.org/filesystems/f2fs.html", "https://github.com/torvalds/linux/blob/master/include/linux/f2fs_fs.h"],
    limitations: &[
        "files written after the last checkpoint are not recovered",
        "blocks of other sizes than 4096 bytes, and more than one device, are not read",
        "files compressed by LZO with run lengths are not read",
        "extended attributes are not handed over",
    ],
};

impl Format for F2fs {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let superblock = Superblock::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(superblock.length(), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let superblock = Superblock::read(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let (length, root) = (superblock.length(), superblock.root);
        if superblock.devices > 1 {
            children.problem(&Fault::unsupported("a part of the file system is on another device"), Some(superblock::FIRST));
        }
        let checkpoint = checkpoint::Checkpoint::read(image, &superblock)?;
        let mut volume = volume::F2fs::new(image, superblock, checkpoint, children.budget());
        inodes::walk(&mut volume, children, &[(String::new(), root)], blob.len())?;
        if length > blob.len() {
            return Err(Fault::Truncated(format!("{} of {length} bytes are there", blob.len())));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
