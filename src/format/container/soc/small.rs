//! Boot ROMs that read one image behind a small header: TI OMAP, Altera SoC FPGA, STM32MP1.

use crc::{CRC_32_BZIP2, Crc};

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::sums::byte_sum;
use crate::format::header::{Header, Image, undo};
use crate::format::{Kind, Magic, Spec};
use crate::limits::Output;
use crate::problem::{Fault, Rejected};

static OMAP_SPEC: Spec = Spec {
    id: "omapimage",
    name: "TI OMAP boot image",
    kind: Kind::Container,
    // The second one is of chips that read flash with the bytes of each word turned.
    magics: &[Magic::anywhere(b"CHSETTINGS\0\0").at(20), Magic::anywhere(b"ESHCNITT\0\0SG").at(20)],
    leaf: false,
    references: &["https://github.com/u-boot/u-boot/blob/master/tools/omapimage.h"],
    limitations: &["images of high-security chips are not recognized"],
};

static SOCFPGA_SPEC: Spec = Spec {
    id: "socfpga-image",
    name: "Altera SoC FPGA preloader",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"AS01").at(0x40)],
    leaf: false,
    references: &["https://github.com/u-boot/u-boot/blob/master/tools/socfpgaimage.c"],
    limitations: &[],
};

static STM32_SPEC: Spec = Spec {
    id: "stm32-image",
    name: "STM32MP boot image",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"STM2")],
    leaf: false,
    references: &["https://wiki.st.com/stm32mpu/wiki/STM32_header_for_binary_files"],
    limitations: &["the signature is not verified"],
};

/// OMAP.
pub(in crate::format) static OMAP: Header = Header { spec: &OMAP_SPEC, read: omap };
/// SoC FPGA.
pub(in crate::format) static SOCFPGA: Header = Header { spec: &SOCFPGA_SPEC, read: socfpga };
/// STM32MP1.
pub(in crate::format) static STM32: Header = Header { spec: &STM32_SPEC, read: stm32 };

/// A table of contents whose first entry is offset 64, size 12, unused\[12\], name "CHSETTINGS"\[12\]; at 200 size and address of the image that
/// follows. All of it may be written with the bytes of each word turned.
fn omap(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let turned = bytes.has(20, b"ESHC");
    let word = |at| bytes.u32(at, if turned { Endian::Big } else { Endian::Little }).map(u64::from);
    let size = word(0x200)?;
    if word(0)? != 0x40 || word(4)? != 12 || word(0x40)? != 0xc0c0_c0c1 || size == 0 || size > 4 << 20 {
        return Err(Rejected("table or size"));
    }
    let image = Span::new(0x208, size.saturating_sub(8));
    let mut found = Image::of(if turned { image.end().next_multiple_of(4) } else { image.end() });
    match turned {
        true => found.undone("image", Span::new(0x208, image.length.next_multiple_of(4)), undo(turn)),
        false => found.part("image", image),
    };
    Ok(found)
}

fn turn(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Fault> {
    let turned: Vec<u8> = bytes.chunks(4).flat_map(|word| word.iter().rev()).copied().collect();
    Ok(output.push(&turned)?)
}

/// Behind 64 bytes of code; all numbers little endian: magic, version u8, flags u8, then in version 0 size in words u16, 0 u16, and in version 1
/// size of the header u16, size u32, entry point u32, 0 u16; last the sum of all before it u16. The last word of the image is its CRC.
fn socfpga(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let half = |at| bytes.u16(at, Endian::Little);
    let (end, length) = match bytes.u8(0x44)? {
        0 => (0x4a_u64, u64::from(half(0x46)?).saturating_mul(4)),
        1 => (0x52, u64::from(bytes.u32(0x48, Endian::Little)?)),
        _ => return Err(Rejected("version")),
    };
    let sum = byte_sum(bytes.get(0x40, end.saturating_sub(0x40))?);
    if u32::from(half(end)?) != sum & 0xffff || !(0x60..=1 << 20).contains(&length) {
        return Err(Rejected("size or checksum of the header"));
    }
    let mut found = Image::of(length);
    let last = length.saturating_sub(4);
    found.part("vectors", Span::new(0, 0x40));
    found.part("image", Span::between(end.saturating_add(2), last));
    let expected = bytes.u32(last, Endian::Little).unwrap_or(0);
    found.sum32("the CRC of the image", last, expected, Span::new(0, last), |covered| Crc::<u32>::new(&CRC_32_BZIP2).checksum(covered));
    Ok(found)
}

/// The header; all numbers little endian:
///
/// ```text
///  0 magic "STM2"   4 signature[64]   44 sum of the bytes of the image   48 version, 0x10000 or 0x20000   4c size   50 entry point
/// 58 address   60 version of the image   68 size of more headers (version 0x20000)
/// ```
fn stm32(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little);
    let header = match word(0x48)? {
        0x1_0000 => 256,
        0x2_0000..=0x2_ffff => u64::from(word(0x68)?).saturating_add(128),
        _ => return Err(Rejected("version")),
    };
    let image = Span::new(header, word(0x4c)?.into());
    if !(256..=4096).contains(&header) || image.length == 0 || image.length > 64 << 20 || word(0x54)? != 0 || word(0x5c)? != 0 {
        return Err(Rejected("sizes or reserved words"));
    }
    let mut found = Image::of(image.end());
    found.part("image", image);
    found.sum32("the checksum of the image", 0x44, word(0x44)?, image, byte_sum);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::header::testing::{damaged, opens};
    use crate::format::testing::unpack;
    use crate::problem::Code;

    #[test]
    fn the_image_comes_out() {
        let unpacked = opens(&OMAP, include_bytes!("../../../../fixtures/omapimage/MLO"), &["image"]);
        assert!(unpacked.file("image").starts_with(b"\x7fELF"));
        let turned = unpack(&OMAP, include_bytes!("../../../../fixtures/omapimage/MLO.turned"));
        assert!(turned.file("image").starts_with(unpacked.file("image")));
        let image = include_bytes!("../../../../fixtures/stm32-image/tool.stm32");
        let unpacked = opens(&STM32, image, &["image"]);
        assert!(unpacked.file("image").starts_with(b"\x7fELF"));
        assert_eq!(damaged(&STM32, image, 400), [Code::Checksum]);
        for image in [
            include_bytes!("../../../../fixtures/socfpga-image/v0.bin").as_slice(),
            include_bytes!("../../../../fixtures/socfpga-image/v1.bin"),
        ] {
            opens(&SOCFPGA, image, &["vectors", "image"]);
            assert_eq!(damaged(&SOCFPGA, image, 400), [Code::Checksum]);
        }
    }
}
