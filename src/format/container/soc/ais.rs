//! TI DaVinci and OMAP-L1: the script of loads that their boot ROM runs.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

static SPEC: Spec = Spec {
    id: "ti-ais",
    name: "TI DaVinci boot image (AIS)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"TIPA")],
    leaf: false,
    references: &["https://github.com/u-boot/u-boot/blob/master/tools/aisimage.h", "https://www.ti.com/lit/an/sprab41f/sprab41f.pdf"],
    limitations: &["checksums inside are not verified", "images for chips with secure boot are not recognized"],
};

/// Boot image.
pub(in crate::format) static AIS: Header = Header { spec: &SPEC, read };

/// Commands of one image.
const MOST_COMMANDS: usize = 4096;

/// Bytes that one command loads at most.
const LARGEST: u64 = 64 << 20;

/// The magic, then commands; all numbers little endian. A command is 0x585359 above one of these, and what follows:
///
/// ```text
/// 1 address, size, bytes up to a multiple of 4   2 CRC, offset   3 and 4 CRC on and off   5 jump: address   6 the same, and end
/// 7 type, address, value   a address, size, type, pattern   d function u16, number of arguments u16, arguments   63 read faster
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little);
    let mut at = 4_u64;
    let mut loads = Vec::new();
    let mut commands = Vec::new();
    for _ in 0..MOST_COMMANDS {
        // Where an image is cut off, what is before that comes out.
        let command = match word(at) {
            Ok(command) => command,
            Err(_) if loads.is_empty() => return Err(Rejected("nothing to load")),
            Err(_) => break,
        };
        if command.wrapping_shr(8) != 0x58_5359 {
            if loads.is_empty() {
                return Err(Rejected("a command"));
            }
            break;
        }
        let length = match command & 0xff {
            1 => {
                let data = Span::new(at.saturating_add(12), word(at.saturating_add(8))?.into());
                if data.length == 0 || data.length > LARGEST {
                    return Err(Rejected("size of a load"));
                }
                loads.push((word(at.saturating_add(4))?, data));
                commands.push(Span::new(at, 12));
                at = data.end().next_multiple_of(4);
                continue;
            }
            2 => 12_u64,
            3 | 4 | 0x63 => 4,
            5 | 6 => 8,
            7 => 16,
            0xa => 20,
            0xd => u64::from(word(at.saturating_add(4))?.wrapping_shr(16)).saturating_mul(4).saturating_add(8),
            _ => return Err(Rejected("a command")),
        };
        commands.push(Span::new(at, length));
        at = at.saturating_add(length);
        if command & 0xff == 6 {
            break;
        }
    }
    let mut image = Image::new(at, 4);
    for command in commands {
        image.known(command);
    }
    for (address, data) in loads {
        image.part(format!("load-{address:#x}"), data);
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, holds, unpack};

    #[test]
    fn what_is_loaded_comes_out() {
        let image = include_bytes!("../../../../fixtures/ti-ais/u-boot.ais");
        let unpacked = unpack(&AIS, image);
        assert_eq!(unpacked.names(), ["load-0x80000000"]);
        assert!(unpacked.file("load-0x80000000").starts_with(b"\x7fELF"));
        let parts: Vec<(&str, &[u8])> = unpacked.files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        holds(&AIS, image, &parts);
        assert_eq!(carve(&AIS, b"TIPA\x01YSX and so on, with too much to load \xff\xff\xff\xff", 0), None);
    }
}
