//! The superblock: how large blocks and cylinder groups are.

use crate::blob::{Bytes, Endian, Span};
use crate::problem::{Fault, Rejected};

/// Where the superblock of each version stands (that of the second at times where the first has it), and where the magic is in it.
pub(super) const FIRST: u64 = 8192;
pub(super) const SECOND: u64 = 65_536;
pub(super) const MAGIC: u64 = 1372;

const FIRST_MAGIC: u32 = 0x0001_1954;
const SECOND_MAGIC: u32 = 0x1954_0119;

/// What `struct fs` says, checked:
///
/// ```text
///    8 u32 superblock in a group   12 u32 its description   16 u32 inodes   20 u32 data (all in fragments)   24 u32 shift of each group
///   28 u32 its mask (both version 1)   36 u32 fragments (version 1)   44 u32 groups   48 u32 block size   52 u32 fragment size
///   56 u32 fragments of a block   120 u32 inodes of a block   184 u32 inodes of a group   188 u32 fragments of a group
/// 1080 u64 fragments (version 2)   1320 u32 longest link in an inode   1372 u32 magic
/// ```
#[derive(Debug, Clone)]
pub(super) struct Superblock {
    pub(super) endian: Endian,
    pub(super) block: u64,
    pub(super) fragment: u64,
    /// Bytes of the number of a block: 4 in version 1.
    pub(super) number: u64,
    /// Targets of links shorter than this stand in the inode.
    pub(super) short_link: u64,
    fragments: u64,
    groups: u64,
    inodes_of_group: u64,
    group: u64,
    inodes: u64,
    shift: u64,
    mask: u64,
}

impl Superblock {
    pub(super) fn read(image: Bytes<'_>) -> Result<Self, Rejected> {
        let kinds = [(FIRST, FIRST_MAGIC, 4), (SECOND, SECOND_MAGIC, 8), (FIRST, SECOND_MAGIC, 8)];
        let orders = [Endian::Little, Endian::Big];
        let mut all = kinds.iter().flat_map(|kind| orders.map(|endian| (*kind, endian)));
        all.find_map(|((at, magic, number), endian)| Self::at(image, at, magic, number, endian).ok()).ok_or(Rejected("no superblock"))
    }

    fn at(image: Bytes<'_>, at: u64, magic: u32, number: u64, endian: Endian) -> Result<Self, Rejected> {
        let bytes = Bytes(image.get(at, 1376)?);
        let word = |at| bytes.u32(at, endian).map(u64::from);
        if bytes.u32(MAGIC, endian)? != magic {
            return Err(Rejected("magic"));
        }
        let (block, fragment, inode_size) = (word(48)?, word(52)?, if number == 4 { 128 } else { 256_u64 });
        let sizes = block.is_power_of_two() && fragment.is_power_of_two() && (4096..=65_536).contains(&block) && fragment >= 512;
        if !sizes || fragment.checked_mul(word(56)?) != Some(block) || word(120)?.checked_mul(inode_size) != Some(block) {
            return Err(Rejected("sizes"));
        }
        let superblock = Self {
            endian,
            block,
            fragment,
            number,
            short_link: word(1320)?.min(number.saturating_mul(15)),
            fragments: if number == 4 { word(36)? } else { bytes.u64(1080, endian)? },
            groups: word(44)?,
            inodes_of_group: word(184)?,
            group: word(188)?,
            inodes: word(16)?,
            shift: if number == 4 { word(24)? } else { 0 },
            mask: word(28)?,
        };
        let whole = superblock.groups.saturating_mul(superblock.group);
        let groups =
            superblock.groups > 0 && superblock.fragments <= whole && superblock.fragments > whole.saturating_sub(superblock.group);
        if !groups
            || superblock.inodes_of_group == 0
            || superblock.inodes >= superblock.group
            || word(8)? > word(16)?
            || word(16)? > word(20)?
        {
            return Err(Rejected("groups"));
        }
        Ok(superblock)
    }

    /// Fails unless the uppermost folder is one, if it is there.
    pub(super) fn check_root(&self, image: Bytes<'_>, root: u32) -> Result<(), Rejected> {
        let span = self.inode_at(root).ok_or(Rejected("no root"))?;
        let mode = image.u16(span.start, self.endian);
        if mode.is_ok_and(|mode| mode & 0xf000 != 0x4000) { Err(Rejected("the root is no folder")) } else { Ok(()) }
    }

    /// Bytes of the whole file system.
    pub(super) fn length(&self) -> u64 {
        self.fragments.saturating_mul(self.fragment)
    }

    /// Where an inode stands: in the table of its group, which begins a bit later in each group of version 1.
    pub(super) fn inode_at(&self, number: u32) -> Option<Span> {
        let size = if self.number == 4 { 128 } else { 256_u64 };
        let group = u64::from(number).checked_div(self.inodes_of_group).filter(|group| *group < self.groups)?;
        let index = u64::from(number).saturating_sub(group.saturating_mul(self.inodes_of_group));
        let shift = self.shift.saturating_mul(group & !self.mask & 0xffff_ffff);
        let table = group.saturating_mul(self.group).saturating_add(shift).saturating_add(self.inodes);
        Some(Span::new(table.saturating_mul(self.fragment).saturating_add(index.saturating_mul(size)), size))
    }

    /// Where a fragment stands.
    pub(super) fn fragment_at(&self, number: u64) -> Result<u64, Fault> {
        if number >= self.fragments {
            return Err(Fault::corrupt(format!("there is no block {number}")));
        }
        Ok(number.saturating_mul(self.fragment))
    }
}
