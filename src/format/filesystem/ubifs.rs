//! UBIFS, the file system of large flash chips, in a volume of UBI or as mkfs.ubifs writes it.

use self::files::Files;
use self::index::Index;
use self::node::{Scan, Superblock};
use crate::blob::{Blob, Bytes};
use crate::format::filesystem::jffs2::tree;
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

mod files;
mod index;
mod node;
#[cfg(test)]
mod tests;

/// UBI File System.
#[derive(Debug)]
pub(super) struct Ubifs;

static SPEC: Spec = Spec {
    id: "ubifs",
    name: "UBIFS",
    kind: Kind::FileSystem,
    magics: &[Magic::anywhere(&node::MAGIC)],
    leaf: false,
    references: &[
        "https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree/fs/ubifs/ubifs-media.h",
        "http://www.linux-mtd.infradead.org/doc/ubifs_whitepaper.pdf",
    ],
    limitations: &["extended attributes", "encrypted names and files", "signatures are not verified"],
};

/// Logical erase blocks in a row that begin with no node: tables of free space have none, and are this long at most.
const LONGEST_TABLE: u64 = 64;

impl Format for Ubifs {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let superblock = Superblock::read(bytes)?;
        let most = superblock.length();
        let (mut end, mut at) = (superblock.leb_size, superblock.leb_size);
        while at < most.min(bytes.len()) && at.saturating_sub(end) <= LONGEST_TABLE.saturating_mul(superblock.leb_size) {
            let erased = bytes.up_to(at, 64).iter().all(|byte| *byte == 0xff);
            let next = at.saturating_add(superblock.leb_size);
            if erased || bytes.has(at, &node::MAGIC) {
                end = next;
            }
            at = next;
        }
        Ok(Carved::new(end, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let superblock = Superblock::read(bytes).map_err(|why| Fault::corrupt(why.to_string()))?;
        if superblock.first > 0 {
            children.problem(&Fault::corrupt("the superblock is missing"), None);
        }
        let scan = Scan::of(bytes, &superblock);
        let index = Index::read(bytes, &superblock, &scan);
        if index.is_none() {
            let why = "the index is damaged: deleted and replaced files may be among these";
            children.problem(&Fault::corrupt(why), None);
        }
        let (files, names) = Files::new(bytes, scan, index.as_ref());
        if files.damaged > 0 {
            let why = format!("{} nodes are damaged or missing", files.damaged);
            children.problem(&Fault::Checksum(why), files.first_damaged);
        }
        tree::hand_over(1, names, &files, children)?;
        let length = superblock.length();
        // Erased blocks at the end are left out by many tools: only what is missing says that there was more.
        if bytes.len() < length && (index.is_none() || files.damaged > 0) {
            return Err(Fault::Truncated(format!("{} of {length} bytes are there", bytes.len())));
        }
        Ok(())
    }
}
