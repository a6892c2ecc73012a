//! ext2, ext3 and ext4 file systems.

use crate::blob::{Blob, Bytes, Endian};
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

mod folder;
mod inode;
mod journal;
mod map;
mod superblock;
mod volume;
mod walk;

use superblock::Superblock;
use volume::Volume;
use walk::Walk;

/// The second to fourth extended file system of Linux.
#[derive(Debug)]
pub(super) struct Ext;

static SPEC: Spec = Spec {
    id: "ext",
    name: "ext2/3/4",
    kind: Kind::FileSystem,
    // s_magic
    magics: &[Magic::anywhere(&[0x53, 0xef]).at(0x438)],
    leaf: false,
    references: &["https://www.kernel.org/doc/html/latest/filesystems/ext4/", "https://www.nongnu.org/ext2-doc/ext2.html"],
    limitations: &[
        "an external journal and fast commits are not replayed",
        "deleted files are not recovered",
        "extended attributes are not handed over",
        "encrypted files and files compressed by e2compr are handed over as they stand",
    ],
};

impl Format for Ext {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let image = Bytes(blob.bytes().tail(start));
        let superblock = Superblock::read(image)?;
        let at = superblock.descriptor_at(0);
        // bg_block_bitmap, bg_inode_bitmap, bg_inode_table of the first group: a superblock that stands elsewhere has others behind it.
        for field in [0, 4, 8] {
            let block = image.u32(at.saturating_add(field), Endian::Little);
            if block.is_ok_and(|block| block == 0 || u64::from(block) >= superblock.blocks) {
                return Err(Rejected("the first group is outside of the file system"));
            }
        }
        Ok(Carved::new(superblock.length(), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let superblock = Superblock::read(blob.bytes()).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let (length, features) = (superblock.length(), superblock.unknown_features());
        if !superblock.checksum_fits {
            children.problem(&Fault::Checksum("the superblock does not fit its checksum".to_owned()), Some(1024));
        }
        if features != 0 {
            children.problem(&Fault::unsupported(format!("unknown features {features:#x}")), Some(1024));
        }
        let recover = superblock.needs_recovery();
        let mut volume = Volume::new(blob.bytes(), superblock);
        if recover {
            match journal::replay(&mut volume) {
                Ok((replayed, 0)) => volume.replayed = replayed,
                Ok((replayed, lost)) => {
                    volume.replayed = replayed;
                    children.problem(&Fault::unsupported(format!("{lost} blocks of the journal are not replayed")), Some(1024));
                }
                Err(fault) => children.problem(&Fault::unsupported(format!("the journal is not replayed: {fault}")), Some(1024)),
            }
        }
        Walk::new(&mut volume, children).run()?;
        if length > blob.len() {
            return Err(Fault::Truncated(format!("{} of {length} bytes are there", blob.len())));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
