//! VDI: disks of VirtualBox.

use crate::blob::{Blob, Bytes, Endian};
use crate::format::disk::Disk;
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// VirtualBox disk image, version 1.
#[derive(Debug)]
pub(super) struct Vdi;

static SPEC: Spec = Spec {
    id: "vdi",
    name: "VDI disk",
    kind: Kind::Partition,
    magics: &[Magic::anywhere(&[0x7f, 0x10, 0xda, 0xbe, 0x01, 0x00, 0x01, 0x00]).at(0x40)],
    leaf: false,
    references: &["https://forums.virtualbox.org/viewtopic.php?t=8046", "https://github.com/qemu/qemu/blob/master/block/vdi.c"],
    limitations: &["what a disk with a parent does not hold itself is in its parent, and zero here"],
};

/// A block that was never written, and one that is all zero.
const LEAST_UNUSED: u32 = 0xffff_fffe;

impl Format for Vdi {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let header = Header::read(Bytes(blob.bytes().tail(start)))?;
        let length = header.data.saturating_add(header.allocated.saturating_mul(header.block));
        Ok(Carved::new(length, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let header = Header::read(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        if header.kind > 2 {
            children.problem(&Fault::unsupported("what is not in this image is in its parent"), Some(0x4c));
        }
        let mut disk = Disk::new(header.size, children);
        for index in 0..header.blocks {
            let Ok(entry) = image.u32(header.map.saturating_add(index.saturating_mul(4)), Endian::Little) else {
                disk.lacks(Fault::Truncated("the end of the map of blocks is missing".to_owned()));
                break;
            };
            if entry >= LEAST_UNUSED {
                continue;
            }
            let start = header.data.saturating_add(u64::from(entry).saturating_mul(header.block));
            let bytes = image.up_to(start, header.block);
            if crate::blob::to_u64(bytes.len()) < header.block {
                disk.lacks(Fault::Truncated("blocks are behind the end of the image".to_owned()));
            }
            disk.put(index.saturating_mul(header.block), bytes)?;
        }
        Ok(disk.deliver(image.len(), children)?)
    }
}

/// The header; all numbers little endian:
///
/// ```text
/// 000 text[64]   040 7f 10 da be   044 version u32 (10001)   048 bytes of the header u32   04c kind u32 (1 grows, 2 fixed, 4 has a parent)
/// 154 where the map stands u32   158 where the blocks begin u32   168 bytes of a sector u32   170 bytes of the disk u64
/// 178 bytes of a block u32   17c more bytes before each u32   180 blocks u32   184 of them here u32
/// ```
struct Header {
    kind: u32,
    map: u64,
    data: u64,
    size: u64,
    block: u64,
    blocks: u64,
    allocated: u64,
}

impl Header {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let word = |at| bytes.u32(at, Endian::Little);
        let header = Self {
            kind: word(0x4c)?,
            map: word(0x154)?.into(),
            data: word(0x158)?.into(),
            size: bytes.u64(0x170, Endian::Little)?,
            block: word(0x178)?.into(),
            blocks: word(0x180)?.into(),
            allocated: word(0x184)?.into(),
        };
        let room = header.data.saturating_sub(header.map) >> 2;
        let sound = bytes.has(0x40, &[0x7f, 0x10, 0xda, 0xbe]) && (1..=4).contains(&header.kind) && header.block.is_power_of_two();
        if !sound || header.block < 4096 || header.blocks > room || header.allocated > header.blocks || word(0x17c)? != 0 {
            return Err(Rejected("sizes of the header"));
        }
        if header.size > header.blocks.saturating_mul(header.block) {
            return Err(Rejected("more bytes than blocks"));
        }
        Ok(header)
    }
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
        for options in [&["-O", "vdi"][..], &["-O", "vdi", "-o", "static=on"]] {
            let image = converted(options);
            let junk = [vec![7; 99], image.clone(), vec![0; 99]].concat();
            assert_eq!(carve(&Vdi, &junk, 99), Some(image.len() as u64));
            let unpacked = unpack(&Vdi, &image);
            assert_eq!(unpacked.problems, []);
            assert!(unpacked.file(NAME) == raw());
        }
        let image = converted(&["-O", "vdi"]);
        survives_damage(&Vdi, &image);
        let cut = unpack(&Vdi, &image[..image.len() / 2]);
        assert!(cut.problems.iter().all(|(code, _)| *code == Code::Truncated) && !cut.problems.is_empty());
        assert_eq!(carve(&Vdi, &[0x7f, 0x10, 0xda, 0xbe, 0x01, 0x00, 0x01, 0x00].repeat(100), 0), None);
    }
}
