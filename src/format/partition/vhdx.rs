//! VHDX: disks of Hyper-V since 2012.

use crate::blob::{Blob, Bytes, Endian, to_u64};
use crate::format::disk::Disk;
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Virtual hard disk, version 2.
#[derive(Debug)]
pub(super) struct Vhdx;

static SPEC: Spec = Spec {
    id: "vhdx",
    name: "VHDX disk",
    kind: Kind::Partition,
    magics: &[Magic::anywhere(b"vhdxfile")],
    leaf: false,
    references: &["https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-vhdx/83e061f8-f6e2-4de1-91bd-5d518a43d477"],
    limitations: &["changes that a crash left in the log are not replayed", "what a disk with a parent does not hold itself is zero here"],
};

/// Where the tables of regions stand: one is a copy of the other.
const REGIONS: [u64; 2] = [192 << 10, 256 << 10];
/// Where the headers stand: the one with the higher number counts.
const HEADERS: [u64; 2] = [64 << 10, 128 << 10];

const BLOCKS: [u8; 16] = [0x66, 0x77, 0xc2, 0x2d, 0x23, 0xf6, 0x00, 0x42, 0x9d, 0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08];
const METADATA: [u8; 16] = [0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b, 0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e];
const PARAMETERS: [u8; 16] = [0x37, 0x67, 0xa1, 0xca, 0x36, 0xfa, 0x43, 0x4d, 0xb3, 0xb6, 0x33, 0xf0, 0xaa, 0x44, 0xe7, 0x6b];
const DISK_SIZE: [u8; 16] = [0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd, 0x76, 0x48, 0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b, 0xf4, 0xb8];
const SECTOR: [u8; 16] = [0x1d, 0xbf, 0x41, 0x81, 0x6f, 0xa9, 0x09, 0x47, 0xba, 0x47, 0xf2, 0x33, 0xa8, 0xfa, 0xab, 0x5f];

impl Format for Vhdx {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        Disks::read(Bytes(blob.bytes().tail(start)))?;
        // Blocks stand in any order.
        Ok(Carved::new(u64::MAX, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let disks = Disks::read(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        if disks.parent {
            children.problem(&Fault::unsupported("what is not in this image is in its parent"), None);
        }
        if in_log(image) {
            children.problem(&Fault::unsupported("the last changes are in the log, which is not replayed"), None);
        }
        let mut disk = Disk::new(disks.size, children);
        let count = disks.size.div_ceil(disks.block);
        for index in 0..count {
            // After so many blocks stands an entry of another kind.
            let others = index.checked_div(disks.ratio).unwrap_or(0);
            let at = disks.blocks.saturating_add(index.saturating_add(others).saturating_mul(8));
            let Ok(entry) = image.u64(at, Endian::Little) else {
                disk.lacks(Fault::Truncated("the end of the table of blocks is missing".to_owned()));
                break;
            };
            // 6: all there, 7: there as far as it is not in the parent; any other: nothing there.
            if !matches!(entry & 7, 6 | 7) {
                continue;
            }
            let place = index.saturating_mul(disks.block);
            let wanted = disks.size.saturating_sub(place).min(disks.block);
            let bytes = image.up_to((entry >> 20).saturating_mul(1 << 20), wanted);
            if to_u64(bytes.len()) < wanted {
                disk.lacks(Fault::Truncated("blocks are behind the end of the image".to_owned()));
            }
            disk.put(place, bytes)?;
        }
        Ok(disk.deliver(image.len(), children)?)
    }
}

/// What must be known to read the disk.
struct Disks {
    /// Where the table of blocks stands.
    blocks: u64,
    /// Bytes of a block.
    block: u64,
    /// Bytes of the disk.
    size: u64,
    /// Blocks between two entries of another kind.
    ratio: u64,
    parent: bool,
}

impl Disks {
    fn read(image: Bytes<'_>) -> Result<Self, Rejected> {
        if !image.has(0, b"vhdxfile") {
            return Err(Rejected("magic"));
        }
        let table = REGIONS.into_iter().find(|at| image.has(*at, b"regi")).ok_or(Rejected("no table of regions"))?;
        let (blocks, metadata) = (region(image, table, &BLOCKS)?, region(image, table, &METADATA)?);
        if !image.has(metadata, b"metadata") {
            return Err(Rejected("no table of metadata"));
        }
        let (parameters, size) = (item(image, metadata, &PARAMETERS)?, item(image, metadata, &DISK_SIZE)?);
        let block = u64::from(image.u32(parameters, Endian::Little)?);
        let sector = u64::from(image.u32(item(image, metadata, &SECTOR)?, Endian::Little)?);
        if !block.is_power_of_two() || !(1 << 20..=256 << 20).contains(&block) || !matches!(sector, 512 | 4096) {
            return Err(Rejected("size of blocks or sectors"));
        }
        let ratio = sector.saturating_mul(1 << 23).checked_div(block).unwrap_or(1);
        let parent = image.u32(parameters.saturating_add(4), Endian::Little)? & 2 != 0;
        Ok(Self { blocks, block, size: image.u64(size, Endian::Little)?.min(64 << 40), ratio, parent })
    }
}

/// Where a region stands: 8 entries u32; from 16 on 32 bytes each: kind[16], 16 place u64, 24 bytes u32.
fn region(image: Bytes<'_>, table: u64, kind: &[u8; 16]) -> Result<u64, Rejected> {
    let entries = (0..64).map(|index: u64| table.saturating_add(16).saturating_add(index.saturating_mul(32)));
    let at = entries.take(64).find(|at| image.has(*at, kind)).ok_or(Rejected("a region is missing"))?;
    Ok(image.u64(at.saturating_add(16), Endian::Little)?)
}

/// Where an item stands: from 32 on 32 bytes each: kind[16], 16 place in the region u32, 20 bytes u32.
fn item(image: Bytes<'_>, metadata: u64, kind: &[u8; 16]) -> Result<u64, Rejected> {
    let mut entries = (0..64).map(|index: u64| metadata.saturating_add(32).saturating_add(index.saturating_mul(32)));
    let at = entries.find(|at| image.has(*at, kind)).ok_or(Rejected("an item is missing"))?;
    Ok(metadata.saturating_add(image.u32(at.saturating_add(16), Endian::Little)?.into()))
}

/// Whether the log holds changes. The header: 0 "head", 8 number u64, 48 which log[16], zeros if none.
fn in_log(image: Bytes<'_>) -> bool {
    let headers = HEADERS.into_iter().filter(|at| image.has(*at, b"head"));
    let newest = headers.max_by_key(|at| image.u64(at.saturating_add(8), Endian::Little).unwrap_or(0));
    newest.is_some_and(|at| !image.has(at.saturating_add(48), &[0; 16]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::disk::NAME;
    use crate::format::testing::disk::{converted, raw};
    use crate::format::testing::{carve, survives_damage, unpack};
    use crate::problem::Code;

    #[test]
    fn disks_come_back() {
        if crate::testing::lacking(&["qemu-img"]) {
            return;
        }
        for options in [&["-O", "vhdx", "-o", "block_size=1M"][..], &["-O", "vhdx", "-o", "subformat=fixed"]] {
            let image = converted(options);
            let unpacked = unpack(&Vhdx, &image);
            assert_eq!(unpacked.problems, []);
            assert!(unpacked.file(NAME) == raw());
        }
        let image = converted(&["-O", "vhdx", "-o", "block_size=1M"]);
        survives_damage(&Vhdx, &image);
        let cut = unpack(&Vhdx, &image[..image.len() - (1 << 20)]);
        assert!(cut.problems.iter().all(|(code, _)| *code == Code::Truncated) && !cut.problems.is_empty());
        assert_eq!(carve(&Vhdx, &b"vhdxfile".repeat(50_000), 0), None);
    }
}
