//! Huawei's update images: partitions one behind the other, each with a header and a checksum for each block. Phones call the file
//! UPDATE.APP; modems of the Balong kind hold the same chain behind a loader.

use crc::{CRC_16_IBM_SDLC, Crc};

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, length_of, path_text};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// A chain of partitions.
#[derive(Debug)]
pub(super) struct HuaweiUpdate;

static SPEC: Spec = Spec {
    id: "huawei-update",
    name: "Huawei update (UPDATE.APP, Balong modem)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(&MAGIC)],
    leaf: false,
    references: &["https://github.com/worstenbrood/HuaweiUpdateLibrary", "https://github.com/forth32/balongflash"],
    limitations: &["the signature behind the last partition is not verified", "packed update.bin of HarmonyOS 5 is another format"],
};

const MAGIC: [u8; 4] = [0x55, 0xaa, 0x5a, 0xa5];

const HEADER: u64 = 98;

/// Where the name of the product stands, as in HWEW11.1 of modems.
const PRODUCT: u64 = 12;

/// Files of this kind hold a few dozen partitions.
const MOST: usize = 1000;

impl Format for HuaweiUpdate {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let first = Partition::read(bytes, 0)?;
        if !first.fits() {
            return Err(Rejected("the checksum of the first header"));
        }
        let last = chain(bytes).last().map_or(0, |partition| partition.data.end());
        Ok(Carved::new(last, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let product = blob.bytes().text(PRODUCT, 8).unwrap_or_default();
        if !product.is_empty() && product.iter().all(u8::is_ascii_graphic) {
            children.fact("header.board", product, Span::new(PRODUCT, length_of(product)));
        }
        for partition in chain(blob.bytes()) {
            children.fact("header.date", partition.date.1, Span::new(partition.date.0, length_of(partition.date.1)));
            if !partition.fits() {
                children.problem(&Fault::Checksum("the CRC of a header does not fit".to_owned()), Some(partition.start));
            }
            let broken = partition.broken_blocks(blob.bytes());
            if broken > 0 {
                let message = format!("the CRC of {broken} blocks of {} does not fit", partition.name());
                children.problem(&Fault::Checksum(message), Some(partition.data.start));
            }
            children.span(partition.name(), partition.data, Attributes::default())?;
        }
        Ok(())
    }
}

/// The partitions, up to where the chain breaks. Each starts at a multiple of four bytes.
fn chain(bytes: Bytes<'_>) -> impl Iterator<Item = Partition<'_>> {
    let mut at = 0_u64;
    std::iter::from_fn(move || {
        let partition = Partition::read(bytes, at).ok()?;
        at = partition.data.end().next_multiple_of(4);
        Some(partition)
    })
    .take(MOST)
}

/// A partition's header; all numbers little endian:
///
/// ```text
///  0 magic   4 size of the header with its checksums   8 version, 1   c product, 8 letters   14 sequence, or the modem's code for it
/// 18 size of the data   1c date[16]   2c time[16]   3c name[16], or in modems version[32]   5c CRC-16 of these 98 bytes without it
/// 5e size of a block u32   62 CRC-16 of each block
/// ```
struct Partition<'a> {
    start: u64,
    header: &'a [u8],
    checksums: &'a [u8],
    code: u32,
    date: (u64, &'a [u8]),
    label: &'a [u8],
    block: u64,
    data: Span,
}

impl<'a> Partition<'a> {
    fn read(bytes: Bytes<'a>, start: u64) -> Result<Self, Rejected> {
        let header = bytes.part(Span::new(start, HEADER))?;
        let word = |at| header.u32(at, Endian::Little);
        let size = u64::from(word(4)?);
        if !header.has(0, &MAGIC) || !(HEADER..=1 << 20).contains(&size) {
            return Err(Rejected("the size of the header"));
        }
        let (date, label) = (header.text(0x1c, 16)?, header.text(0x3c, 32)?);
        if !date.iter().chain(label).all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(Rejected("date or name"));
        }
        // The block size has two bytes in old images, with nothing behind them.
        let block = u64::from(word(0x5e)?);
        let checksums = bytes.up_to(start.saturating_add(HEADER), size.saturating_sub(HEADER));
        let data = Span::new(start.saturating_add(size), word(0x18)?.into());
        let date = (start.saturating_add(0x1c), date);
        Ok(Self { start, header: header.0, checksums, code: word(0x14)?, date, label, block, data })
    }

    /// Whether the header's own checksum is right. Some tools write none.
    fn fits(&self) -> bool {
        let stored = Bytes(self.header).u16(0x5c, Endian::Little).unwrap_or(0);
        let mut cleared = self.header.to_vec();
        cleared.iter_mut().skip(0x5c).take(2).for_each(|byte| *byte = 0);
        stored == CRC.checksum(&cleared)
    }

    /// Blocks whose checksum does not fit, as far as they are there.
    fn broken_blocks(&self, bytes: Bytes<'_>) -> usize {
        let data = bytes.up_to(self.data.start, self.data.length);
        let size = crate::blob::to_usize(self.block);
        if size < 512 {
            return 0;
        }
        let stored = self.checksums.as_chunks().0.iter().map(|pair| u16::from_le_bytes(*pair));
        // The last block of what is cut off is another one than the checksum is of.
        let complete = length_of(data) == self.data.length;
        data.chunks(size).zip(stored).filter(|(block, stored)| (complete || block.len() == size) && CRC.checksum(block) != *stored).count()
    }

    fn name(&self) -> String {
        let known = CODES.iter().find(|(code, _)| *code == self.code).map(|(_, name)| (*name).to_owned());
        known.unwrap_or_else(|| path_text(self.label))
    }
}

static CRC: Crc<u16> = Crc::<u16>::new(&CRC_16_IBM_SDLC);

/// What the codes of modems stand for; where a phone has its sequence, which counts from nothing or is all ones.
const CODES: &[(u32, &str)] = &[
    (0x2_0000, "M3Boot"),
    (0x20_0000, "M3Boot_R11"),
    (0x1_0000, "Ptable"),
    (0x48_0000, "Ptable_ext_A"),
    (0x49_0000, "Ptable_ext_B"),
    (0x11_0000, "Fastboot"),
    (0x13_0000, "Logo"),
    (0x3_0000, "Kernel"),
    (0x9_0000, "Kernel_R11"),
    (0x27_0000, "DTS_R11"),
    (0x4_0000, "VxWorks"),
    (0x22_0000, "VxWorks_R11"),
    (0x5_0000, "M3Image"),
    (0x23_0000, "M3Image_R11"),
    (0x6_0000, "DSP"),
    (0x24_0000, "DSP_R11"),
    (0x7_0000, "Nvdload"),
    (0x25_0000, "Nvdload_R11"),
    (0x8_0000, "Nvimg"),
    (0x10_0000, "System"),
    (0x59_0000, "System"),
    (0x57_0000, "APP"),
    (0x5a_0000, "APP"),
    (0x45_0000, "APP_EXT_A"),
    (0x46_0000, "APP_EXT_B"),
    (0xa_0000, "Oeminfo"),
    (0x1a_0000, "Oeminfo"),
    (0x51_0000, "Oeminfo"),
    (0x55_0000, "Oeminfo"),
    (0xb_0000, "CDROMISO"),
    (0x56_0000, "WEBUI"),
    (0x5b_0000, "WEBUI"),
    (0x17_0000, "Wimaxcfg"),
    (0x18_0000, "Wimaxcrf"),
    (0x19_0000, "Userdata"),
    (0x1b_0000, "Online"),
    (0x5d_0000, "Online"),
    (0x5e_0000, "Online"),
    (0x28_0000, "HIFI_R11"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    const PHONE: &[u8] = include_bytes!("../../../fixtures/huawei-update/UPDATE.APP");
    const MODEM: &[u8] = include_bytes!("../../../fixtures/huawei-update/modem.bin");

    #[test]
    fn partitions_have_the_names_of_the_phone() {
        let unpacked = unpack_at(&HuaweiUpdate, PHONE, 92);
        assert_eq!(unpacked.names(), ["STORY", "BOOT"]);
        assert_eq!(unpacked.file("STORY"), include_bytes!("../../../fixtures/content/tree/story.txt"));
        assert_eq!(unpacked.fact("header.date").unwrap(), "2021.07.05");
        assert_eq!(unpacked.problems, []);
    }

    #[test]
    fn partitions_have_the_names_of_the_modem() {
        let flash = [vec![0; 0x5c], MODEM.to_vec(), vec![0xff; 100]].concat();
        assert_eq!(carve(&HuaweiUpdate, &flash, 0x5c), Some(MODEM.len() as u64));
        assert_eq!(unpack(&HuaweiUpdate, MODEM).names(), ["Kernel", "VxWorks"]);
    }

    #[test]
    fn changed_bytes_are_problems_of_their_block() {
        let mut image = MODEM.to_vec();
        image[200] ^= 1;
        let unpacked = unpack(&HuaweiUpdate, &image);
        assert_eq!(unpacked.files.len(), 2);
        assert_eq!(unpacked.problems, [(Code::Checksum, "the CRC of 1 blocks of Kernel does not fit".to_owned())]);
        assert_eq!(unpack(&HuaweiUpdate, &MODEM[..MODEM.len() - 10]).problems[0].0, Code::Truncated);
    }

    #[test]
    fn four_bytes_are_none() {
        assert_eq!(carve(&HuaweiUpdate, &MAGIC.repeat(100), 0), None);
        survives_damage(&HuaweiUpdate, MODEM);
    }
}
