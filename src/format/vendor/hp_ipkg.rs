//! IPKG as HP's printers have it: a package of files, with a table of them.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec, part_text};
use crate::problem::Rejected;

/// HP IPKG.
pub(super) static HP_IPKG: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "hp-ipkg",
    name: "HP firmware package (IPKG)",
    kind: Kind::Archive,
    magics: &[Magic::anywhere(b"ipkg\x01\0\x03\0")],
    leaf: false,
    references: &[
        "https://github.com/tylerwhall/hpbdl",
        "https://github.com/onekey-sec/unblob/blob/main/python/unblob/handlers/archive/hp/ipkg.py",
    ],
    limitations: &["checksums and signatures are not verified"],
};

/// More files than any package has.
const MOST: u64 = 1024;

/// Bytes of an entry of the table.
const ENTRY: u64 = 276;

/// The header; all numbers little endian:
///
/// ```text
///  0 magic "ipkg"   4 version: 1, 3   8 where the table is   10 entries of it   20 version, 256 bytes   120 product   220 name
/// 320 signature   entries: name, 256 bytes; offset u64; size u64; CRC
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let (table, count) = (u64::from(bytes.u32(8, Endian::Little)?), u64::from(bytes.u32(16, Endian::Little)?));
    if !(0x420..=0x1_0000).contains(&table) || count == 0 || count > MOST {
        return Err(Rejected("the table"));
    }
    let end = table.saturating_add(count.saturating_mul(ENTRY));
    let mut files = Vec::new();
    for index in 0..count {
        let entry = table.saturating_add(index.saturating_mul(ENTRY));
        let number = |at: u64| bytes.u64(entry.saturating_add(at), Endian::Little);
        files.push((part_text(bytes.text(entry, 256)?), Span::new(number(256)?, number(264)?)));
    }
    let mut image = Image::new(files.iter().map(|(_, span)| span.end()).fold(end, u64::max), end);
    image.fact("header.version", 0x20, 256).fact("header.product", 0x120, 256).fact("header.name", 0x220, 256);
    for (name, span) in files {
        image.part(name, span);
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, holds, unpack};

    #[test]
    fn files_come_out() {
        let image = include_bytes!("../../../fixtures/hp-ipkg/printer.ipkg");
        holds(&HP_IPKG, image, &[("kernel", KERNEL), ("rootfs", ROOTFS)]);
        assert_eq!(unpack(&HP_IPKG, image).fact("header.name").unwrap(), "example");
    }
}
