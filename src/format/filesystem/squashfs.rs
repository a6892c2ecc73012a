//! squashfs: compressed, read-only file systems. The root of most Linux firmware.

use crate::blob::{Blob, Bytes};
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

mod bits;
mod coding;
mod data;
mod directory;
mod inode;
mod layout;
mod metadata;
mod salvage;
mod superblock;
mod tables;
mod tree;

use metadata::Reader;
use superblock::Superblock;

/// squashfs, versions 1 to 4, in both byte orders, and what vendors made of them.
#[derive(Debug)]
pub(super) struct Squashfs;

static SPEC: Spec = Spec {
    id: "squashfs",
    name: "squashfs",
    kind: Kind::FileSystem,
    magics: &[
        Magic::anywhere(b"hsqs"),
        Magic::anywhere(b"sqsh"),
        Magic::anywhere(b"shsq"),
        Magic::anywhere(b"qshs"),
        Magic::anywhere(b"hsqt"),
        Magic::anywhere(b"tqsh"),
        Magic::anywhere(b"zlqs"),
        Magic::anywhere(b"sqlz"),
    ],
    leaf: false,
    references: &[
        "https://docs.kernel.org/filesystems/squashfs.html",
        "https://dr-emann.github.io/squashfs/",
        "https://github.com/plougher/squashfs-tools/blob/master/squashfs-tools/squashfs_compat.h",
        "https://github.com/Freetz-NG/freetz-ng/blob/master/docs/wiki/60_Development/squashfs4-be.en.md",
    ],
    limitations: &[
        "extended attributes are not read",
        "of a truncated image without its inode table, only runs of compressed blocks come out, and none of LZO, LZ4 and bare LZMA",
    ],
};

impl Format for Squashfs {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let superblock = Superblock::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(superblock.bytes_used, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let superblock = Superblock::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let declared = superblock.bytes_used;
        let result = tree::unpack(Reader::new(bytes, superblock, children.budget()), children);
        match result {
            Err(fault) if fault.is_limit() => Err(fault),
            _ if declared > bytes.len() => Err(Fault::Truncated(format!("{} of {declared} bytes are there", bytes.len()))),
            result => result,
        }
    }
}

#[cfg(test)]
mod tests;
