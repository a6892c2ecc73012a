//! Partclone: copies of partitions without their free blocks, as Clonezilla and factories of PCs and appliances keep them.

use crate::blob::{Blob, Bytes, Endian, Span, to_u64};
use crate::format::disk::Disk;
use crate::format::{Carved, Children, Format, Kind, Magic, Spec, crc32};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// A copy made by Partclone.
#[derive(Debug)]
pub(super) struct Partclone;

static SPEC: Spec = Spec {
    id: "partclone",
    name: "Partclone image",
    kind: Kind::Partition,
    magics: &[Magic::anywhere(b"partclone-image\0")],
    leaf: false,
    references: &["https://github.com/Thomas-Tsai/partclone/blob/master/IMAGE_FORMATS.md"],
    limitations: &["version 1 of the layout, of before 2016", "checksums of the blocks are not verified"],
};

/// Bytes of the header, its checksum included.
const HEADER: u64 = 110;
/// Bytes of the checksum behind the map.
const SUM: u64 = 4;

/// The header; then a map with a bit (the lowest first) or a byte for each block of the partition, its checksum, and the blocks in use, with a
/// checksum after each so many of them, and after the last:
///
/// ```text
///  0 "partclone-image"   16 version of the program[14]   30 "0002"   34 c0de u16   36 file system[16]   52 bytes of the partition u64
/// 60 blocks u64   68, 76 of them in use u64   84 bytes of a block u32   88 bytes of the options u32 (18)   98 bytes of a checksum u16
/// 100 blocks for each checksum u32   105 map: 0 none, 1 bits, 8 bytes   106 checksum u32: a CRC-32 without its last inversion
/// ```
#[derive(Debug)]
struct Header {
    size: u64,
    blocks: u64,
    used: u64,
    block: u64,
    sum: u64,
    blocks_per_sum: u64,
    bits: u8,
}

impl Header {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let (half, word, wide) =
            (|at| bytes.u16(at, Endian::Little), |at| bytes.u32(at, Endian::Little), |at| bytes.u64(at, Endian::Little));
        if !bytes.has(0, b"partclone-image\0") || !bytes.has(30, b"0002") || half(34)? != 0xc0de || word(88)? != 18 {
            return Err(Rejected("magic, version or byte order"));
        }
        if !crc32(bytes.get(0, HEADER.saturating_sub(SUM))?) != word(106)? {
            return Err(Rejected("checksum of the header"));
        }
        let header = Self {
            size: wide(52)?,
            blocks: wide(60)?,
            used: wide(76)?,
            block: word(84)?.into(),
            sum: half(98)?.into(),
            blocks_per_sum: word(100)?.into(),
            bits: bytes.u8(105)?,
        };
        if header.block == 0 || header.used > header.blocks || !matches!(header.bits, 0 | 1 | 8) {
            return Err(Rejected("number or size of blocks"));
        }
        Ok(header)
    }

    /// The map.
    fn map(&self) -> Span {
        let length = match self.bits {
            0 => 0,
            1 => self.blocks.div_ceil(8),
            _ => self.blocks,
        };
        Span::new(HEADER, length)
    }

    /// Where the first block is.
    fn data(&self) -> u64 {
        if self.bits == 0 { HEADER } else { self.map().end().saturating_add(SUM) }
    }

    fn is_used(&self, map: Bytes<'_>, number: u64) -> bool {
        match self.bits {
            0 => true,
            1 => map.u8(number / 8).is_ok_and(|byte| byte >> (number % 8) & 1 == 1),
            _ => map.u8(number).is_ok_and(|byte| byte != 0),
        }
    }

    /// Where the block is that is the `number`th in use.
    fn place(&self, number: u64) -> u64 {
        let sums = number.checked_div(self.blocks_per_sum).unwrap_or(0).saturating_mul(self.sum);
        self.data().saturating_add(number.saturating_mul(self.block)).saturating_add(sums)
    }

    fn length(&self) -> u64 {
        let last = self.used.checked_rem(self.blocks_per_sum).is_some_and(|rest| rest > 0);
        self.place(self.used).saturating_add(if last { self.sum } else { 0 })
    }
}

impl Format for Partclone {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let header = Header::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(header.length(), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let header = Header::read(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        for (key, at, length) in [("header.version", 16, 14), ("header.name", 36, 16)] {
            let text = image.text(at, length)?;
            children.fact(key, text, Span::new(at, to_u64(text.len())));
        }
        let map = Bytes(image.up_to(header.map().start, header.map().length));
        if header.bits == 1 && map.len() == header.map().length {
            let found = !crc32(map.0);
            if image.u32(header.map().end(), Endian::Little).is_ok_and(|said| said != found) {
                children.problem(&Fault::Checksum("the checksum of the map does not fit".to_owned()), Some(header.map().end()));
            }
        }
        let mut disk = Disk::new(header.size, children);
        let mut used = 0_u64;
        let known = if header.bits == 0 { header.blocks } else { header.blocks.min(map.len().saturating_mul(8)) };
        for number in (0..known).filter(|number| header.is_used(map, *number)) {
            let at = header.place(used);
            let there = image.up_to(at, header.block);
            disk.put(number.saturating_mul(header.block), there)?;
            if to_u64(there.len()) < header.block {
                disk.lacks(Fault::Truncated(format!("of {} blocks in use {used} are there", header.used)));
                break;
            }
            used = used.saturating_add(1);
            if disk.is_full() {
                break;
            }
        }
        Ok(disk.deliver(blob.len(), children)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, gunzip, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    fn image() -> Vec<u8> {
        gunzip(include_bytes!("../../../fixtures/partclone/ext2.pc.gz"))
    }

    #[test]
    fn the_partition_comes_back_with_its_free_blocks() {
        let flash = [vec![0x5a; 77], image(), vec![0x5a; 99]].concat();
        assert_eq!(carve(&Partclone, &flash, 77), Some(image().len() as u64));
        let unpacked = unpack_at(&Partclone, &flash, 77);
        assert_eq!(unpacked.problems, []);
        assert_eq!(unpacked.fact("header.name").as_deref(), Some("EXTFS"));
        let disk = unpacked.file("disk.img");
        assert_eq!(disk.len(), 256 << 10);
        assert_eq!(disk[1024 + 56..1024 + 58], [0x53, 0xef], "the magic of ext2");
        survives_damage(&Partclone, &image());
    }

    #[test]
    fn what_is_cut_off_or_changed_is_a_problem() {
        let cut = unpack(&Partclone, &image()[..20_000]);
        assert!(cut.problems.iter().any(|(code, _)| *code == Code::Truncated));
        let mut changed = image();
        changed[115] ^= 0x10;
        assert!(unpack(&Partclone, &changed).problems.iter().any(|(code, _)| *code == Code::Checksum));
        changed[60] ^= 1;
        assert_eq!(carve(&Partclone, &changed, 0), None);
    }
}
