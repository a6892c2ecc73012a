//! VHD: disks of Virtual PC, Hyper-V and Azure.

use crate::blob::{Blob, Bytes, Endian, Span, to_u64};
use crate::format::disk::Disk;
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Virtual hard disk: one that grows, or what stands behind one that does not.
#[derive(Debug)]
pub(super) struct Vhd;

static SPEC: Spec = Spec {
    id: "vhd",
    name: "VHD disk",
    kind: Kind::Partition,
    magics: &[Magic::anywhere(b"conectix")],
    leaf: false,
    references: &["https://learn.microsoft.com/en-us/windows/win32/vstor/about-vhd"],
    limitations: &[
        "of a disk of fixed size only the 512 bytes behind it are this format: the disk itself is there as it is",
        "what a differencing disk does not hold itself is in its parent, and zero here",
    ],
};

const FOOTER: u64 = 512;
const UNUSED: u32 = u32::MAX;

impl Format for Vhd {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let footer = Footer::read(bytes)?;
        if footer.kind == 2 {
            return Ok(Carved::new(FOOTER, start, blob));
        }
        Table::read(bytes, footer.next)?;
        // Blocks stand in any order, and behind the last one the footer again.
        Ok(Carved::new(u64::MAX, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let footer = Footer::read(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let creator = image.up_to(28, 4);
        if creator.iter().all(u8::is_ascii_graphic) {
            children.fact("header.product", creator, Span::new(28, 4));
        }
        if footer.kind == 2 {
            return Ok(());
        }
        if footer.kind == 4 {
            children.problem(&Fault::unsupported("what is not in this image is in its parent"), Some(60));
        }
        let table = Table::read(image, footer.next).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let mut disk = Disk::new(footer.size, children);
        // Before each block stands a bit for each of its sectors.
        let bits = (table.block >> 12).max(1).next_multiple_of(FOOTER);
        for index in 0..table.entries {
            let Ok(sector) = image.u32(table.at.saturating_add(index.saturating_mul(4)), Endian::Big) else {
                disk.lacks(Fault::Truncated("the end of the table of blocks is missing".to_owned()));
                break;
            };
            if sector == UNUSED {
                continue;
            }
            let place = index.saturating_mul(table.block);
            let wanted = footer.size.saturating_sub(place).min(table.block);
            let bytes = image.up_to(u64::from(sector).saturating_mul(512).saturating_add(bits), wanted);
            if to_u64(bytes.len()) < wanted {
                disk.lacks(Fault::Truncated("blocks are behind the end of the image".to_owned()));
            }
            disk.put(place, bytes)?;
        }
        Ok(disk.deliver(image.len(), children)?)
    }
}

/// What stands at the end of each such disk, and of one that grows at its start too; all numbers big endian:
///
/// ```text
///  0 "conectix"   8 features u32   12 version u32 (10000)   16 where the next header stands u64   24 time u32   28 program[4]
/// 40 first size u64   48 bytes of the disk u64   60 kind u32 (2 fixed, 3 grows, 4 has a parent)   64 checksum u32
/// ```
struct Footer {
    next: u64,
    size: u64,
    kind: u32,
}

/// Whether the bytes add up to what is left when the checksum in them, at `at`, is taken out and all bits are turned.
fn adds_up(bytes: Bytes<'_>, at: u64) -> bool {
    let sum = |bytes: &[u8]| bytes.iter().fold(0_u32, |sum, byte| sum.wrapping_add((*byte).into()));
    let found = bytes.u32(at, Endian::Big).unwrap_or(0);
    !sum(bytes.0).wrapping_sub(sum(bytes.up_to(at, 4))) == found
}

impl Footer {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let footer = Bytes(bytes.get(0, FOOTER)?);
        let kind = footer.u32(60, Endian::Big)?;
        if !footer.has(0, b"conectix") || !matches!(kind, 2..=4) || !adds_up(footer, 64) {
            return Err(Rejected("kind or checksum"));
        }
        Ok(Self { next: footer.u64(16, Endian::Big)?, size: footer.u64(48, Endian::Big)?, kind })
    }
}

/// The header of a disk that grows: 0 "cxsparse", 16 where the table stands u64, 28 its entries u32, 32 bytes of a block u32, 36 checksum u32.
struct Table {
    at: u64,
    entries: u64,
    block: u64,
}

impl Table {
    fn read(image: Bytes<'_>, at: u64) -> Result<Self, Rejected> {
        let header = Bytes(image.get(at, 1024)?);
        let block = u64::from(header.u32(32, Endian::Big)?);
        if !header.has(0, b"cxsparse") || !adds_up(header, 36) || !block.is_power_of_two() || block < 512 {
            return Err(Rejected("the second header"));
        }
        Ok(Self { at: header.u64(16, Endian::Big)?, entries: header.u32(28, Endian::Big)?.into(), block })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::disk::NAME;
    use crate::format::testing::disk::{converted, raw};
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    #[test]
    fn disks_come_back() {
        if crate::testing::lacking(&["qemu-img"]) {
            return;
        }
        let image = converted(&["-O", "vpc", "-o", "subformat=dynamic,force_size=on"]);
        let unpacked = unpack(&Vhd, &image);
        assert_eq!(unpacked.problems, []);
        assert!(unpacked.file(NAME) == raw());
        assert_eq!(unpacked.fact("header.product").as_deref(), Some("qem2"));
        let cut = unpack(&Vhd, &image[..image.len() / 2]);
        assert!(cut.problems.iter().all(|(code, _)| *code == Code::Truncated) && !cut.problems.is_empty());
        survives_damage(&Vhd, &image);
    }

    #[test]
    fn of_a_fixed_disk_it_is_the_end() {
        if crate::testing::lacking(&["qemu-img"]) {
            return;
        }
        let mut image = converted(&["-O", "vpc", "-o", "subformat=fixed,force_size=on"]);
        let at = image.len() - 512;
        assert_eq!(carve(&Vhd, &image, at as u64), Some(512));
        assert_eq!(unpack_at(&Vhd, &image, at as u64).names(), [] as [&str; 0]);
        image[at + 50] ^= 1;
        assert_eq!(carve(&Vhd, &image, at as u64), None);
        assert_eq!(carve(&Vhd, b"conectix made virtual machines", 0), None);
    }
}
