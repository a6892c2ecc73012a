//! The header of a compound file.

use crate::blob::{Bytes, Endian};
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

/// Sectors of the list that are followed.
const LONGEST_LIST: u64 = 1 << 14;

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

    /// The sectors that the table is in. Further sectors of the list end with the number of the next one.
    pub(super) fn table(&self, bytes: Bytes<'_>) -> Vec<u32> {
        let entries = |start: u64, count: u64| {
            (0..count).map_while(move |index| bytes.u32(start.saturating_add(index.saturating_mul(4)), Endian::Little).ok())
        };
        let mut sectors: Vec<u32> = entries(76, LISTED.min(self.table_sectors)).collect();
        let (mut next, per_sector) = (self.list, self.entries().saturating_sub(1));
        for _ in 0..LONGEST_LIST {
            let missing = self.table_sectors.saturating_sub(crate::blob::to_u64(sectors.len()));
            if next > LAST_SECTOR || missing == 0 {
                break;
            }
            let start = self.place(next);
            sectors.extend(entries(start, per_sector.min(missing)));
            let Ok(further) = bytes.u32(start.saturating_add(per_sector.saturating_mul(4)), Endian::Little) else { break };
            next = further;
        }
        sectors
    }

    /// The end of the last sector in use, as the table has it.
    pub(super) fn length(&self, bytes: Bytes<'_>) -> u64 {
        let all = self.table_sectors.saturating_mul(self.entries());
        let sectors = self.table(bytes);
        let mut end = all;
        for (back, sector) in (0..LOOKED_AT).zip(sectors.iter().rev()) {
            let first = self.table_sectors.saturating_sub(back).saturating_sub(1).saturating_mul(self.entries());
            let place = self.place(*sector);
            let used = (0..self.entries())
                .rev()
                .find(|index| bytes.u32(place.saturating_add(index.saturating_mul(4)), Endian::Little).is_ok_and(|next| next != FREE));
            if let Some(last) = used {
                end = first.saturating_add(last).saturating_add(1);
                break;
            }
        }
        end.saturating_add(1).saturating_mul(self.sector)
    }
}
