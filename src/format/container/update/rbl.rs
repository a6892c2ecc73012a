//! RBL: how RT-Thread's update service packs firmware, as Beken's and many other chips for small devices get it.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, is_name};
use crate::format::{Kind, Magic, Spec, crc32, part_text};
use crate::problem::{Fault, Rejected};

static SPEC: Spec = Spec {
    id: "rt-thread-rbl",
    name: "RT-Thread update package (RBL)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"RBL\0")],
    leaf: false,
    references: &["https://www.rt-thread.io/document/site/programming-manual/ota/ota/"],
    limitations: &["packages compressed with QuickLZ or FastLZ are handed over as they are", "the hash of the content is not verified"],
};

/// RBL.
pub(in crate::format) static RBL: Header = Header { spec: &SPEC, read };

/// The header, 96 bytes; all numbers little endian:
///
/// ```text
///  0 magic "RBL"   4 how it is encrypted (four bits) and compressed (the four bits 8 to 11)   8 time   c partition[16]   1c version[24]
/// 34 serial number[24]   4c CRC of what follows   50 hash of the content   54 size of the content   58 size of what follows   5c CRC of the header
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little);
    let names = is_name(bytes, 12, 16) && is_name(bytes, 28, 24);
    if !names || word(0x5c)? != crc32(bytes.get(0, 0x5c)?) {
        return Err(Rejected("names, or the CRC of the header"));
    }
    let how = word(4)?;
    let package = Span::new(96, word(0x58)?.into());
    let mut image = Image::of(package.end());
    image.fact("header.name", 12, 16);
    image.fact("header.version", 28, 24);
    let name = match bytes.text(12, 16)? {
        b"" => "package".to_owned(),
        name => part_text(name),
    };
    match (how & 0xf, how >> 8 & 0xf) {
        (0, 0 | 1) => image.part(name, package),
        (0, method) => image.faulty(name, package, Fault::unsupported(format!("compression {method}, which is QuickLZ or FastLZ"))),
        (1, _) => image.faulty(name, package, Fault::Encrypted("XORed with a key of the maker's".to_owned())),
        _ => image.faulty(name, package, Fault::Encrypted("AES with a key of the maker's".to_owned())),
    };
    image.sum32("the CRC of the package", 0x4c, word(0x4c)?, package, crc32);
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::header::testing::{damaged, opens};
    use crate::format::testing::unpack;
    use crate::problem::Code;

    #[test]
    fn the_package_comes_out() {
        let image = include_bytes!("../../../../fixtures/rt-thread-rbl/app.rbl");
        let unpacked = opens(&RBL, image, &["app"]);
        assert!(unpacked.file("app").starts_with(&[0x1f, 0x8b]));
        assert_eq!(unpacked.fact("header.version").unwrap(), "1.2.3");
        assert_eq!(damaged(&RBL, image, 200), [Code::Checksum]);
        let unpacked = unpack(&RBL, include_bytes!("../../../../fixtures/rt-thread-rbl/encrypted.rbl"));
        assert_eq!(unpacked.problems[0].0, Code::Encrypted);
    }
}
