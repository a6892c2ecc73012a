//! Fsys and Gaid: what the firmware of Apple's older machines knows of the machine, such as its serial number.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, over, sums};
use crate::format::{Kind, Magic, Spec, part_text};
use crate::problem::Rejected;

/// Apple system flags.
pub(super) static FSYS: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "apple-fsys",
    name: "Apple system flags (Fsys)",
    kind: Kind::Archive,
    magics: &[Magic::anywhere(b"Fsys"), Magic::anywhere(b"Gaid")],
    leaf: false,
    references: &["https://github.com/LongSoft/UEFITool/blob/new_engine/common/ksy/apple_sysf.ksy"],
    limitations: &[],
};

const HEADER: u64 = 11;
/// More variables than any store has.
const MOST: u32 = 512;
/// The last variable, which has no data.
const LAST: &[u8] = b"EOF";

/// A store, little endian: 0 "Fsys"   4 unknown u8   5 unknown u32   9 length u16   b variables, then zeros   CRC-32 of all that at the end
///
/// A variable: 0 length of the name, and bit 7 if it is not valid, u8   1 name   length of the data u16   data.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let length = u64::from(bytes.u16(9, Endian::Little)?);
    let sum = length.checked_sub(4).filter(|sum| *sum > HEADER).ok_or(Rejected("length"))?;
    let mut image = Image::new(length, HEADER);
    let mut at = HEADER;
    for count in 0.. {
        let mark = bytes.u8(at)?;
        let name = bytes.get(at.saturating_add(1), u64::from(mark & 0x7f))?;
        let after = at.saturating_add(1).saturating_add(u64::from(mark & 0x7f));
        let plain = name.strip_suffix(&[0]).unwrap_or(name);
        if plain.is_empty() || !plain.iter().all(u8::is_ascii_graphic) || after > sum || count > MOST {
            return Err(Rejected("a name"));
        }
        if plain == LAST {
            image.known(Span::between(at, after));
            break;
        }
        let start = after.saturating_add(2);
        let data = Span::new(start, bytes.u16(after, Endian::Little)?.into());
        if data.end() > sum {
            return Err(Rejected("a variable"));
        }
        image.known(Span::between(at, start));
        image.part(if mark & 0x80 == 0 { part_text(plain) } else { format!("invalid/{}", part_text(plain)) }, data);
        at = data.end();
    }
    let stored: Vec<u8> = bytes.up_to(sum, 4).iter().rev().copied().collect();
    image.sum("the store", sum, &stored, sums::crc32, over(0, sum)).known(Span::new(sum, 4));
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{holds, verifies};

    #[test]
    fn what_the_machine_is_comes_out() {
        let store = include_bytes!("../../../fixtures/apple-fsys/store.bin");
        holds(&FSYS, store, &[("ssn", b"7E57F1E50001"), ("invalid/hwc", b"X"), ("son", b"7E57/A")]);
        verifies(&FSYS, store, &[4, store.len() - 1]);
    }
}
