//! Broadcom BCM63xx: what the boot loader CFE keeps about its board, 0x580 bytes into itself.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, sums};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

static SPEC: Spec = Spec {
    id: "bcm63xx-nvram",
    name: "Broadcom BCM63xx board data (CFE NVRAM)",
    kind: Kind::Container,
    // The version, and how the line begins that says from where to boot: "e=", the address on Ethernet.
    magics: &[
        Magic::anywhere(b"\0\0\0\x02e="),
        Magic::anywhere(b"\0\0\0\x03e="),
        Magic::anywhere(b"\0\0\0\x04e="),
        Magic::anywhere(b"\0\0\0\x05e="),
        Magic::anywhere(b"\0\0\0\x06e="),
        Magic::anywhere(b"\0\0\0\x07e="),
        Magic::anywhere(b"\x05\0\0\0e="),
        Magic::anywhere(b"\x06\0\0\0e="),
        Magic::anywhere(b"\x07\0\0\0e="),
    ],
    leaf: true,
    references: &["https://github.com/torvalds/linux/blob/master/include/linux/bcm963xx_nvram.h"],
    limitations: &["data whose CRC does not fit is not recognized", "hardware addresses and the password are not said"],
};

/// Board data.
pub(super) static BCM63XX_NVRAM: Header = Header { spec: &SPEC, read };

/// All numbers in the byte order of the processor:
///
/// ```text
///   0 version   4 how to boot[256]   104 board[16]   114 main thread   118 size of the PSI   11c number of hardware addresses   120 the first[6]
/// 128 CRC (up to version 4)   3fc CRC (from version 5 on)
/// ```
///
/// The CRC is of all before it and of itself as zero, without the last inversion.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let endian = if bytes.u8(0)? == 0 { Endian::Big } else { Endian::Little };
    let place = match bytes.u32(0, endian)? {
        1..=4 => 0x128_u64,
        5..=7 => 0x3fc,
        _ => return Err(Rejected("version")),
    };
    let is_text = |text: &[u8]| text.iter().all(|byte| matches!(byte, b' '..=b'~'));
    let (line, board) = (bytes.text(4, 256)?, bytes.text(0x104, 16)?);
    if !is_text(line) || board.is_empty() || !is_text(board) {
        return Err(Rejected("texts"));
    }
    if sums::crc32_register(&[bytes.get(0, place)?, &[0; 4]]) != bytes.u32(place, endian)?.to_be_bytes() {
        return Err(Rejected("the CRC"));
    }
    let length = place.saturating_add(4);
    let mut image = Image::new(length, 0x104);
    image.fact("header.board", 0x104, 16).known(Span::new(0, length));
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};

    #[test]
    fn the_board_is_said_in_both_byte_orders() {
        for data in [
            include_bytes!("../../../fixtures/bcm63xx-nvram/big.bin").as_slice(),
            include_bytes!("../../../fixtures/bcm63xx-nvram/little.bin"),
            include_bytes!("../../../fixtures/bcm63xx-nvram/old.bin"),
        ] {
            let flash = [vec![0x5a; 0x580], data.to_vec(), vec![0; 9]].concat();
            assert_eq!(carve(&BCM63XX_NVRAM, &flash, 0x580), Some(data.len() as u64));
            assert_eq!(unpack_at(&BCM63XX_NVRAM, &flash, 0x580).fact("header.board").unwrap(), "96368EXAMPLE");
            assert_eq!(unpack(&BCM63XX_NVRAM, data).files.len(), 0);
            survives_damage(&BCM63XX_NVRAM, data);
            let mut other = data.to_vec();
            other[100] ^= 1;
            assert_eq!(carve(&BCM63XX_NVRAM, &other, 0), None);
        }
    }
}
