//! NXP i.MX25 to i.MX51: what the first of their boot ROMs read.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

static SPEC: Spec = Spec {
    id: "imximage-v1",
    name: "NXP i.MX boot image, version 1",
    kind: Kind::Container,
    magics: &[Magic::anywhere(&[0xe9, 0x19, 0x72, 0xb1]).at(28)],
    leaf: false,
    references: &["https://github.com/u-boot/u-boot/blob/master/include/imximage.h"],
    limitations: &["images whose register table does not follow their header are not recognized"],
};

/// Boot image, version 1.
pub(in crate::format) static IMX_FIRST: Header = Header { spec: &SPEC, read };

/// Entries that the boot ROM takes.
const MOST_REGISTERS: u64 = 220;

/// The header; all numbers little endian:
///
/// ```text
///  0 entry point   4 0xb1   8 address of the CSF   c of the word at 14   10 of a key   14 of the table at 1c   18 of the image
/// 1c 0xb17219e9   20 size of the table, whose entries are size, address, value   24 table   then size of the image
/// ```
///
/// The image begins before this header, as far as the address at c is from that at 18.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let (entry, table, start, registers) = (word(0)?, word(0xc)?, word(0x18)?, word(0x20)?);
    let own = table.checked_sub(0x14).ok_or(Rejected("an address before the header"))?;
    if word(4)? != 0xb1
        || word(0x14)? != own.saturating_add(0x1c)
        || !registers.is_multiple_of(12)
        || registers > MOST_REGISTERS.saturating_mul(12)
    {
        return Err(Rejected("magic, address or size of the table"));
    }
    let end = registers.saturating_add(0x24);
    let before = own.checked_sub(start).ok_or(Rejected("an image behind its header"))?;
    let length = word(end)?.checked_sub(before).ok_or(Rejected("size of the image"))?;
    let code = end.saturating_add(4);
    if before > 1 << 20 || length > 64 << 20 || length <= code {
        return Err(Rejected("size or place of the image"));
    }
    let first = entry.checked_sub(own).filter(|first| (code..length).contains(first)).unwrap_or(code);
    // What stands before the entry point is padding, or a table of vectors that belongs to the code.
    let gap = bytes.up_to(code, first.saturating_sub(code).min(0x1000)).iter().any(|byte| *byte != 0);
    let mut image = Image::new(length, code);
    image.part("dcd", Span::between(0x24, end)).part("image", Span::between(if gap { code } else { first }, length));
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{holds, unpack};

    #[test]
    fn code_and_registers_come_out() {
        let image = include_bytes!("../../../../fixtures/imximage-v1/u-boot.imx");
        let unpacked = unpack(&IMX_FIRST, image);
        assert!(unpacked.file("image").starts_with(b"\x7fELF"));
        let parts: Vec<(&str, &[u8])> = unpacked.files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        assert_eq!(unpacked.names(), ["dcd", "image"]);
        holds(&IMX_FIRST, image, &parts);
    }
}
