//! BDL: the bundle in which HP's printers get their firmware: packages, named by number.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// HP BDL.
pub(super) static HP_BDL: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "hp-bdl",
    name: "HP firmware bundle (BDL)",
    kind: Kind::Archive,
    magics: &[Magic::anywhere(b"ibdl\x01\0\x01\0")],
    leaf: false,
    references: &[
        "https://github.com/tylerwhall/hpbdl",
        "https://github.com/onekey-sec/unblob/blob/main/python/unblob/handlers/archive/hp/bdl.py",
    ],
    limitations: &["signatures behind the packages are not verified"],
};

/// More packages than any bundle has.
const MOST: u64 = 1024;

/// The header; all numbers little endian:
///
/// ```text
///  0 magic "ibdl"   4 version: 1, 1   8 where the table is   10 entries of it   20 release, 256 bytes   120 brand   220 device
/// 329 version   429 revision   entries: offset u64, size u64
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let (table, count) = (u64::from(bytes.u32(8, Endian::Little)?), u64::from(bytes.u32(16, Endian::Little)?));
    if !(0x529..=0x1_0000).contains(&table) || count == 0 || count > MOST {
        return Err(Rejected("the table"));
    }
    let end = table.saturating_add(count.saturating_mul(16));
    let mut packages = Vec::new();
    for index in 0..count {
        let entry = table.saturating_add(index.saturating_mul(16));
        packages.push(Span::new(bytes.u64(entry, Endian::Little)?, bytes.u64(entry.saturating_add(8), Endian::Little)?));
    }
    let mut image = Image::new(packages.iter().map(Span::end).fold(end, u64::max), end);
    image.fact("header.date", 0x20, 256).fact("header.vendor", 0x120, 256).fact("header.product", 0x220, 256);
    image.fact("header.version", 0x329, 256);
    for (index, package) in packages.into_iter().enumerate() {
        image.part(format!("package-{index}.ipkg"), package);
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{holds, unpack};

    #[test]
    fn packages_come_out() {
        let image = include_bytes!("../../../fixtures/hp-bdl/printer.bdl");
        let package = include_bytes!("../../../fixtures/hp-ipkg/printer.ipkg");
        holds(&HP_BDL, image, &[("package-0.ipkg", package)]);
        assert_eq!(unpack(&HP_BDL, image).fact("header.product").unwrap(), "example printer");
    }
}
