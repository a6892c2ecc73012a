//! Xilinx: what the boot ROMs of Zynq and Zynq UltraScale+ read.

use super::word_sum;
use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::{Fault, Rejected};

static SPEC: Spec = Spec {
    id: "xilinx-boot",
    name: "Xilinx boot image (bootgen)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(&[0x66, 0x55, 0x99, 0xaa, b'X', b'N', b'L', b'X']).at(0x20)],
    leaf: false,
    references: &[
        "https://docs.amd.com/r/en-US/ug1283-bootgen-user-guide",
        "https://github.com/u-boot/u-boot/blob/master/tools/zynqmpimage.h",
    ],
    limitations: &["signatures are not verified", "images of Versal are not recognized"],
};

/// BOOT.BIN.
pub(in crate::format) static BOOTGEN: Header = Header { spec: &SPEC, read };

/// The header; all numbers little endian words:
///
/// ```text
///  0 eight vectors   20 0xaa995566   24 "XLNX" backwards   28 encryption
/// 30 offset of the first image, 34 its size, 40 its size stored           (Zynq)
/// 30 offset, 34 size of the PMU's firmware, 3c size, 40 size stored       (ZynqMP)
/// 48 checksum: the sum of words 20 to 44, inverted   98 offset of the table of images   9c offset of the table of partitions
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let sum = !word_sum(bytes.get(0x20, 0x28)?);
    if bytes.u32(0x48, Endian::Little)? != sum {
        return Err(Rejected("the checksum of the header"));
    }
    // The newer chip has the load address, always at the top of 32 bits, where the older one has a version.
    let offset = word(0x30)?;
    let newer = word(0x2c)? >= 0xfff0_0000;
    let (size, pmu) = if newer { (word(0x40)?, word(0x38)?) } else { (word(0x40)?, 0) };
    // U-Boot's mkimage counts the header as part of the image.
    let size = if size == bytes.len() { size.saturating_sub(offset) } else { size };
    let first = Span::new(offset, size.saturating_add(pmu));
    if offset < 0x8c0 || first.end() > 1 << 30 {
        return Err(Rejected("place of the image"));
    }
    let mut image = Image::of(first.end());
    match word(0x28)? {
        0 => image.part("fsbl", first),
        _ => image.faulty("fsbl", first, Fault::Encrypted("encrypted with a key in the chip".to_owned())),
    };
    partitions(bytes, word(0x9c)?, newer, first, &mut image);
    Ok(image)
}

/// The table of partitions, entries of 64 bytes that end with a sum, inverted; sizes and offsets count words:
///
/// ```text
///  0 size stored   4 size   8 size of all   14 offset   18 attributes          (Zynq)
///  0 size stored   4 size   8 size of all   20 offset   24 attributes          (ZynqMP)
/// ```
fn partitions(bytes: Bytes<'_>, table: u64, newer: bool, first: Span, image: &mut Image) {
    if !(0x8c0..1 << 20).contains(&table) {
        return;
    }
    for index in 0..64_u64 {
        let entry = table.saturating_add(index.saturating_mul(64));
        let word = |at: u64| bytes.u32(entry.saturating_add(at), Endian::Little).map_or(0, u64::from);
        let covered = bytes.up_to(entry, 60);
        let fits = covered.len() == 60 && u64::from(!word_sum(covered)) == word(60);
        let part = Span::new(word(if newer { 0x20 } else { 0x14 }).saturating_mul(4), word(8).saturating_mul(4));
        if !fits || part.length == 0 || part.end() > 1 << 30 {
            return;
        }
        image.length = image.length.max(part.end());
        let stored = word(0).saturating_mul(4).min(part.length);
        if part.start != first.start {
            image.part(format!("partition-{index}"), Span::new(part.start, stored));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::header::testing::opens;
    use crate::format::testing::unpack;

    #[test]
    fn images_come_out() {
        let unpacked = unpack(&BOOTGEN, include_bytes!("../../../../fixtures/xilinx-boot/zynq.bin"));
        assert_eq!((unpacked.names(), unpacked.problems.len()), (vec!["fsbl"], 0));
        assert!(unpacked.file("fsbl").starts_with(b"\x7fELF"));
        let unpacked = opens(&BOOTGEN, include_bytes!("../../../../fixtures/xilinx-boot/zynqmp.bin"), &["fsbl", "partition-1"]);
        assert!(unpacked.file("partition-1").starts_with(b"\x7fELF"));
    }
}
