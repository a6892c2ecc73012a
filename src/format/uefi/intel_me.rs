//! The firmware of Intel's management engine: a table of partitions.

use crate::blob::{Blob, Bytes, Endian, Span, to_u64};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, part_text};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Firmware of an Intel management engine.
#[derive(Debug)]
pub(super) struct ManagementEngine;

static SPEC: Spec = Spec {
    id: "intel-me",
    name: "Intel management engine firmware",
    kind: Kind::Partition,
    // Code that runs when there is no table may stand before it.
    magics: &[Magic::anywhere(b"$FPT").at(16), Magic::anywhere(b"$FPT")],
    leaf: false,
    references: &["https://github.com/corna/me_cleaner", "https://github.com/linuxboot/fiano", "https://github.com/platomav/MEAnalyzer"],
    limitations: &["modules of generations before 11 are not told apart", "what the engine wrote into its own file system is not read"],
};

/// Bytes of the header, from its signature on, and of an entry.
const HEADER: u64 = 32;
const ENTRY: u64 = 32;

impl Format for ManagementEngine {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let table = Table::read(Bytes(blob.bytes().tail(start)))?;
        let end = table.partitions.iter().map(|(_, span)| span.end()).fold(table.end, u64::max);
        Ok(Carved::new(end, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let table = Table::read(blob.bytes()).map_err(|rejected| Fault::corrupt(rejected.0))?;
        // Some partitions name the space of others.
        let mut left = blob.len().saturating_mul(2);
        for (name, span) in table.partitions {
            let Some(rest) = left.checked_sub(span.length.min(blob.len())) else {
                children.problem(&Fault::corrupt(format!("the partitions overlap: {name} is left out")), Some(span.start));
                continue;
            };
            left = rest;
            children.span(name, span, Attributes::default())?;
        }
        Ok(())
    }
}

/// The table; numbers are little endian:
///
/// ```text
/// 0 "$FPT"   4 number of partitions u32   8 version: 10, 20 or 21   9 version of the entries: 10   a length of the header u8
/// b checksum u8
/// ```
///
/// An entry: 0 name, 4 bytes   4 owner   8 offset u32 from the start of the firmware   c length u32   1c flags u32.
struct Table {
    partitions: Vec<(String, Span)>,
    end: u64,
}

impl Table {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let base = if bytes.has(16, b"$FPT") { 16 } else { 0 };
        let at = |offset: u64| bytes.u8(offset.saturating_add(base));
        let count = u64::from(bytes.u32(base.saturating_add(4), Endian::Little)?);
        let versions = (at(8)?, at(9)?);
        if !bytes.has(base, b"$FPT") || !(1..=128).contains(&count) || !matches!(versions, (0x10 | 0x20 | 0x21, 0x10)) {
            return Err(Rejected("number of partitions, or versions"));
        }
        if !matches!(at(0xa)?, 0x20 | 0x30 | 0x40) {
            return Err(Rejected("length of the header"));
        }
        let first = base.saturating_add(HEADER);
        let mut partitions = Vec::new();
        for index in 0..count {
            let entry = bytes.part(Span::new(first.saturating_add(index.saturating_mul(ENTRY)), ENTRY))?;
            let name = entry.text(0, 4)?;
            if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
                return Err(Rejected("name of a partition"));
            }
            let (start, length) = (u64::from(entry.u32(8, Endian::Little)?), u64::from(entry.u32(12, Endian::Little)?));
            let is_there = !matches!(start, 0 | 0xffff_ffff) && !matches!(length, 0 | 0xffff_ffff);
            if is_there && start < 1 << 27 && length < 1 << 27 {
                partitions.push((part_text(name), Span::new(start, length)));
            }
        }
        // Without code before it, offsets count from the signature; with it, from the code. Partitions say by how they begin which it is.
        let fits = |shift: u64| partitions.iter().any(|(_, span)| is_partition(bytes, span.start.saturating_add(shift)));
        if partitions.is_empty() || (base == 16 && !fits(0) && fits(16)) {
            return Err(Rejected("partitions"));
        }
        Ok(Self { end: first.saturating_add(count.saturating_mul(to_u64(32))), partitions })
    }
}

/// Whether a partition of code begins at `start`.
fn is_partition(bytes: Bytes<'_>, start: u64) -> bool {
    let manifest = start.saturating_add(0x1c);
    bytes.has(start, b"$CPD") || bytes.has(manifest, b"$MN2") || bytes.has(manifest, b"$MAN")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};

    fn table(before: bool, parts: &[(&[u8; 4], u32, u32)]) -> Vec<u8> {
        let mut bytes = if before { vec![0x90; 16] } else { Vec::new() };
        bytes.extend(b"$FPT");
        bytes.extend((parts.len() as u32).to_le_bytes());
        bytes.extend([0x20, 0x10, 0x20, 0]);
        bytes.resize(bytes.len() + 20, 0);
        for (name, start, length) in parts {
            bytes.extend([&name[..], b"OWNR", &start.to_le_bytes(), &length.to_le_bytes(), &[0; 16]].concat());
        }
        bytes.resize(0x200, 0xff);
        bytes.extend([b"$CPD", &[7; 252][..]].concat());
        bytes.extend([9; 100]);
        bytes
    }

    #[test]
    fn partitions_come_out() {
        let parts = [(b"FTPR", 0x200, 0x100), (b"NFTP", 0x300, 100), (b"GONE", 0, 0)];
        for before in [true, false] {
            let image = table(before, &parts);
            assert_eq!(carve(&ManagementEngine, &[&[0xff; 32], &image[..], &[0xff; 50]].concat(), 32), Some(image.len() as u64));
            let unpacked = unpack(&ManagementEngine, &image);
            assert_eq!(unpacked.names(), ["FTPR", "NFTP"], "{before}");
            assert_eq!(&unpacked.file("FTPR")[..4], b"$CPD");
            assert_eq!(unpacked.file("NFTP"), [9; 100]);
            survives_damage(&ManagementEngine, &image);
        }
        let image = [vec![0xff; 48], table(false, &parts)].concat();
        assert_eq!(carve(&ManagementEngine, &image, 32), None, "the table starts with its signature");
        assert_eq!(unpack_at(&ManagementEngine, &image, 48).files.len(), 2);
    }

    #[test]
    fn a_text_is_no_table() {
        assert_eq!(carve(&ManagementEngine, b"$FPT is the signature of a flash partition table, which this text is not", 0), None);
    }
}
