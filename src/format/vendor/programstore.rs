//! ProgramStore: Broadcom's header of cable modem firmware.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// Broadcom ProgramStore.
pub(super) static PROGRAMSTORE: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "programstore",
    name: "Broadcom cable modem firmware (ProgramStore)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"\x80\0\x40\0").at(16), Magic::anywhere(b"\x80\x01\0\0").at(16), Magic::anywhere(b"\x84\x01\0\0").at(16)],
    leaf: false,
    references: &[
        "https://github.com/Broadcom/aeolus/tree/master/ProgramStore",
        "https://github.com/jclehner/bcm2-utils/blob/master/FORMAT.md",
    ],
    limitations: &["headers with other addresses than the usual three are not found", "checksums are not verified"],
};

/// Bytes of the header.
const HEADER: u64 = 92;

/// The header; all numbers big endian:
///
/// ```text
///  0 signature of the device, u16   2 control: 100 two parts, low byte how they are compressed, 5 for LZMA   4 version: two u16
///  8 date   c size   10 address   14 name of the file, 48 bytes   44 0   4c size of the first part   50 of the second
/// 54 CRC of the header, u16   56 0   58 CRC
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Big).map(u64::from);
    let control = bytes.u16(2, Endian::Big)?;
    let name = bytes.text(0x14, 48)?;
    let rest = bytes.get(0x14, 56)?.iter().skip(name.len());
    let named = name.len() >= 4 && name.iter().all(u8::is_ascii_graphic) && rest.clone().all(|byte| *byte == 0);
    let (size, parts) = (word(0xc)?, [word(0x4c)?, word(0x50)?]);
    let two = control & 0x100 != 0;
    if !named || control & 0xfeff > 5 || size == 0 || (two && parts.iter().sum::<u64>() != size) || (!two && parts != [0, 0]) {
        return Err(Rejected("the name, the control bits or the sizes"));
    }
    let mut image = Image::new(HEADER.saturating_add(size), HEADER);
    image.fact("header.name", 0x14, 48);
    let [first, second] = if two { parts } else { [size, 0] };
    image.part("program", Span::new(HEADER, first)).part("program-2", Span::new(HEADER.saturating_add(first), second));
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, carve, survives_damage, unpack};

    #[test]
    fn programs_come_out() {
        let image = include_bytes!("../../../fixtures/programstore/modem.bin");
        assert_eq!(carve(&PROGRAMSTORE, &[&[7; 9], image.as_slice()].concat(), 9), Some(image.len() as u64));
        let unpacked = unpack(&PROGRAMSTORE, image);
        assert_eq!((unpacked.file("program"), unpacked.problems.len()), (KERNEL, 0));
        assert_eq!(unpacked.fact("header.name").unwrap(), "ex3383_sto.bin");
        survives_damage(&PROGRAMSTORE, image);
        let two = unpack(&PROGRAMSTORE, include_bytes!("../../../fixtures/programstore/dual.bin"));
        assert_eq!((two.file("program"), two.file("program-2")), (KERNEL, ROOTFS));
    }
}
