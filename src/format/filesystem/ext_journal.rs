//! The journal of an ext3 or ext4 file system that stands on a device of its own.

use crate::blob::{Blob, Bytes, Endian};
use crate::format::{Carved, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::Rejected;

/// External journal.
#[derive(Debug)]
pub(super) struct ExtJournal;

static SPEC: Spec = Spec {
    id: "ext-journal",
    name: "ext3/4 external journal",
    kind: Kind::FileSystem,
    magics: &[Magic::anywhere(&[0x53, 0xef]).at(0x438)],
    leaf: true,
    references: &["https://www.kernel.org/doc/html/latest/filesystems/ext4/journal.html"],
    limitations: &["the journal is not replayed into the file system that it belongs to"],
};

/// Where the superblock of the file system stands, and what of its features makes it that of a journal.
const START: u64 = 1024;
const INCOMPAT_JOURNAL_DEVICE: u32 = 0x8;

/// What each block of a journal begins with that is not data.
const MAGIC: u32 = 0xc03b_3998;

impl Format for ExtJournal {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// In the superblock of the file system: 4 u32 blocks, 24 u32 log2 block size over 1024, 96 u32 features. In the block behind it that of
    /// the journal, big endian: u32 magic, 4 u32 kind (3 or 4), 12 u32 block size, 16 u32 blocks.
    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let image = Bytes(blob.bytes().tail(start));
        let bytes = Bytes(image.get(START, 1024)?);
        let shift = bytes.u32(24, Endian::Little)?;
        if bytes.u32(96, Endian::Little)? & INCOMPAT_JOURNAL_DEVICE == 0 || shift > 6 {
            return Err(Rejected("no journal device"));
        }
        let size = START.checked_shl(shift).unwrap_or(START);
        // The first block of a file system is that with its superblock, unless it is smaller than what stands before that.
        let journal = Bytes(image.get(if shift == 0 { START.saturating_mul(2) } else { size }, 1024)?);
        let kind = journal.u32(4, Endian::Big)?;
        if journal.u32(0, Endian::Big)? != MAGIC || !matches!(kind, 3 | 4) || u64::from(journal.u32(12, Endian::Big)?) != size {
            return Err(Rejected("no journal behind the superblock"));
        }
        Ok(Carved::new(u64::from(bytes.u32(4, Endian::Little)?).saturating_mul(size), start, blob))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, tool};

    #[test]
    fn what_mke2fs_makes() {
        if crate::testing::lacking(&["mke2fs"]) {
            return;
        }
        for size in ["1024", "4096"] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("image");
            tool(std::process::Command::new("mke2fs").args(["-q", "-F", "-O", "journal_dev", "-b", size]).arg(&path).arg("8M"));
            let flash = [&[0xee; 9], std::fs::read(path).unwrap().as_slice(), &[0xff; 100]].concat();
            assert_eq!(carve(&ExtJournal, &flash, 9), Some(8 << 20), "{size}");
            assert_eq!(carve(&ExtJournal, &vec![0x53; 5000], 0), None);
        }
    }
}
