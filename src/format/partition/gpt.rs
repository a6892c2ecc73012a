//! Disks with a GUID partition table.

use std::collections::BTreeSet;

use crate::blob::{Blob, Bytes, Endian};
use crate::format::filesystem::iso9660;
use crate::format::partition::mbr;
use crate::format::partition::mbr::layout::Layout;
use crate::format::{Carved, Children, Format, Kind, Magic, Spec, utf16_part_text};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

mod header;

use header::find;

/// GUID partition table.
#[derive(Debug)]
pub(super) struct Gpt;

static SPEC: Spec = Spec {
    id: "gpt",
    name: "GUID partition table",
    kind: Kind::Partition,
    magics: &[
        // Signature of the header, in sector 1
        Magic::anywhere(b"EFI PART").at(512),
        Magic::anywhere(b"EFI PART").at(4096),
        // the protective MBR, for disks whose first header is destroyed
        Magic::start(&[0x55, 0xaa]).at(510),
    ],
    leaf: false,
    references: &["https://uefi.org/specs/UEFI/2.10/05_GUID_Partition_Table_Format.html"],
    limitations: &["sectors of 512 and of 4096 bytes only"],
};

impl Format for Gpt {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let image = Bytes(blob.bytes().tail(start));
        if iso9660::is_volume(image) {
            return Err(Rejected("a disc that boots from a USB stick too"));
        }
        let (header, _) = find(image)?;
        Ok(Carved::new(header.disk_length(), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let (header, faults) = find(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        for fault in &faults {
            children.problem(fault, Some(header.at));
        }
        let mut layout = Layout::default();
        layout.take(mbr::TABLE);
        layout.take(header.sectors(1, 1));
        layout.take(header.entries());
        if let Some(other) = header.other(image) {
            layout.take(header.sectors(other.sector_number, 1));
            layout.take(other.entries());
        }
        let mut names = BTreeSet::new();
        for (number, entry) in (1_u32..).zip(header.each(image)) {
            if entry.has(0, &[0; 16]) {
                continue;
            }
            let (first, last) = (entry.u64(0x20, Endian::Little)?, entry.u64(0x28, Endian::Little)?);
            let count = last.checked_sub(first).map_or(0, |count| count.saturating_add(1));
            let name = unique(name(entry), number, &mut names);
            layout.partition(children, name, header.sectors(first, count))?;
        }
        layout.gaps(image, children)?;
        if header.disk_length() > image.len() {
            return Err(Fault::Truncated(format!("{} of {} bytes are there", image.len(), header.disk_length())));
        }
        Ok(())
    }
}

/// The name of a partition: 36 UTF-16 units at 0x38 of its entry.
fn name(entry: Bytes<'_>) -> String {
    let units = entry.up_to(0x38, 72).chunks_exact(2).map(|unit| Bytes(unit).u16(0, Endian::Little).unwrap_or(0));
    utf16_part_text(units.take_while(|unit| *unit != 0))
}

/// Partitions without a name get their number, and those with the name of another one get it as well.
fn unique(name: String, number: u32, names: &mut BTreeSet<String>) -> String {
    let name = if name.is_empty() { number.to_string() } else { name };
    let name = if names.contains(&name) { format!("{name}#{number}") } else { name };
    names.insert(name.clone());
    name
}

#[cfg(test)]
mod tests;
