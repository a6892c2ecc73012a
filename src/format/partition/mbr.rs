//! Disks with the partition table of the PC: a master boot record.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::filesystem::{fat, iso9660};
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::{Budget, Exceeded};
use crate::problem::{Fault, Rejected};

pub(in crate::format) mod layout;

use layout::Layout;

const SECTOR: u64 = 512;
/// Of disks and sticks that have no smaller ones.
const LARGE_SECTOR: u64 = 4096;

/// More logical partitions than any system supports.
const MOST_LOGICAL: u32 = 256;

/// Master boot record.
#[derive(Debug)]
pub(super) struct Mbr;

static SPEC: Spec = Spec {
    id: "mbr",
    name: "MBR partition table",
    kind: Kind::Partition,
    magics: &[Magic::start(&[0x55, 0xaa]).at(510)],
    leaf: false,
    references: &["https://uefi.org/specs/UEFI/2.10/05_GUID_Partition_Table_Format.html#legacy-master-boot-record-mbr"],
    limitations: &[
        "a disk in the middle of other bytes is not recognized",
        "sectors of 4096 bytes are only told by a FAT, NTFS, ext or SquashFS at the start of a partition",
    ],
};

impl Format for Mbr {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let image = Bytes(blob.bytes().tail(start));
        if fat::is_boot_sector(image) {
            return Err(Rejected("the boot sector of a volume"));
        }
        if iso9660::is_volume(image) {
            return Err(Rejected("a disc that boots from a USB stick too"));
        }
        let partitions = first_table(image)?;
        if partitions.iter().any(|partition| partition.kind == PROTECTIVE) {
            return Err(Rejected("a GPT disk"));
        }
        let mut layout = Layout::default();
        let apart = partitions.iter().all(|partition| layout.take(partition.span(0)));
        let inside = partitions.iter().any(|partition| partition.span(0).start < image.len());
        if !apart || !inside {
            return Err(Rejected("no partitions, or some that overlap"));
        }
        let end = partitions.iter().map(|partition| partition.span(0).end()).max().unwrap_or(0);
        Ok(Carved::new(end, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let partitions = first_table(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let mut layout = Layout::default();
        layout.take(TABLE);
        for partition in &partitions {
            if partition.is_extended() {
                logical(image, (partition.start.into(), partition.unit), &mut layout, children)?;
            } else {
                layout.partition(children, partition.name(partition.index), partition.span(0))?;
            }
        }
        layout.gaps(image, children)?;
        match partitions.iter().map(|partition| partition.span(0).end()).max() {
            Some(end) if end > image.len() => Err(Fault::Truncated(format!("{} of {end} bytes are there", image.len()))),
            _ => Ok(()),
        }
    }
}

/// The protective partition before a GUID partition table.
pub(super) const PROTECTIVE: u8 = 0xee;

/// Where signature, table and magic stand; before them stands a boot program.
pub(in crate::format) const TABLE: Span = Span::new(440, 72);

/// One of the four entries of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Partition {
    /// Its place in the table, from 1.
    index: u32,
    /// Its type.
    pub(super) kind: u8,
    /// First sector: of the disk, or counted from another one.
    start: u32,
    /// Sectors.
    pub(super) count: u32,
    /// Bytes of a sector.
    unit: u64,
}

/// The partitions of the table in the first sector: four entries of 16 bytes at 446, status u8 (80: bootable), CHS of the first sector, type
/// u8, CHS of the last, first sector u32, sectors u32; then 55 aa. Entries of type 0 are free.
pub(super) fn table(image: Bytes<'_>) -> Result<Vec<Partition>, Rejected> {
    table_of(image, 0, SECTOR)
}

/// The first table of a disk: its sectors have 4096 bytes if file systems begin where that would be, and none where they would with 512.
fn first_table(image: Bytes<'_>) -> Result<Vec<Partition>, Rejected> {
    let partitions = table(image)?;
    let begins = |unit: u64| {
        partitions.iter().any(|partition| {
            let at = u64::from(partition.start).saturating_mul(unit);
            image.has(at.saturating_add(510), &[0x55, 0xaa]) || image.has(at.saturating_add(1080), &[0x53, 0xef]) || image.has(at, b"hsqs")
        })
    };
    if begins(SECTOR) || !begins(LARGE_SECTOR) {
        return Ok(partitions);
    }
    table_of(image, 0, LARGE_SECTOR)
}

fn table_of(image: Bytes<'_>, sector: u64, unit: u64) -> Result<Vec<Partition>, Rejected> {
    let bytes = Bytes(image.get(sector.saturating_mul(unit), SECTOR)?);
    if !bytes.has(510, &[0x55, 0xaa]) {
        return Err(Rejected("no signature"));
    }
    let mut partitions = Vec::new();
    for (index, entry) in (1_u32..=4).zip(bytes.up_to(446, 64).chunks_exact(16).map(Bytes)) {
        let (start, count) = (entry.u32(8, Endian::Little)?, entry.u32(12, Endian::Little)?);
        let partition = Partition { index, kind: entry.u8(4)?, start, count, unit };
        if !matches!(entry.u8(0)?, 0 | 0x80) {
            return Err(Rejected("the status of a partition"));
        }
        match partition.kind {
            0 if count == 0 => {}
            0 => return Err(Rejected("a partition without a type")),
            _ if start == 0 || count == 0 => return Err(Rejected("a partition without a place")),
            _ => partitions.push(partition),
        }
    }
    if partitions.is_empty() { Err(Rejected("no partitions")) } else { Ok(partitions) }
}

impl Partition {
    /// Where it stands, if its first sector is counted from `base`.
    fn span(&self, base: u64) -> Span {
        Span::new(base.saturating_add(self.start.into()).saturating_mul(self.unit), u64::from(self.count).saturating_mul(self.unit))
    }

    fn is_extended(&self) -> bool {
        matches!(self.kind, 0x05 | 0x0f | 0x85)
    }

    /// Number and type.
    fn name(&self, number: u32) -> String {
        let kind = match self.kind {
            0x01 => "fat12",
            0x04 | 0x06 | 0x0e => "fat16",
            0x07 => "ntfs",
            0x0b | 0x0c => "fat32",
            0x82 => "swap",
            0x83 => "linux",
            0x8e => "lvm",
            0xa5 => "freebsd",
            0xa6 => "openbsd",
            0xa9 => "netbsd",
            0xda => "data",
            0xef => "efi",
            0xfd => "raid",
            other => return format!("{number}-{other:#04x}"),
        };
        format!("{number}-{kind}")
    }
}

/// The logical partitions of an extended one that starts at sector `first`. Before each stands a table of its own, whose first entry
/// counts from that table, and whose second says where the next table stands, counted from `first`.
fn logical(image: Bytes<'_>, (first, unit): (u64, u64), layout: &mut Layout, children: &mut Children<'_>) -> Result<(), Exceeded> {
    let mut sector = first;
    for number in 5..MOST_LOGICAL {
        let at = sector.saturating_mul(unit);
        let Ok(partitions) = table_of(image, sector, unit) else {
            // An extended partition may be empty.
            if number > 5 || !image.has(at.saturating_add(510), &[0x55, 0xaa]) {
                children.problem(&Fault::corrupt("no table of a logical partition where one should be"), Some(at));
            }
            return Ok(());
        };
        if !layout.take(Span::new(at.saturating_add(446), 66)) {
            children.problem(&Fault::corrupt("the tables of the logical partitions form a loop"), Some(at));
            return Ok(());
        }
        for partition in partitions.iter().filter(|partition| !partition.is_extended()) {
            layout.partition(children, partition.name(number), partition.span(sector))?;
        }
        match partitions.iter().find(|partition| partition.is_extended()) {
            Some(next) => sector = first.saturating_add(next.start.into()),
            None => return Ok(()),
        }
    }
    children.problem(&Fault::corrupt("too many logical partitions"), Some(sector.saturating_mul(unit)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::format::testing::{carve, survives_damage, tool, unpack};
    use crate::problem::Code;

    /// A disk with the partitions of this `sfdisk` script. Each sector begins with its number.
    fn disk(script: &str, sectors: u64) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disk");
        std::fs::write(&path, vec![0; (sectors * SECTOR) as usize]).unwrap();
        let mut command = Command::new("sfdisk").arg("-q").arg(&path).stdin(Stdio::piped()).spawn().unwrap();
        command.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        assert!(command.wait().unwrap().success());
        std::fs::read(path).unwrap()
    }

    const PRIMARY: &str = "label: dos\nstart=8, size=16, type=83\nstart=32, size=64, type=c, bootable\nstart=96, size=10, type=7f\n";

    fn number(disk: &mut [u8], sectors: std::ops::Range<usize>) {
        for sector in sectors {
            disk[sector * 512..sector * 512 + 8].copy_from_slice(&(sector as u64).to_le_bytes());
        }
    }

    #[test]
    fn partitions_and_what_is_between_them() {
        if crate::testing::lacking(&["sfdisk"]) {
            return;
        }
        let mut disk = disk(PRIMARY, 200);
        number(&mut disk, 8..24);
        disk[..300].fill(0x90);
        disk[26 * 512 + 3] = 7;
        assert_eq!(carve(&Mbr, &disk, 0), Some(106 * 512));
        let unpacked = unpack(&Mbr, &disk);
        assert_eq!(unpacked.names(), ["1-linux", "2-fat32", "3-0x7f", "gap@0x0", "gap@0x3400"]);
        assert_eq!(unpacked.file("1-linux"), &disk[8 * 512..24 * 512]);
        assert_eq!(unpacked.file("2-fat32").len(), 64 * 512);
        assert_eq!(unpacked.file("gap@0x0"), &disk[..440]);
        assert_eq!(unpacked.file("gap@0x3400"), &disk[26 * 512..27 * 512]);
        assert_eq!(unpacked.problems, []);
    }

    #[test]
    fn logical_partitions() {
        if crate::testing::lacking(&["sfdisk"]) {
            return;
        }
        let script = "label: dos\nstart=8, size=16, type=83\nstart=100, size=300, type=5\nstart=110, size=20, type=82\n\
                      start=140, size=30, type=83\nstart=200, size=200, type=83\n";
        let mut disk = disk(script, 500);
        number(&mut disk, 110..130);
        number(&mut disk, 200..400);
        let unpacked = unpack(&Mbr, &disk);
        assert_eq!(unpacked.names(), ["1-linux", "5-swap", "6-linux", "7-linux"]);
        assert_eq!(unpacked.file("5-swap"), &disk[110 * 512..130 * 512]);
        assert_eq!(unpacked.file("7-linux"), &disk[200 * 512..400 * 512]);
        assert_eq!(unpacked.problems, []);
        survives_damage(&Mbr, &disk);
        // The second table points at itself.
        let at = disk.chunks(512).enumerate().skip(101).find(|(_, sector)| sector[510..] == [0x55, 0xaa]).unwrap().0;
        let place = at * 512 + 446 + 24;
        disk[place..place + 4].copy_from_slice(&(at as u32 - 100).to_le_bytes());
        let unpacked = unpack(&Mbr, &disk);
        assert!(unpacked.names().starts_with(&["1-linux", "5-swap", "6-linux"]));
        assert_eq!(unpacked.problems[0].0, Code::Corrupt);
    }

    #[test]
    fn truncated_keeps_what_is_there() {
        if crate::testing::lacking(&["sfdisk"]) {
            return;
        }
        let mut disk = disk(PRIMARY, 200);
        disk.truncate(40 * 512);
        let unpacked = unpack(&Mbr, &disk);
        assert_eq!(unpacked.names(), ["1-linux", "2-fat32", "3-0x7f"]);
        assert_eq!(unpacked.file("2-fat32").len(), 8 * 512);
        assert!(unpacked.problems.iter().all(|(code, _)| *code == Code::Truncated) && unpacked.problems.len() == 3);
    }

    #[test]
    fn boot_sectors_and_gpt_disks_are_left_to_others() {
        if crate::testing::lacking(&["mkfs.fat", "sfdisk"]) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("volume");
        tool(Command::new("mkfs.fat").arg("-C").arg(&path).arg("1440"));
        assert_eq!(carve(&Mbr, &std::fs::read(&path).unwrap(), 0), None);
        assert_eq!(carve(&Mbr, &disk("label: gpt\nsize=100\n", 5000), 0), None);
        assert_eq!(carve(&Mbr, &disk("label: dos\n", 100), 0), None);
        let mut overlapping = disk(PRIMARY, 200);
        overlapping[446 + 8] = 30;
        assert_eq!(carve(&Mbr, &overlapping, 0), None);
    }

    #[test]
    fn sectors_of_4096_bytes_are_seen_by_what_begins_there() {
        let mut disk = vec![0; 20 * 4096];
        disk[446..462].copy_from_slice(&[0, 0, 0, 0, 0x83, 0, 0, 0, 4, 0, 0, 0, 8, 0, 0, 0]);
        disk[510..512].copy_from_slice(&[0x55, 0xaa]);
        disk[4 * 4096..4 * 4096 + 4].copy_from_slice(b"hsqs");
        assert_eq!(carve(&Mbr, &disk, 0), Some(12 * 4096));
        let unpacked = unpack(&Mbr, &disk);
        assert_eq!(unpacked.file("1-linux"), &disk[4 * 4096..12 * 4096]);
        disk[4 * 512..4 * 512 + 4].copy_from_slice(b"hsqs");
        assert_eq!(unpack(&Mbr, &disk).file("1-linux").len(), 8 * 512);
    }
}
