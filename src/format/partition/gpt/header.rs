//! The header of a GUID partition table, its copy at the end of the disk, and its entries.

use crate::blob::{Bytes, Endian, Span};
use crate::format::partition::mbr;
use crate::problem::{Fault, Rejected};

const SECTOR_SIZES: [u64; 2] = [512, 4096];

/// A table larger than this is none; the usual one has 16 KiB.
const LARGEST_TABLE: u64 = 4 << 20;

/// The header, checked:
///
/// ```text
/// 00 Signature[8]   08 Revision u32   0c HeaderSize u32   10 HeaderCRC32 u32   14 Reserved u32   18 MyLBA u64   20 AlternateLBA u64
/// 28 FirstUsableLBA u64   30 LastUsableLBA u64   38 DiskGUID[16]   48 PartitionEntryLBA u64   50 NumberOfPartitionEntries u32
/// 54 SizeOfPartitionEntry u32   58 PartitionEntryArrayCRC32 u32
/// ```
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    /// Where it stands.
    pub(super) at: u64,
    /// The sector where it says it stands.
    pub(super) sector_number: u64,
    sector: u64,
    alternate: u64,
    last_usable: u64,
    table: u64,
    count: u32,
    entry_size: u32,
    checksum_fits: bool,
    table_fits: bool,
}

impl Header {
    /// Reads and checks the header in sector `number`.
    fn read(image: Bytes<'_>, number: u64, sector: u64) -> Result<Self, Rejected> {
        let at = number.saturating_mul(sector);
        let bytes = Bytes(image.get(at, 512)?);
        let (word, long) = (|at| bytes.u32(at, Endian::Little), |at| bytes.u64(at, Endian::Little));
        let size = word(0xc)?;
        if !bytes.has(0, b"EFI PART\0\0\x01\0") || !(92..=512).contains(&size) || word(0x14)? != 0 {
            return Err(Rejected("signature, revision or size of the header"));
        }
        let mut header = Self {
            at,
            sector_number: long(0x18)?,
            sector,
            alternate: long(0x20)?,
            last_usable: long(0x30)?,
            table: long(0x48)?,
            count: word(0x50)?,
            entry_size: word(0x54)?,
            checksum_fits: crc(&[bytes.up_to(0, 16), &[0; 4], Bytes(bytes.up_to(0, size.into())).tail(20)]) == word(0x10)?,
            table_fits: false,
        };
        let length = u64::from(header.count).saturating_mul(header.entry_size.into());
        if header.sector_number != number || long(0x28)? > header.last_usable || header.table < 2 {
            return Err(Rejected("the header does not belong here"));
        }
        if header.entry_size < 128 || !header.entry_size.is_power_of_two() || !(1..=LARGEST_TABLE).contains(&length) {
            return Err(Rejected("size of the table"));
        }
        let start = header.table.saturating_mul(sector);
        header.table_fits = image.get(start, length).is_ok_and(|table| Ok(crc(&[table])) == word(0x58));
        Ok(header)
    }

    fn is_sound(&self) -> bool {
        self.checksum_fits && self.table_fits
    }

    /// The span of `count` sectors.
    pub(super) fn sectors(&self, first: u64, count: u64) -> Span {
        Span::new(first.saturating_mul(self.sector), count.saturating_mul(self.sector))
    }

    /// Bytes of the whole disk: its last sector holds a copy of the header.
    pub(super) fn disk_length(&self) -> u64 {
        let last = self.alternate.max(self.sector_number).max(self.last_usable);
        last.saturating_add(1).saturating_mul(self.sector)
    }

    /// Where the entries stand.
    pub(super) fn entries(&self) -> Span {
        let length = u64::from(self.count).saturating_mul(self.entry_size.into());
        Span::new(self.table.saturating_mul(self.sector), length.checked_next_multiple_of(self.sector).unwrap_or(length))
    }

    /// The entries that are there.
    pub(super) fn each<'a>(&self, image: Bytes<'a>) -> impl Iterator<Item = Bytes<'a>> {
        let length = u64::from(self.count).saturating_mul(self.entry_size.into());
        let table = image.up_to(self.entries().start, length);
        table.chunks_exact(usize::try_from(self.entry_size).unwrap_or(usize::MAX)).map(Bytes)
    }

    /// The other header: the copy of the first, or the first.
    pub(super) fn other(&self, image: Bytes<'_>) -> Option<Self> {
        Self::read(image, self.alternate, self.sector).ok()
    }
}

/// The header of a disk that begins where `image` does: the first if it is sound or the only one, else its copy. And what is wrong.
pub(super) fn find(image: Bytes<'_>) -> Result<(Header, Vec<Fault>), Rejected> {
    let protective = mbr::table(image).ok().and_then(|table| table.into_iter().find(|partition| partition.kind == mbr::PROTECTIVE));
    for sector in SECTOR_SIZES {
        let Ok(first) = Header::read(image, 1, sector) else { continue };
        // The same bytes may be sector 1 of 512 bytes, or, 3584 bytes further back, of 4096.
        if !first.is_sound() && protective.is_none() {
            continue;
        }
        let copy = first.other(image).filter(Header::is_sound);
        return Ok(match copy {
            Some(copy) if !first.is_sound() => (copy, vec![Fault::Checksum("the first table is damaged: its copy was used".to_owned())]),
            _ => (first, damages(&first)),
        });
    }
    let protective = protective.ok_or(Rejected("no header"))?;
    for sector in SECTOR_SIZES {
        let end = image.len().checked_div(sector).unwrap_or(0).saturating_sub(1);
        for number in [protective.count.into(), end] {
            if let Some(copy) = Header::read(image, number, sector).ok().filter(Header::is_sound) {
                return Ok((copy, vec![Fault::corrupt("the first table is destroyed: its copy was used")]));
            }
        }
    }
    Err(Rejected("no header"))
}

fn damages(header: &Header) -> Vec<Fault> {
    let parts = [(header.checksum_fits, "header"), (header.table_fits, "table")];
    let broken = parts.into_iter().filter(|(fits, _)| !fits);
    broken.map(|(_, part)| Fault::Checksum(format!("the {part} does not fit its checksum, and there is no sound copy"))).collect()
}

fn crc(parts: &[&[u8]]) -> u32 {
    let mut crc = flate2::Crc::new();
    parts.iter().for_each(|part| crc.update(part));
    crc.sum()
}
