//! XFS, with and without checksums.

use crate::blob::{Blob, Bytes};
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

use crate::format::unix::inodes;

mod extents;
mod folder;
mod inode;
mod superblock;
mod volume;

use superblock::Superblock;

/// The file system of SGI, now of Linux.
#[derive(Debug)]
pub(super) struct Xfs;

static SPEC: Spec = Spec {
    id: "xfs",
    name: "XFS",
    kind: Kind::FileSystem,
    magics: &[Magic::anywhere(b"XFSB")],
    leaf: false,
    references: &["https://mirrors.edge.kernel.org/pub/linux/utils/fs/xfs/docs/xfs_filesystem_structure.pdf"],
    limitations: &[
        "the log is not replayed",
        "files on the realtime device, and folders of the first version, are not read",
        "checksums are verified for the superblock and for inodes",
        "extended attributes are not handed over",
    ],
};

impl Format for Xfs {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let image = Bytes(blob.bytes().tail(start));
        let superblock = Superblock::read(image)?;
        // Each allocation group begins with a copy of the superblock, but only behind the first one the root is where it says.
        let at = superblock.inode_at(superblock.root).ok_or(Rejected("the root is nowhere"))?;
        if image.get(at, 2).is_ok_and(|magic| magic != b"IN") {
            return Err(Rejected("the root is no inode"));
        }
        Ok(Carved::new(superblock.length(), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let superblock = Superblock::read(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        if let Some((label, span)) = superblock::label(image) {
            children.fact("header.name", label, span);
        }
        if !superblock.checksum_fits(image) {
            children.problem(&Fault::Checksum("the superblock does not fit its checksum".to_owned()), Some(0));
        }
        if superblock.unknown_features() != 0 {
            children.problem(&Fault::unsupported(format!("unknown features {:#x}", superblock.unknown_features())), Some(0));
        }
        let (length, root) = (superblock.length(), superblock.root);
        let mut volume = volume::Xfs::new(image, superblock, children.budget());
        inodes::walk(&mut volume, children, &[(String::new(), root)], blob.len())?;
        if length > blob.len() {
            return Err(Fault::Truncated(format!("{} of {length} bytes are there", blob.len())));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
