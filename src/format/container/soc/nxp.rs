//! NXP i.MX: what the boot ROM reads.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

static SPEC: Spec = Spec {
    id: "imximage",
    name: "NXP i.MX boot image",
    kind: Kind::Container,
    magics: &[
        Magic::anywhere(&[0xd1, 0, 0x20, 0x40]),
        Magic::anywhere(&[0xd1, 0, 0x20, 0x41]),
        Magic::anywhere(&[0xd1, 0, 0x20, 0x43]),
        Magic::anywhere(&[0xd1, 0, 0x20, 0x45]),
    ],
    leaf: false,
    references: &["https://github.com/u-boot/u-boot/blob/master/include/imximage.h"],
    limitations: &[
        "images of version 1 (i.MX25 to i.MX51) are not recognized",
        "certificates and signatures of the CSF are handed over, not verified",
    ],
};

/// Boot image, version 2.
pub(in crate::format) static IMX: Header = Header { spec: &SPEC, read };

/// The header (IVT), 32 bytes; numbers are little endian, but for the size:
///
/// ```text
///  0 tag 0xd1   1 size u16 big endian, 32   3 version   4 entry point   8 0   c address of the DCD   10 of the boot data   14 of this header
/// 18 of the CSF   1c 0
/// ```
///
/// Boot data: address of the image, which begins before this header, size, plugin. DCD and CSF begin with tag u8, size u16 big endian, version.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let (entry, dcd, data, own, csf) = (word(4)?, word(12)?, word(16)?, word(20)?, word(24)?);
    if word(8)? != 0 || word(28)? != 0 || own == 0 || entry < 4 {
        return Err(Rejected("reserved words or addresses"));
    }
    let offset = |address: u64| address.checked_sub(own).ok_or(Rejected("an address before the header"));
    let data = offset(data)?;
    if !(32..=0x1000).contains(&data) {
        return Err(Rejected("place of the boot data"));
    }
    let (start, size, plugin) = (word(data)?, word(data.saturating_add(4))?, word(data.saturating_add(8))?);
    let before = own.checked_sub(start).ok_or(Rejected("an image behind its header"))?;
    let length = size.checked_sub(before).ok_or(Rejected("size"))?;
    if plugin > 1 || before > 1 << 20 || length < data.saturating_add(12) || length > 256 << 20 {
        return Err(Rejected("boot data"));
    }
    let mut image = Image::of(length);
    let mut code = data.saturating_add(12);
    if dcd != 0 {
        let dcd = table(bytes, offset(dcd)?, 0xd2)?;
        code = code.max(dcd.end());
        image.part("dcd", dcd);
    }
    let mut end = length;
    if csf != 0 {
        let start = offset(csf)?;
        // It stands behind the image, unless that is not signed yet.
        if let Ok(csf) = table(bytes, start, 0xd4) {
            end = csf.start.max(code);
            image.part("csf", Span::between(csf.start, length));
        }
    }
    let first = entry.checked_sub(own).filter(|first| (code..end).contains(first)).unwrap_or(code);
    // What stands before the entry point is padding, or a table of vectors that belongs to the code.
    let gap = bytes.up_to(code, first.saturating_sub(code)).iter().any(|byte| *byte != 0);
    image.part("image", Span::between(if gap { code } else { first }, end));
    Ok(image)
}

fn table(bytes: Bytes<'_>, start: u64, tag: u8) -> Result<Span, Rejected> {
    let size = u64::from(bytes.u16(start.saturating_add(1), Endian::Big)?);
    if bytes.u8(start)? != tag || size < 4 || !matches!(bytes.u8(start.saturating_add(3))?, 0x40..=0x4f) {
        return Err(Rejected("a table"));
    }
    Ok(Span::new(start, size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::header::testing::opens;
    use crate::format::testing::unpack_at;

    #[test]
    fn code_and_registers_come_out() {
        let image = include_bytes!("../../../../fixtures/imximage/u-boot.imx");
        let unpacked = unpack_at(&IMX, image, 0);
        assert_eq!(unpacked.names(), ["dcd", "image"]);
        assert_eq!(unpacked.problems, []);
        assert!(unpacked.file("image").starts_with(b"\x7fELF"));
        opens(&IMX, image, &["dcd", "image"]);
    }
}
