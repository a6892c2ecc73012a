//! Disks with the partition map of Apple's 68k and PowerPC computers.

use std::collections::BTreeSet;

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::filesystem::iso9660;
use crate::format::partition::mbr::layout::Layout;
use crate::format::{Carved, Children, Format, Kind, Magic, Spec, part_text};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Apple partition map.
#[derive(Debug)]
pub(super) struct ApplePartitionMap;

static SPEC: Spec = Spec {
    id: "apple-partition-map",
    name: "Apple partition map",
    kind: Kind::Partition,
    magics: &[Magic::anywhere(b"PM\0\0\0\0").at(512), Magic::anywhere(b"PM\0\0\0\0").at(2048)],
    leaf: false,
    references: &["https://developer.apple.com/library/archive/documentation/mac/Devices/Devices-121.html"],
    limitations: &[],
};

/// More entries than any map has.
const MOST: u64 = 1024;

impl Format for ApplePartitionMap {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let image = Bytes(blob.bytes().tail(start));
        if iso9660::is_volume(image) {
            return Err(Rejected("a disc that Apple's computers boot from too"));
        }
        let block = block(image)?;
        let partitions = partitions(image, block)?;
        let end = partitions.iter().map(|partition| partition.span.end()).max().unwrap_or(0);
        let said = if image.has(0, b"ER") { u64::from(image.u32(4, Endian::Big)?).saturating_mul(block) } else { 0 };
        Ok(Carved::new(end.max(said), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let broken = |rejected: Rejected| Fault::corrupt(rejected.0);
        let block = block(image).map_err(broken)?;
        let mut layout = Layout::default();
        layout.take(Span::new(0, 8));
        let mut names = BTreeSet::new();
        for (number, partition) in (1_u32..).zip(partitions(image, block).map_err(broken)?) {
            // The map itself is a partition, and so is what is free.
            if matches!(partition.kind, b"Apple_partition_map" | b"Apple_Void") {
                layout.take(partition.span);
                continue;
            }
            if partition.kind == b"Apple_Free" || partition.span.length == 0 {
                continue;
            }
            let kind = partition.kind.strip_prefix(b"Apple_").unwrap_or(partition.kind);
            let name = if partition.name.is_empty() { part_text(kind) } else { part_text(partition.name) };
            let name = if names.insert(name.clone()) { name } else { format!("{name}#{number}") };
            layout.partition(children, name, partition.span)?;
        }
        Ok(layout.gaps(image, children)?)
    }
}

/// Bytes of a block: the entries stand one in each from the second on, and each says how many there are.
fn block(image: Bytes<'_>) -> Result<u64, Rejected> {
    let found = [512_u64, 2048].into_iter().find(|block| image.has(*block, b"PM\0\0"));
    found.ok_or(Rejected("no map"))
}

/// An entry; numbers big endian: 0 "PM", 4 entries u32, 8 first block u32, 12 blocks u32, 16 name[32], 48 kind[32], 80 first block of data u32,
/// 84 blocks of data u32, 88 status u32.
struct Partition<'a> {
    name: &'a [u8],
    kind: &'a [u8],
    span: Span,
}

fn partitions(image: Bytes<'_>, block: u64) -> Result<Vec<Partition<'_>>, Rejected> {
    let count = u64::from(image.u32(block.saturating_add(4), Endian::Big)?);
    if !(1..=MOST).contains(&count) {
        return Err(Rejected("number of entries"));
    }
    let mut partitions = Vec::new();
    for index in 1..=count {
        let at = index.saturating_mul(block);
        let Ok(entry) = image.get(at, 136).map(Bytes) else { break };
        let place = |at| entry.u32(at, Endian::Big).map(|blocks| u64::from(blocks).saturating_mul(block));
        if !entry.has(0, b"PM") || u64::from(entry.u32(4, Endian::Big)?) != count {
            return Err(Rejected("an entry"));
        }
        let (name, kind) = (entry.text(16, 32)?, entry.text(48, 32)?);
        if kind.is_empty() || !kind.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') || place(8)? < block {
            return Err(Rejected("kind or place of a partition"));
        }
        partitions.push(Partition { name, kind, span: Span::new(place(8)?, place(12)?) });
    }
    Ok(partitions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    const DISK: &[u8] = include_bytes!("../../../fixtures/apple-partition-map/disk.img");

    #[test]
    fn partitions_come_out() {
        let among = [vec![7; 99], DISK.to_vec(), vec![0xff; 99]].concat();
        assert_eq!(carve(&ApplePartitionMap, &among, 99), Some(DISK.len() as u64));
        let unpacked = unpack_at(&ApplePartitionMap, &among, 99);
        assert_eq!(unpacked.problems, []);
        assert_eq!(unpacked.names(), ["example", "DOS_FAT_12", "gap@0x4000"]);
        assert_eq!(unpacked.file("example"), &DISK[16 * 512..32 * 512]);
        assert_eq!(unpacked.file("DOS_FAT_12").len(), 128 * 512);
        survives_damage(&ApplePartitionMap, DISK);
        let cut = unpack(&ApplePartitionMap, &DISK[..100 * 512]);
        assert_eq!(cut.problems.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [Code::Truncated]);
        assert_eq!(carve(&ApplePartitionMap, &[&[0; 512][..], b"PM\0\0\0\0\0\x02", &[7; 2048]].concat(), 0), None);
    }
}
