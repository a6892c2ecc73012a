//! btrfs: trees of trees, with subvolumes and compression.

use crate::blob::{Blob, Bytes};
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

use crate::format::unix::inodes;

mod chunks;
mod content;
mod superblock;
mod tree;
mod volume;

use superblock::Superblock;

/// B-tree file system.
#[derive(Debug)]
pub(super) struct Btrfs;

static SPEC: Spec = Spec {
    id: "btrfs",
    name: "btrfs",
    kind: Kind::FileSystem,
    magics: &[Magic::anywhere(b"_BHRfS_M").at(superblock::START + 0x40)],
    leaf: false,
    references: &["https://btrfs.readthedocs.io/en/latest/dev/On-disk-format.html"],
    limitations: &[
        "more than one device, and striped data, are not read",
        "the log of what was written last is not replayed",
        "subvolumes that no folder leads to are not handed over",
        "checksums are verified for metadata, and only CRC-32C and SHA-256",
        "extended attributes are not handed over",
    ],
};

impl Format for Btrfs {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let superblock = Superblock::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(superblock.device_size, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let superblock = Superblock::read(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        if let Some((label, span)) = superblock::label(image) {
            children.fact("header.name", label, span);
        }
        if superblock.devices > 1 {
            children.problem(&Fault::unsupported("a part of the file system is on another device"), Some(superblock::START));
        }
        if superblock.log != 0 {
            children.problem(&Fault::unsupported("the log holds changes, which are not replayed"), Some(superblock::START));
        }
        let length = superblock.device_size;
        let (mut volume, fault) = volume::Btrfs::new(image, superblock, children.budget())?;
        if let Some(fault) = fault {
            children.problem(&fault, None);
        }
        let root = volume.top()?;
        inodes::walk(&mut volume, children, &[(String::new(), root)], blob.len())?;
        if length > blob.len() {
            return Err(Fault::Truncated(format!("{} of {length} bytes are there", blob.len())));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
