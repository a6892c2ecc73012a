//! The journal by which UEFI firmware survives a power failure while it writes to flash.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// Working block of fault tolerant writes.
pub(super) static FTW: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "uefi-ftw",
    name: "UEFI fault tolerant write block",
    kind: Kind::Partition,
    magics: &[Magic::anywhere(NVRAM), Magic::anywhere(WORKING), Magic::anywhere(WORKING_2)],
    leaf: false,
    references: &[
        "https://github.com/tianocore/edk2/blob/master/MdeModulePkg/Include/Guid/SystemNvDataGuid.h",
        "https://github.com/LongSoft/UEFITool/blob/new_engine/common/ksy/edk2_ftw.ksy",
    ],
    limitations: &["what is written in the queue is handed over in one piece"],
};

/// FFF12B8D-7696-4C8B-A985-2747075B4F50, which is also the GUID of the volume around it.
const NVRAM: &[u8] = &[0x8d, 0x2b, 0xf1, 0xff, 0x96, 0x76, 0x8b, 0x4c, 0xa9, 0x85, 0x27, 0x47, 0x07, 0x5b, 0x4f, 0x50];
/// 9E58292B-7C68-497D-0ACE-6500FD9F1B95.
const WORKING: &[u8] = &[0x2b, 0x29, 0x58, 0x9e, 0x68, 0x7c, 0x7d, 0x49, 0x0a, 0xce, 0x65, 0x00, 0xfd, 0x9f, 0x1b, 0x95];
/// 9E58292B-7C68-497D-A0CE-6500FD9F1B95.
const WORKING_2: &[u8] = &[0x2b, 0x29, 0x58, 0x9e, 0x68, 0x7c, 0x7d, 0x49, 0xa0, 0xce, 0x65, 0x00, 0xfd, 0x9f, 0x1b, 0x95];
/// More than any flash has room for.
const MOST: u64 = 1 << 24;

/// The header, little endian: 0 GUID   10 CRC-32 of the header with erased flash in place of this and of the next field   14 state u8
/// 15 reserved   18 length of the queue behind it u64, of old firmware u32.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let short = u64::from(bytes.u32(0x18, Endian::Little)?);
    let (header, queue) = if short % 16 == 4 { (0x1c, short) } else { (0x20, bytes.u64(0x18, Endian::Little)?) };
    if queue == 0 || queue > MOST {
        return Err(Rejected("length of the queue"));
    }
    let mut summed = bytes.get(0, header)?.to_vec();
    summed.get_mut(0x10..0x15).ok_or(Rejected("too short"))?.fill(0xff);
    if crate::format::crc32(&summed) != bytes.u32(0x10, Endian::Little)? {
        return Err(Rejected("CRC"));
    }
    let mut image = Image::new(queue.saturating_add(header), header);
    let queue = Span::new(header, queue);
    if bytes.up_to(queue.start, queue.length).iter().any(|byte| *byte != 0xff) {
        image.part("queue", queue);
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack_at};

    const BLOCK: &[u8] = include_bytes!("../../../fixtures/uefi-ftw/working.bin");

    #[test]
    fn the_queue_comes_out() {
        let flash = [&[0x5a; 3], BLOCK, b"next"].concat();
        assert_eq!(carve(&FTW, &flash, 3), Some(BLOCK.len() as u64));
        let unpacked = unpack_at(&FTW, &flash, 3);
        assert_eq!((unpacked.file("queue"), unpacked.problems.len()), (&BLOCK[0x20..], 0));
        survives_damage(&FTW, BLOCK);
        let mut changed = BLOCK.to_vec();
        changed[0x19] ^= 1;
        assert_eq!(carve(&FTW, &changed, 0), None, "the CRC decides");
        assert_eq!(carve(&FTW, &[NVRAM, &[0x10; 64]].concat(), 0), None);
    }
}
