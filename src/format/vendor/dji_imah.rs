//! DJI's signed images (IM*H): blocks that are mostly encrypted, behind a header that says what they are.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec, entry_path, path_text};
use crate::problem::{Fault, Rejected};

/// A module of DJI's firmware.
pub(super) static DJI_IMAH: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "dji-imah",
    name: "DJI signed image (IM*H)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"IM*H")],
    leaf: false,
    references: &["https://github.com/fvantienen/dji_rev"],
    limitations: &["encrypted blocks are named, not read", "the signature is handed over, not verified"],
};

const HEADER: u64 = 0xc0;
const BLOCK: u64 = 32;

/// All numbers little endian; behind the header stand the signature and the blocks:
///
/// ```text
///  0 magic "IM*H"   4 version   10 size of the header with its blocks   14 of the signature   18 of the content   28 key of the signature
/// 2c key of the content   30 scrambled key[16]   40 name[32]   9c number of blocks   a0 SHA-256 of the content
/// c0 blocks: name[4]   offset in the content   size   attributes, odd if it is not encrypted   unknown[16]
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let (version, header, signature, content, count) = (word(4)?, word(0x10)?, word(0x14)?, word(0x18)?, word(0x9c)?);
    let name = bytes.text(0x40, 32)?;
    let table = HEADER.saturating_add(count.saturating_mul(BLOCK));
    if version > 16 || count == 0 || count > 256 || header != table || signature > 4096 || !name.iter().all(u8::is_ascii_graphic) {
        return Err(Rejected("sizes or name"));
    }
    let start = header.saturating_add(signature);
    let mut found = Image::of(start.saturating_add(content));
    found.fact("header.name", 0x40, 32);
    if signature > 0 {
        found.part("signature", Span::new(header, signature));
    }
    for block in (HEADER..).step_by(32).take(crate::blob::to_usize(count)) {
        let block = bytes.part(Span::new(block, BLOCK))?;
        let number = |at| block.u32(at, Endian::Little).map(u64::from);
        let (offset, size, attributes) = (number(4)?, number(8)?, number(12)?);
        if offset.saturating_add(size) > content.next_multiple_of(32) {
            return Err(Rejected("a block outside of the content"));
        }
        let name = format!("{}.{}", entry_path(name), path_text(block.text(0, 4)?));
        let span = Span::new(start.saturating_add(offset), size.min(content.saturating_sub(offset)));
        match attributes & 1 {
            0 => found.faulty(name, span, Fault::Encrypted("encrypted, container of DJI".to_owned())),
            _ => found.part(name, span),
        };
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack};
    use crate::problem::Code;

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/dji-imah/module.sig");

    #[test]
    fn open_blocks_come_out_and_encrypted_ones_are_named() {
        let unpacked = unpack(&DJI_IMAH, IMAGE);
        assert_eq!(unpacked.names(), ["signature", "0801.EXAM", "0801.CODE"]);
        assert_eq!(unpacked.file("0801.EXAM"), include_bytes!("../../../fixtures/content/tree/story.txt"));
        assert_eq!(unpacked.problems, [(Code::Encrypted, "encrypted, container of DJI".to_owned())]);
        assert_eq!(unpacked.fact("header.name").unwrap(), "0801");
        survives_damage(&DJI_IMAH, IMAGE);
    }

    #[test]
    fn four_letters_are_none() {
        assert_eq!(carve(&DJI_IMAH, &b"IM*H is the magic, and this a text about it. ".repeat(20), 0), None);
    }
}
