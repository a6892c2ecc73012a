//! The superblock: how large everything is and where it stands.

use crate::blob::{Bytes, Endian};
use crate::codec::crc::crc32c;
use crate::problem::Rejected;

/// Where the superblock stands, whatever the block size.
const START: u64 = 1024;

const COMPAT_SPARSE_SUPER2: u32 = 0x200;
const INCOMPAT_COMPRESSION: u32 = 0x1;
const INCOMPAT_FILETYPE: u32 = 0x2;
const INCOMPAT_RECOVER: u32 = 0x4;
const INCOMPAT_JOURNAL_DEVICE: u32 = 0x8;
const INCOMPAT_META_BG: u32 = 0x10;
const INCOMPAT_64BIT: u32 = 0x80;
/// All incompatible features that change nothing here or are read: the above, extents, mmp, flex_bg, ea_inode, dirdata, csum_seed,
/// largedir, inline_data, encrypt, casefold.
const INCOMPAT_KNOWN: u32 = 0x3_f7d6;
const RO_COMPAT_SPARSE_SUPER: u32 = 0x1;
const RO_COMPAT_BIGALLOC: u32 = 0x200;
const RO_COMPAT_METADATA_CSUM: u32 = 0x400;

/// What `struct ext4_super_block` says, checked. Offsets from byte 1024 of the file system:
///
/// ```text
/// 00 s_inodes_count    04 s_blocks_count_lo  08 s_r_blocks_count  0c s_free_blocks_count  10 s_free_inodes_count
/// 14 s_first_data_block  18 s_log_block_size  1c s_log_cluster_size  20 s_blocks_per_group  24 s_clusters_per_group
/// 28 s_inodes_per_group  38 s_magic  3c s_errors  48 s_creator_os  4c s_rev_level  54 s_first_ino  58 s_inode_size
/// 5a s_block_group_nr  5c s_feature_compat  60 s_feature_incompat  64 s_feature_ro_compat  fe s_desc_size
/// e0 s_journal_inum  104 s_first_meta_bg  150 s_blocks_count_hi  24c s_backup_bgs[2]  3fc s_checksum
/// ```
#[derive(Debug, Clone)]
pub(super) struct Superblock {
    /// Bytes of a block.
    pub(super) block_size: u64,
    /// Blocks of the whole file system.
    pub(super) blocks: u64,
    /// Block groups.
    pub(super) groups: u64,
    /// Inodes, of which the first has number 1.
    pub(super) inodes: u32,
    /// Inodes of a group.
    pub(super) inodes_per_group: u32,
    /// The first inode that is not reserved.
    pub(super) first_inode: u32,
    /// Bytes of an inode.
    pub(super) inode_size: u64,
    /// Bytes of a group descriptor.
    pub(super) descriptor_size: u64,
    /// The inode of the journal, or 0.
    pub(super) journal: u32,
    /// Whether the checksum fits, or there is none.
    pub(super) checksum_fits: bool,
    blocks_per_group: u64,
    first_data_block: u64,
    first_meta_group: u64,
    backup_groups: [u32; 2],
    compat: u32,
    incompat: u32,
    ro_compat: u32,
}

impl Superblock {
    /// Reads and checks it. `image` begins where the file system does.
    pub(super) fn read(image: Bytes<'_>) -> Result<Self, Rejected> {
        let bytes = Bytes(image.get(START, 1024)?);
        let word = |at| bytes.u32(at, Endian::Little);
        let half = |at| bytes.u16(at, Endian::Little);
        let shift = word(0x18)?;
        if half(0x38)? != 0xef53 || shift > 6 {
            return Err(Rejected("s_magic or s_log_block_size"));
        }
        let dynamic = match word(0x4c)? {
            0 => false,
            1 => true,
            _ => return Err(Rejected("s_rev_level")),
        };
        // Revision 0 ends before the features; what stands there means nothing.
        let later = |at| if dynamic { word(at) } else { Ok(0) };
        let incompat = later(0x60)?;
        let wide = incompat & INCOMPAT_64BIT != 0;
        let high = if wide { word(0x150)? } else { 0 };
        let mut superblock = Self {
            block_size: 1024_u64.checked_shl(shift).unwrap_or(1024),
            blocks: u64::from(high).saturating_mul(1 << 32).saturating_add(word(4)?.into()),
            groups: 0,
            inodes: word(0)?,
            inodes_per_group: word(0x28)?,
            first_inode: if dynamic { word(0x54)? } else { 11 },
            inode_size: if dynamic { half(0x58)?.into() } else { 128 },
            descriptor_size: if wide { half(0xfe)?.into() } else { 32 },
            journal: later(0xe0)?,
            checksum_fits: true,
            blocks_per_group: word(0x20)?.into(),
            first_data_block: word(0x14)?.into(),
            first_meta_group: word(0x104)?.into(),
            backup_groups: [word(0x24c)?, word(0x250)?],
            compat: later(0x5c)?,
            incompat,
            ro_compat: later(0x64)?,
        };
        superblock.check(bytes, dynamic)?;
        superblock.count_groups()?;
        if superblock.ro_compat & RO_COMPAT_METADATA_CSUM != 0 {
            superblock.checksum_fits = crc32c(u32::MAX, bytes.up_to(0, 0x3fc)) == word(0x3fc)?;
        }
        Ok(superblock)
    }

    /// The same checks as the kernel's before it mounts, and what `mke2fs` can be relied on for.
    fn check(&self, bytes: Bytes<'_>, dynamic: bool) -> Result<(), Rejected> {
        let word = |at| bytes.u32(at, Endian::Little);
        let bits = self.block_size.saturating_mul(8);
        let inodes_per_block = self.block_size.checked_div(self.inode_size).unwrap_or(0);
        if !(128..=self.block_size).contains(&self.inode_size) || !self.inode_size.is_power_of_two() {
            return Err(Rejected("s_inode_size"));
        }
        if !(32..=self.block_size.min(1024)).contains(&self.descriptor_size) || !self.descriptor_size.is_power_of_two() {
            return Err(Rejected("s_desc_size"));
        }
        if u64::from(self.inodes_per_group) < inodes_per_block || u64::from(self.inodes_per_group) > bits {
            return Err(Rejected("s_inodes_per_group"));
        }
        if self.first_inode < 11 || self.first_inode > self.inodes {
            return Err(Rejected("s_first_ino"));
        }
        if self.incompat & INCOMPAT_JOURNAL_DEVICE != 0 {
            return Err(Rejected("a journal alone"));
        }
        if word(0x10)? > self.inodes || u64::from(word(0xc)?) > self.blocks || u64::from(word(8)?) > self.blocks {
            return Err(Rejected("more free or reserved than there is"));
        }
        if word(0x48)? > 4 || bytes.u16(0x3c, Endian::Little)? > 3 {
            return Err(Rejected("s_creator_os or s_errors"));
        }
        if dynamic && bytes.u16(0x5a, Endian::Little)? != 0 {
            return Err(Rejected("the copy of another group"));
        }
        let bigalloc = self.ro_compat & RO_COMPAT_BIGALLOC != 0;
        if bigalloc {
            let shift = word(0x1c)?.checked_sub(word(0x18)?).ok_or(Rejected("s_log_cluster_size"))?;
            let expected = u64::from(word(0x24)?).checked_mul(1_u64.checked_shl(shift).unwrap_or(0));
            if shift > 20 || expected != Some(self.blocks_per_group) || self.blocks_per_group == 0 {
                return Err(Rejected("s_clusters_per_group"));
            }
        } else if word(0x1c)? != word(0x18)? || word(0x24)? != word(0x20)? {
            return Err(Rejected("fragments differ from blocks"));
        } else if self.blocks_per_group < 8 || self.blocks_per_group > bits {
            return Err(Rejected("s_blocks_per_group"));
        }
        if self.first_data_block != u64::from(self.block_size == 1024 && !bigalloc) {
            return Err(Rejected("s_first_data_block"));
        }
        Ok(())
    }

    fn count_groups(&mut self) -> Result<(), Rejected> {
        let blocks = self.blocks.checked_sub(self.first_data_block).ok_or(Rejected("s_blocks_count"))?;
        self.groups = blocks.div_ceil(self.blocks_per_group.max(1));
        if self.groups == 0 || self.groups.checked_mul(self.inodes_per_group.into()) != Some(self.inodes.into()) {
            return Err(Rejected("s_inodes_count does not fit the groups"));
        }
        Ok(())
    }

    /// Bytes of the whole file system.
    pub(super) fn length(&self) -> u64 {
        self.blocks.saturating_mul(self.block_size)
    }

    /// Whether a directory entry has a byte for its type; the length of the name has 16 bits else.
    pub(super) fn entries_have_types(&self) -> bool {
        self.incompat & INCOMPAT_FILETYPE != 0
    }

    /// Whether the journal holds changes that were never written to their place.
    pub(super) fn needs_recovery(&self) -> bool {
        self.incompat & INCOMPAT_RECOVER != 0
    }

    /// Whether files may be compressed (e2compr).
    pub(super) fn compressed(&self) -> bool {
        self.incompat & INCOMPAT_COMPRESSION != 0
    }

    /// Incompatible features that are newer than this reader.
    pub(super) fn unknown_features(&self) -> u32 {
        self.incompat & !INCOMPAT_KNOWN & !INCOMPAT_COMPRESSION
    }

    /// Whether group descriptors say that a group's inode table was never written.
    pub(super) fn tables_may_be_unwritten(&self) -> bool {
        self.ro_compat & (RO_COMPAT_METADATA_CSUM | 0x10) != 0
    }

    /// Offset of the descriptor of `group`.
    pub(super) fn descriptor_at(&self, group: u64) -> u64 {
        let per_block = self.block_size.checked_div(self.descriptor_size).unwrap_or(1);
        let index = group.checked_div(per_block).unwrap_or(0);
        let rest = group.saturating_sub(index.saturating_mul(per_block)).saturating_mul(self.descriptor_size);
        let block = if self.incompat & INCOMPAT_META_BG != 0 && index >= self.first_meta_group {
            let group = index.saturating_mul(per_block);
            // Blocks of 1024 bytes, counted from 0: there is a boot block before the superblock.
            let boot = self.block_size == START && index == 0 && self.first_data_block == 0;
            let first = group.saturating_mul(self.blocks_per_group).saturating_add(self.first_data_block);
            first.saturating_add(self.has_superblock(group).into()).saturating_add(boot.into())
        } else {
            START.checked_div(self.block_size).unwrap_or(0).saturating_add(1).saturating_add(index)
        };
        block.saturating_mul(self.block_size).saturating_add(rest)
    }

    /// Whether `group` begins with a copy of the superblock.
    fn has_superblock(&self, group: u64) -> bool {
        let power_of = |base: u64| {
            let mut power = base;
            while power < group {
                power = power.saturating_mul(base);
            }
            power == group
        };
        if group == 0 {
            true
        } else if self.compat & COMPAT_SPARSE_SUPER2 != 0 {
            self.backup_groups.iter().any(|backup| u64::from(*backup) == group)
        } else {
            self.ro_compat & RO_COMPAT_SPARSE_SUPER == 0 || group == 1 || [3, 5, 7].into_iter().any(power_of)
        }
    }
}
