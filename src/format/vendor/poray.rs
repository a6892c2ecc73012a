//! Poray's images of pocket routers, sold under many names (Hame, Nexx): a header, and the image changed by a key of the model.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, cipher};
use crate::format::{Kind, Magic, Spec};
use crate::limits::Output;
use crate::problem::{Fault, Rejected};

/// Poray firmware.
pub(super) static PORAY: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "poray",
    name: "Poray firmware",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"\0\0\x0e\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0").at(8)],
    leaf: false,
    references: &["https://github.com/openwrt/firmware-utils/blob/master/src/mkporayfw.c"],
    limitations: &["models whose keys are not published"],
};

/// Bytes of a key.
const KEY: usize = 15;

/// Keys that are published: Hame MPR-A1 and L8, Poray of four kinds, Nexx WT1520 and WT3020, A5-V11.
const KEYS: &[[u8; KEY]] = &[
    [0xc8, 0x3c, 0x3a, 0x93, 0xa2, 0x95, 0xc3, 0x63, 0x48, 0x45, 0x58, 0x09, 0x12, 0x03, 0x08],
    [0x89, 0x6b, 0x5a, 0x93, 0x92, 0x95, 0xc3, 0x63, 0xd0, 0xa3, 0x9c, 0x92, 0x2e, 0xe6, 0xc7],
    [0xc9, 0x1c, 0x3a, 0x93, 0x92, 0x95, 0xc3, 0x63, 0xd0, 0xa3, 0x9c, 0x92, 0x2e, 0xe6, 0xc7],
    [0x19, 0x1b, 0x3a, 0x93, 0x92, 0x95, 0xc3, 0x63, 0xd0, 0xa3, 0x9c, 0x92, 0x2e, 0xe6, 0xc7],
    [0x79, 0x7b, 0x7a, 0x93, 0x92, 0x95, 0xc3, 0x63, 0xd0, 0xa3, 0x9c, 0x92, 0x2e, 0xe6, 0xc7],
    [0x19, 0x1c, 0x4a, 0x93, 0x96, 0x95, 0xc3, 0x63, 0xd0, 0xa3, 0x9c, 0x92, 0x2e, 0x16, 0xc6],
    [0x39, 0x1c, 0x4a, 0x93, 0x96, 0x95, 0xc3, 0x63, 0xd0, 0xa3, 0x9c, 0x92, 0x2e, 0x16, 0xc6],
    [0xc8, 0x3c, 0x3a, 0x93, 0xa2, 0x95, 0xc3, 0x63, 0x48, 0x45, 0x58, 0x09, 0x20, 0x11, 0x08],
];

/// Bytes of the header.
const HEADER: u64 = 28;

/// The header; all numbers little endian:
///
/// ```text
///  0 hardware   4 size of the image   8 20e0000   c 0   1c image, then its checksum, u16, both changed by the key
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let size = u64::from(bytes.u32(4, Endian::Little)?);
    if !bytes.get(0, 4)?.iter().all(u8::is_ascii_graphic) || !(64..LARGEST).contains(&size) {
        return Err(Rejected("the hardware or the size"));
    }
    let payload = Span::new(HEADER, size.saturating_add(2));
    let mut image = Image::new(payload.end(), HEADER);
    image.fact("header.board", 0, 4);
    image.undone("image", payload, Box::new(move |there, output| decrypt(there, size, output)));
    Ok(image)
}

/// More bytes than the flash of these devices has.
const LARGEST: u64 = 64 << 20;

/// Tries all keys; the checksum says which one it is. A model says not enough: some share a number.
fn decrypt(there: Bytes<'_>, size: u64, output: &mut Output<'_>) -> Result<(), Fault> {
    for key in KEYS {
        let mut sum = Checksum::default();
        let mut stored = [0_u8; 2];
        cipher::xor(key, there.0, &mut |part| {
            for byte in part {
                if sum.count < size {
                    sum.add(*byte);
                } else {
                    stored = [stored[1], *byte];
                }
            }
            Ok(())
        })?;
        if sum.count == size && u16::from_le_bytes(stored) == sum.folded() {
            return Ok(cipher::xor(key, there.up_to(0, size), &mut |part| output.push(part))?);
        }
    }
    output.push(there.up_to(0, size))?;
    Err(Fault::Encrypted("changed by a key that is not published, or damaged".to_owned()))
}

/// The inverse of the sum of all 16-bit words, folded.
#[derive(Default)]
struct Checksum {
    sum: u32,
    count: u64,
}

impl Checksum {
    fn add(&mut self, byte: u8) {
        self.sum = self.sum.wrapping_add(u32::from(byte) << if self.count.is_multiple_of(2) { 0 } else { 8 });
        self.count = self.count.saturating_add(1);
    }

    fn folded(&self) -> u16 {
        // The sum is a signed number where it is folded.
        let high = |sum: u32| u32::from_ne_bytes((i32::from_ne_bytes(sum.to_ne_bytes()) >> 16).to_ne_bytes());
        let once = self.sum.wrapping_add(high(self.sum)).wrapping_add(0xffff);
        let twice = !once.wrapping_add(high(once));
        u16::try_from(twice & 0xffff).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, carve, survives_damage, unpack};
    use crate::problem::Code;

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/poray/pocket.bin");

    #[test]
    fn the_image_comes_out() {
        assert_eq!(carve(&PORAY, &[&[7; 9], IMAGE].concat(), 9), Some(IMAGE.len() as u64));
        let unpacked = unpack(&PORAY, IMAGE);
        assert_eq!((unpacked.file("image"), unpacked.problems.len()), (KERNEL, 0));
        survives_damage(&PORAY, IMAGE);
        let mut changed = IMAGE.to_vec();
        changed[100] ^= 1;
        assert_eq!(unpack(&PORAY, &changed).problems[0].0, Code::Encrypted);
    }
}
