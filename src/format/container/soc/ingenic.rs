//! Ingenic: what the boot ROMs of its chips, which many cameras have, read from flash.

use crc::{CRC_7_MMC, Crc};

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

static SPEC: Spec = Spec {
    id: "ingenic-spl",
    name: "Ingenic boot loader (SPL)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(&[6, 5, 4, 3, 2, 0x55, 0xaa, 0x55])],
    leaf: false,
    references: &["https://git.rockbox.org/cgit/rockbox.git/tree/utils/mkjzboot"],
    limitations: &["keys and signatures behind the header are not looked at", "checksums of chips after X1000 are not verified"],
};

/// SPL.
pub(in crate::format) static SPL: Header = Header { spec: &SPEC, read };

/// Bytes before the code: the header, and room for a key.
const HEADER: u64 = 2048;

/// The header; all numbers little endian: magic\[8\], flash u8 (0 NAND, 0xaa NOR), CRC-7 of the code u8, pages of a block, bytes of a page u8, size
/// of all u16, and two more CRCs u8, which X1000 does not have.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let length = u64::from(bytes.u16(12, Endian::Little)?);
    if !matches!(bytes.u8(8)?, 0 | 0xaa) || length <= HEADER {
        return Err(Rejected("kind of flash or size"));
    }
    let code = Span::between(HEADER, length);
    let mut image = Image::of(length);
    image.part("code", code);
    if bytes.array(14)? == [0, 0] {
        image.sum32("the CRC of the code", 9, bytes.u8(9)?.into(), code, crc7);
    }
    Ok(image)
}

/// CRC of 7 bits, polynomial x^7 + x^3 + 1.
fn crc7(bytes: &[u8]) -> u32 {
    Crc::<u8>::new(&CRC_7_MMC).checksum(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::header::testing::{damaged, opens};
    use crate::problem::Code;

    #[test]
    fn the_code_comes_out() {
        // The check value of CRC-7/MMC.
        assert_eq!(crc7(b"123456789"), 0x75);
        let image = include_bytes!("../../../../fixtures/ingenic-spl/spl.bin");
        let unpacked = opens(&SPL, image, &["code"]);
        assert!(unpacked.file("code").starts_with(b"\x7fELF"));
        assert_eq!(damaged(&SPL, image, 2100), [Code::Checksum]);
    }
}
