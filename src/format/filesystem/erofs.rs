//! EROFS: the read-only file system of Android images and containers, compressed or not.

use crate::blob::Blob;
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

use crate::format::unix::inodes;

mod compressed;
mod index;
mod inode;
mod superblock;
mod volume;

use superblock::Superblock;
use volume::Erofs as Volume;

/// Enhanced read-only file system.
#[derive(Debug)]
pub(super) struct Erofs;

static SPEC: Spec = Spec {
    id: "erofs",
    name: "EROFS",
    kind: Kind::FileSystem,
    magics: &[Magic::anywhere(&[0xe2, 0xe1, 0xf5, 0xe0]).at(superblock::START)],
    leaf: false,
    references: &[
        "https://docs.kernel.org/filesystems/erofs.html",
        "https://erofs.docs.kernel.org/en/latest/core_ondisk.html",
        "https://github.com/torvalds/linux/blob/master/fs/erofs/erofs_fs.h",
    ],
    limitations: &[
        "data on other devices is elsewhere",
        "images with 48-bit block numbers, encoded extents or a metadata box are not read",
        "extended attributes are not handed over",
    ],
};

impl Format for Erofs {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let image = crate::blob::Bytes(blob.bytes().tail(start));
        let superblock = Superblock::read(image)?;
        superblock.check_root(image)?;
        Ok(Carved::new(superblock.length(), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let superblock = Superblock::read(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        if let Some((name, span)) = superblock.volume_name(image) {
            children.fact("header.name", name, span);
        }
        if !superblock.checksum_fits(image) {
            children.problem(&Fault::Checksum("the superblock does not fit its checksum".to_owned()), Some(superblock::START));
        }
        let features = superblock.unknown_features();
        if features != 0 {
            children.problem(&Fault::unsupported(format!("unknown features {features:#x}")), Some(superblock::START));
        }
        let (length, root) = (superblock.length(), superblock.root);
        let mut volume = Volume::new(image, superblock, children.budget());
        inodes::walk(&mut volume, children, &[(String::new(), root)], blob.len())?;
        if length > blob.len() {
            return Err(Fault::Truncated(format!("{} of {length} bytes are there", blob.len())));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
