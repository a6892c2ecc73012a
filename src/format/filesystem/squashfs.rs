//! squashfs: compressed, read-only file systems. The root of most Linux firmware.

use crate::blob::{Blob, Bytes, Endian};
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

mod data;
mod directory;
mod inode;
mod metadata;
mod salvage;
mod superblock;
mod tables;
mod tree;

use metadata::Reader;
use superblock::Superblock;

/// squashfs, all dialects of [`DIALECTS`].
#[derive(Debug)]
pub(super) struct Squashfs;

static SPEC: Spec = Spec {
    id: "squashfs",
    name: "squashfs",
    kind: Kind::FileSystem,
    magics: &[Magic::anywhere(b"hsqs")],
    leaf: false,
    references: &["https://docs.kernel.org/filesystems/squashfs.html", "https://dr-emann.github.io/squashfs/"],
    limitations: &[
        "versions 1 to 3 and big-endian images are not read",
        "extended attributes are not read",
        "of a truncated image without its inode table, only runs of compressed data blocks are handed over, and none of LZO and LZ4",
    ],
};

/// What differs between the squashfs images of this world before their superblock can be read.
#[derive(Debug)]
struct Dialect {
    /// The first four bytes.
    magic: [u8; 4],
    /// Byte order of all numbers.
    endian: Endian,
    /// `s_major`, `s_minor`: they decide all layouts.
    version: (u16, u16),
}

static DIALECTS: &[Dialect] = &[Dialect { magic: *b"hsqs", endian: Endian::Little, version: (4, 0) }];

impl Dialect {
    fn of(bytes: Bytes<'_>) -> Result<(&'static Self, Superblock), Rejected> {
        let mut why = Rejected("magic");
        for dialect in DIALECTS.iter().filter(|dialect| bytes.has(0, &dialect.magic)) {
            match Superblock::read(bytes, dialect) {
                Ok(superblock) => return Ok((dialect, superblock)),
                Err(rejected) => why = rejected,
            }
        }
        Err(why)
    }
}

impl Format for Squashfs {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let (_, superblock) = Dialect::of(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(superblock.bytes_used, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let (dialect, superblock) = Dialect::of(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let declared = superblock.bytes_used;
        let result = tree::unpack(Reader::new(bytes, dialect, superblock, children.budget()), children);
        match result {
            Err(fault) if fault.is_limit() => Err(fault),
            _ if declared > bytes.len() => Err(Fault::Truncated(format!("{} of {declared} bytes are there", bytes.len()))),
            result => result,
        }
    }
}

#[cfg(test)]
mod tests;
