//! NEC's images of Aterm routers that are written over USB: blocks, each with a header and a checksum.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, over_but, sums};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// NEC Aterm firmware.
pub(super) static NEC_ATERM: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "nec-aterm",
    name: "NEC Aterm firmware (USB ATERM)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"USB ATERM")],
    leaf: false,
    references: &["https://github.com/openwrt/firmware-utils/blob/master/src/nec-usbatermfw.c"],
    limitations: &[],
};

/// Bytes of the name at the start, of the header of a block, and of the text at the end.
const NAME: u64 = 0x20;
const HEADER: u64 = 0x18;

/// More blocks than any image has.
const MOST: usize = 16;

/// The flag of the last block, which has no data.
const LAST: u32 = 1;

/// Behind the name blocks, each at a multiple of 4; at the end the kind of file, as text:
///
/// ```text
/// 0 flags, u16   2 all bits of them changed   4 size of header and data   8 size of the header   c checksum, little endian   10 address
/// 14 entry point; all but the checksum big endian
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    if !bytes.text(0, 16)?.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(Rejected("the name"));
    }
    let (mut at, mut blocks, mut ended) = (NAME, Vec::new(), false);
    while blocks.len() < MOST && !ended {
        let flags = bytes.u32(at, Endian::Big)?;
        let word = |offset: u64| bytes.u32(at.saturating_add(offset), Endian::Big).map(u64::from);
        if flags >> 16 != !flags & 0xffff || word(8)? != HEADER || word(4)? < HEADER {
            return Err(Rejected("the header of a block"));
        }
        let data = Span::new(at.saturating_add(HEADER), word(4)?.saturating_sub(HEADER));
        ended = flags >> 16 == LAST && data.length == 0;
        blocks.push((at, data));
        at = data.end().next_multiple_of(4);
        if at > bytes.len() {
            break;
        }
    }
    let end = if ended { at.saturating_add(NAME) } else { at };
    let mut image = Image::new(end, NAME);
    image.fact("header.name", 0, 16).known(Span::between(at, end));
    for (index, (header, data)) in blocks.into_iter().enumerate() {
        let sum = header.saturating_add(12);
        let stored = bytes.u16(sum, Endian::Little)?.to_be_bytes();
        let covered = over_but(header.saturating_add(4), sum, &[0; 4], data.end());
        if stored != [0, 0] {
            image.sum("a block", sum, &stored, checksum, covered);
        }
        image.known(Span::between(header, data.start)).part(if index == 0 { "version".to_owned() } else { format!("block-{index}") }, data);
    }
    Ok(image)
}

/// All 16-bit words, little endian, added up, and what is left of that by ffff changed in all its bits.
fn checksum(pieces: &[&[u8]]) -> Vec<u8> {
    let mut all = sums::bytes(pieces);
    let mut sum = 0_u32;
    while let Some(first) = all.next() {
        sum = sum.wrapping_add(u16::from_le_bytes([first, all.next().unwrap_or(0)]).into());
    }
    let [.., high, low] = (0xffff ^ (sum % 0xffff)).to_be_bytes();
    vec![high, low]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, holds, verifies};

    #[test]
    fn blocks_come_out() {
        let image = include_bytes!("../../../fixtures/nec-aterm/router.bin");
        let words = b"VERSION: 9.99.99\nOEM1 VERSION: 9.9.9\n".as_slice();
        holds(&NEC_ATERM, image, &[("version", words), ("block-1", KERNEL), ("block-2", ROOTFS)]);
        verifies(&NEC_ATERM, image, &[0x40, 0x90]);
    }
}
