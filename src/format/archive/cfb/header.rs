//! The header of a compound file.

use crate::blob::{Bytes, Endian, to_u64};
use crate::problem::Rejected;

/// The header; all numbers little endian:
///
/// ```text
///  0 magic[8]   8 class[16]   24 minor version u16   26 major version u16: 3, 4   28 byte order u16: 0xfffe
/// 30 sectors are two to the power of u16   32 small sectors u16: 6   34 reserved[6]   40 sectors of the directory u32, in version 4
/// 44 sectors of the table u32   48 first sector of the directory u32   52 u32   56 size below which streams are small u32: 4096
/// 60 first sector of the table of small sectors u32   64 how many those are u32
/// 68 first further sector of the list of the table's sectors u32   72 how many those are u32   76 first 109 of that list u32[109]
/// ```
pub(super) struct Header {
    pub(super) sector: u64,
    pub(super) table_sectors: u64,
    pub(super) directory: u32,
    pub(super) small_below: u64,
    pub(super) small_table: u32,
    list: u32,
}

/// Numbers above are no sectors: those that are free, ends of chains, and what the tables themselves take.
pub(super) const LAST_SECTOR: u32 = 0xffff_fffa;
const FREE: u32 = 0xffff_ffff;

/// Entries of the list in the header.
const LISTED: u64 = 109;

/// Sectors of the table that are looked at for the last one in use.
const LOOKED_AT: u64 = 16;

/// Sectors of the list that are followed to its last one.
const LONGEST_LIST: u64 = 1 << 10;

impl Header {
    pub(super) fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let (short, word) = (|at| bytes.u16(at, Endian::Little), |at| bytes.u32(at, Endian::Little));
        let shift = short(30)?;
        let fits = matches!((short(26)?, shift), (3, 9) | (4, 12)) && short(28)? == 0xfffe && short(32)? == 6;
        if !fits || bytes.get(34, 6)?.iter().any(|byte| *byte != 0) {
            return Err(Rejected("header"));
        }
        let table_sectors = u64::from(word(44)?);
        if table_sectors == 0 {
            return Err(Rejected("no table"));
        }
        Ok(Self {
            sector: 1 << shift,
            table_sectors,
            directory: word(48)?,
            small_below: word(56)?.into(),
            small_table: word(60)?,
            list: word(68)?,
        })
    }

    /// Where sector `number` is: the header takes the place of one.
    pub(super) fn place(&self, number: u32) -> u64 {
        u64::from(number).saturating_add(1).saturating_mul(self.sector)
    }

    /// Entries of four bytes in a sector.
    pub(super) fn entries(&self) -> u64 {
        self.sector / 4
    }

    fn entry(&self, bytes: Bytes<'_>, sector: u32, index: u64) -> Option<u32> {
        bytes.u32(self.place(sector).saturating_add(index.saturating_mul(4)), Endian::Little).ok()
    }

    /// The sectors that the table is in. Further sectors of the list end with the number of the next one.
    pub(super) fn table(&self, bytes: Bytes<'_>) -> Vec<u32> {
        // There are never more of them than sectors.
        let most = self.table_sectors.min(bytes.len().checked_div(self.sector).unwrap_or(0));
        let in_header = |index: u64| bytes.u32(76_u64.saturating_add(index.saturating_mul(4)), Endian::Little).ok();
        let mut sectors: Vec<u32> = (0..LISTED.min(most)).map_while(in_header).collect();
        let (mut next, per_sector) = (self.list, self.entries().saturating_sub(1));
        while next <= LAST_SECTOR {
            let missing = most.saturating_sub(to_u64(sectors.len()));
            let before = sectors.len();
            sectors.extend((0..per_sector.min(missing)).map_while(|index| self.entry(bytes, next, index)));
            let Some(further) = self.entry(bytes, next, per_sector).filter(|_| sectors.len() > before) else { break };
            next = further;
        }
        sectors
    }

    /// The last sectors of the table with the number of the first sector that each tells of, backwards. Follows the list, but looks at its
    /// last sector only.
    fn last_of_table(&self, bytes: Bytes<'_>) -> Vec<(u32, u64)> {
        let per_sector = self.entries().saturating_sub(1).max(1);
        let (mut first, mut list) = (0_u64, None);
        if self.table_sectors > LISTED {
            let further = self.table_sectors.saturating_sub(LISTED);
            let steps = further.div_ceil(per_sector).saturating_sub(1);
            let last = (0..steps.min(LONGEST_LIST)).try_fold(self.list, |sector, _| self.entry(bytes, sector, per_sector));
            first = LISTED.saturating_add(steps.saturating_mul(per_sector));
            list = Some(last.unwrap_or(self.list));
        }
        let number = |index: u64| match list {
            None => bytes.u32(76_u64.saturating_add(index.saturating_mul(4)), Endian::Little).ok(),
            Some(sector) => self.entry(bytes, sector, index),
        };
        let there = self.table_sectors.saturating_sub(first);
        let told = |index: u64| Some((number(index)?, first.saturating_add(index).saturating_mul(self.entries())));
        (there.saturating_sub(LOOKED_AT)..there).rev().filter_map(told).collect()
    }

    /// The end of the last sector in use, as the table has it.
    pub(super) fn length(&self, bytes: Bytes<'_>) -> u64 {
        let used = self.last_of_table(bytes).into_iter().find_map(|(sector, first)| {
            let used = |index: &u64| self.entry(bytes, sector, *index).is_some_and(|next| next != FREE);
            (0..self.entries()).rev().find(used).map(|last| first.saturating_add(last).saturating_add(1))
        });
        let all = self.table_sectors.saturating_mul(self.entries());
        used.unwrap_or(all).saturating_add(1).saturating_mul(self.sector)
    }
}
