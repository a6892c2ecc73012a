//! The boot sector, and the chains of clusters in the table behind it.

use super::folder::Named;
use crate::blob::{Bytes, Endian, Span};
use crate::format::extents::Extents;
use crate::limits::{Effort, Exceeded};
use crate::problem::{Fault, Rejected};

/// What the boot sector says, checked:
///
/// ```text
///  0 jump eb 76 90   3 "EXFAT   "   11 zeros[53]   64 first sector of the partition u64   72 sectors u64   80 first sector of the table u32
/// 84 sectors of the table u32   88 first sector of the clusters u32   92 clusters u32   96 first cluster of the root folder u32
/// 100 serial number u32   104 revision u16 (major above)   106 flags u16 (1: the second table counts)   108 log2 of a sector u8
/// 109 log2 of the sectors of a cluster u8   110 tables u8   510 55 aa
/// ```
#[derive(Debug, Clone)]
pub(super) struct Boot {
    /// First cluster of the root folder.
    pub(super) root: u32,
    /// Bytes of the whole volume.
    pub(super) length: u64,
    sector: u64,
    cluster: u64,
    clusters: u32,
    heap: u64,
    table: Span,
}

impl Boot {
    /// Reads and checks it.
    pub(super) fn read(image: Bytes<'_>) -> Result<Self, Rejected> {
        let word = |at| image.u32(at, Endian::Little);
        if !image.has(0, b"\xeb\x76\x90EXFAT   ") || !image.has(510, &[0x55, 0xaa]) || !image.has(11, &[0; 53]) {
            return Err(Rejected("no boot sector"));
        }
        let (sector, more, tables) = (image.u8(108)?, image.u8(109)?, image.u8(110)?);
        if !(9..=12).contains(&sector) || sector.saturating_add(more) > 25 || !matches!(tables, 1 | 2) || image.u8(105)? != 1 {
            return Err(Rejected("sizes of sectors or clusters, or revision"));
        }
        let bytes = |sectors: u32| u64::from(sectors) << sector;
        let (sectors, clusters, root) = (image.u64(72, Endian::Little)?, word(92)?, word(96)?);
        let length = sectors.checked_mul(1 << sector).ok_or(Rejected("number of sectors"))?;
        let second = if tables == 2 && image.u8(106)? & 1 != 0 { bytes(word(84)?) } else { 0 };
        let table = Span::new(bytes(word(80)?).saturating_add(second), bytes(word(84)?));
        let (heap, cluster) = (bytes(word(88)?), 1_u64 << sector.saturating_add(more));
        let end = heap.saturating_add(u64::from(clusters).saturating_mul(cluster));
        if clusters == 0 || root < 2 || root > clusters.saturating_add(1) || end > length || table.end() > heap {
            return Err(Rejected("places of table and clusters"));
        }
        if word(table.start)? != 0xffff_fff8 {
            return Err(Rejected("no table"));
        }
        Ok(Self { root, length, sector: 1 << sector, cluster, clusters, heap, table })
    }

    /// What is wrong with the checksum of the first eleven sectors, which fills the twelfth.
    pub(super) fn checksum(&self, image: Bytes<'_>) -> Option<Fault> {
        let covered = image.up_to(0, self.sector.saturating_mul(11));
        // The flags and the share in use change without it.
        let bytes = covered.iter().enumerate().filter(|(at, _)| !matches!(at, 106 | 107 | 112)).map(|(_, byte)| *byte);
        let sum = bytes.fold(0_u32, |sum, byte| sum.rotate_right(1).wrapping_add(byte.into()));
        let found = image.u32(self.sector.saturating_mul(11), Endian::Little).ok()?;
        (found != sum).then(|| Fault::Checksum(format!("the checksum of the boot sectors is {sum:#010x}, not {found:#010x}")))
    }

    /// Where the bytes of a file or folder stand, and why not all of them are known.
    ///
    /// # Errors
    /// If a limit is reached.
    pub(super) fn extents(&self, image: Bytes<'_>, of: &Named, effort: &mut Effort<'_>) -> Result<(Extents, Option<Fault>), Exceeded> {
        let mut extents = Extents::default();
        let wanted = of.size.unwrap_or(u64::MAX).div_ceil(self.cluster);
        let (mut cluster, mut count) = (of.cluster, 0_u64);
        while count < wanted && count < u64::from(self.clusters) {
            let index = cluster.checked_sub(2).filter(|index| *index < self.clusters);
            let Some(index) = index else {
                return Ok((extents, Some(Fault::corrupt(format!("no cluster has the number {cluster:#x}")))));
            };
            effort.spend(4)?;
            extents.stored(Span::new(self.heap.saturating_add(u64::from(index).saturating_mul(self.cluster)), self.cluster));
            count = count.saturating_add(1);
            let next = Bytes(image.up_to(self.table.start, self.table.length)).u32(u64::from(cluster).saturating_mul(4), Endian::Little);
            match next {
                _ if of.in_a_row => cluster = cluster.saturating_add(1),
                Ok(u32::MAX) => break,
                Ok(next) => cluster = next,
                Err(_) => return Ok((extents, Some(Fault::Truncated("the end of the table of clusters is missing".to_owned())))),
            }
        }
        let short = of.size.is_some() && count < wanted;
        Ok((extents, short.then(|| Fault::corrupt("the chain of clusters ends too early"))))
    }
}
