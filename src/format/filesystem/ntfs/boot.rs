//! The boot sector: sizes, and where the master file table begins.

use crate::blob::{Bytes, Endian};
use crate::problem::Rejected;

/// What the boot sector says, checked:
///
/// ```text
///  3 "NTFS    "   11 bytes of a sector u16   13 sectors of a cluster u8 (above 128: 2 to the power of 256 - it)   14 zeros[7]
/// 21 media u8   40 sectors u64   48 first cluster of the table u64   56 of its copy u64
/// 64 clusters of a record u8 (above 128: bytes, 2 to the power of 256 - it)   68 clusters of an index block u8   510 55 aa
/// ```
#[derive(Debug, Clone, Copy)]
pub(super) struct Boot {
    /// Bytes of a sector.
    pub(super) sector: u64,
    /// Bytes of a cluster.
    pub(super) cluster: u64,
    /// Bytes of a record of the master file table.
    pub(super) record: u64,
    /// Where the master file table begins.
    pub(super) table: u64,
    /// Bytes of the volume and of the copy of the boot sector behind it.
    pub(super) length: u64,
}

impl Boot {
    /// Reads and checks it.
    pub(super) fn read(image: Bytes<'_>) -> Result<Self, Rejected> {
        let half = |at| image.u16(at, Endian::Little);
        if !image.has(3, b"NTFS    ") || !image.has(510, &[0x55, 0xaa]) || !image.has(14, &[0; 7]) {
            return Err(Rejected("no boot sector"));
        }
        let sector = u64::from(half(11)?);
        let cluster = match image.u8(13)? {
            few @ 1..=128 => u64::from(few).saturating_mul(sector),
            many => sector.saturating_mul(1_u64.checked_shl(256_u32.saturating_sub(many.into())).unwrap_or(0)),
        };
        let record = match image.u8(64)? {
            few @ 1..=64 => u64::from(few).saturating_mul(cluster),
            many => 1_u64.checked_shl(256_u32.saturating_sub(many.into())).unwrap_or(0),
        };
        let powers = [(sector, 512, 4096), (cluster, 512, 2 << 20), (record, 512, 65_536)];
        if powers.iter().any(|(size, least, most)| !size.is_power_of_two() || size < least || size > most) {
            return Err(Rejected("sizes of sectors, clusters or records"));
        }
        let (sectors, table) = (image.u64(40, Endian::Little)?, image.u64(48, Endian::Little)?);
        let length = sectors.checked_add(1).and_then(|sectors| sectors.checked_mul(sector)).ok_or(Rejected("number of sectors"))?;
        let table = table.checked_mul(cluster).filter(|table| *table > 0 && *table < length).ok_or(Rejected("place of the table"))?;
        // What is cut off may be the table; what is there must be one.
        if image.get(table, 4).is_ok_and(|magic| magic != b"FILE") {
            return Err(Rejected("no table"));
        }
        Ok(Self { sector, cluster, record, table, length })
    }
}
