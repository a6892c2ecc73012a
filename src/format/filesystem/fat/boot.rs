//! The boot sector: how large everything is and where it stands.

use crate::blob::{Bytes, Endian, Span};
use crate::problem::Rejected;

/// Bits of one entry of the allocation table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    /// FAT12.
    Twelve,
    /// FAT16.
    Sixteen,
    /// FAT32, of which four bits are reserved.
    ThirtyTwo,
}

/// Where the root folder stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    /// At a fixed place before all clusters.
    Fixed(Span),
    /// In a chain of clusters like every other folder.
    Chain(u32),
}

/// What the boot sector says, checked:
///
/// ```text
/// 00 BS_jmpBoot[3]   03 BS_OEMName[8]   0b BPB_BytsPerSec u16   0d BPB_SecPerClus u8   0e BPB_RsvdSecCnt u16   10 BPB_NumFATs u8
/// 11 BPB_RootEntCnt u16   13 BPB_TotSec16 u16   15 BPB_Media u8   16 BPB_FATSz16 u16   20 BPB_TotSec32 u32
/// 36 BS_FilSysType[8] (FAT12, FAT16)
/// 24 BPB_FATSz32 u32   28 BPB_ExtFlags u16   2a BPB_FSVer u16   2c BPB_RootClus u32   52 BS_FilSysType[8] (FAT32)
/// 1fe 55 aa
/// ```
#[derive(Debug, Clone)]
pub(super) struct Boot {
    /// Bits of one entry of the allocation table.
    pub(super) width: Width,
    /// Bytes of a cluster.
    pub(super) cluster_size: u64,
    /// Clusters; the first has number 2.
    pub(super) clusters: u32,
    /// Where cluster 2 stands.
    pub(super) data_at: u64,
    /// Where the root folder stands.
    pub(super) root: Root,
    /// Bytes of the whole file system.
    pub(super) length: u64,
    media: u8,
    table: Span,
    tables: u8,
    /// The only copy of the table that is kept up to date, if they are not all.
    active: Option<u8>,
}

impl Boot {
    /// Reads and checks it. `image` begins where the file system does.
    pub(super) fn read(image: Bytes<'_>) -> Result<Self, Rejected> {
        let half = |at| image.u16(at, Endian::Little);
        let jump = (image.u8(0)?, image.u8(2)?);
        if jump != (0xeb, 0x90) && jump.0 != 0xe9 || half(510)? != 0xaa55 {
            return Err(Rejected("jump or signature of the boot sector"));
        }
        let (sector, per_cluster, reserved) = (u64::from(half(0xb)?), u64::from(image.u8(0xd)?), u64::from(half(0xe)?));
        let (tables, media) = (image.u8(0x10)?, image.u8(0x15)?);
        if !matches!(sector, 512 | 1024 | 2048 | 4096) || !per_cluster.is_power_of_two() || reserved == 0 {
            return Err(Rejected("BPB_BytsPerSec, BPB_SecPerClus or BPB_RsvdSecCnt"));
        }
        if !matches!(tables, 1 | 2) || !matches!(media, 0xf0 | 0xf8..) {
            return Err(Rejected("BPB_NumFATs or BPB_Media"));
        }
        let (small, large) = (u64::from(half(0x13)?), u64::from(image.u32(0x20, Endian::Little)?));
        if small != 0 && large != 0 && small != large {
            return Err(Rejected("two numbers of sectors"));
        }
        let total = small.max(large);
        let root_size = u64::from(half(0x11)?).saturating_mul(32);
        let wide = half(0x16)? == 0;
        let table_sectors = if wide { u64::from(image.u32(0x24, Endian::Little)?) } else { half(0x16)?.into() };
        if table_sectors == 0 || root_size.checked_rem(sector) != Some(0) || wide != (root_size == 0) || wide && half(0x2a)? != 0 {
            return Err(Rejected("BPB_FATSz, BPB_RootEntCnt or BPB_FSVer"));
        }
        let table = Span::new(reserved.saturating_mul(sector), table_sectors.saturating_mul(sector));
        let root_at = table.start.saturating_add(table.length.saturating_mul(tables.into()));
        let data_at = root_at.saturating_add(root_size);
        let cluster_size = per_cluster.saturating_mul(sector);
        let length = total.saturating_mul(sector);
        let clusters = length.saturating_sub(data_at).checked_div(cluster_size).unwrap_or(0);
        let (width, room) = match clusters {
            0 => return Err(Rejected("no clusters")),
            _ if wide => (Width::ThirtyTwo, table.length >> 2),
            4085.. => (Width::Sixteen, table.length >> 1),
            _ => (Width::Twelve, table.length.saturating_mul(2).checked_div(3).unwrap_or(0)),
        };
        // The table has entries for clusters 0 and 1, which are none.
        let clusters = clusters.min(room.saturating_sub(2)).min(0x0fff_fff5);
        let flags = if wide { half(0x28)?.to_le_bytes()[0] } else { 0 };
        Ok(Self {
            width,
            cluster_size,
            clusters: u32::try_from(clusters).unwrap_or(0),
            data_at,
            root: if wide { Root::Chain(image.u32(0x2c, Endian::Little)?) } else { Root::Fixed(Span::new(root_at, root_size)) },
            length,
            media,
            table,
            tables,
            active: (flags & 0x80 != 0).then_some(flags & 0xf),
        })
    }

    /// The first copy of the allocation table that begins as it has to: entry 0 holds the media byte, and ones above it.
    pub(super) fn table<'a>(&self, image: Bytes<'a>) -> Option<Bytes<'a>> {
        let ones = match self.width {
            Width::Twelve => &[0xff][..],
            Width::Sixteen => &[0xff],
            Width::ThirtyTwo => &[0xff, 0xff],
        };
        (0..self.tables).filter(|copy| self.active.is_none_or(|active| active == *copy)).find_map(|copy| {
            let start = self.table.start.saturating_add(self.table.length.saturating_mul(copy.into()));
            let table = Bytes(image.up_to(start, self.table.length));
            let fits = table.u8(0) == Ok(self.media) && table.has(1, ones);
            fits.then_some(table)
        })
    }
}
