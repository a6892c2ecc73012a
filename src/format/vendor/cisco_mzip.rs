//! MZIP: the zipped image inside Cisco's IOS files that unpack themselves.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// Cisco IOS zipped image.
pub(super) static CISCO_MZIP: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "cisco-mzip",
    name: "Cisco IOS zipped image",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"\xfe\xed\xfa\xce")],
    leaf: false,
    references: &["https://www.recurity-labs.com/research/RecurityLabs_Developments_in_IOS_Forensics.pdf"],
    limitations: &["checksums are not verified"],
};

/// More bytes than such a router has memory.
const LARGEST: u64 = 1 << 30;

/// Bytes of the header.
const HEADER: u64 = 20;

/// The header; all numbers big endian:
///
/// ```text
///  0 magic feedface   4 size when unpacked   8 size of the zip archive   c its checksum   10 checksum when unpacked   14 archive
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let (plain, zipped) = (u64::from(bytes.u32(4, Endian::Big)?), u64::from(bytes.u32(8, Endian::Big)?));
    // The local header of the only file: version, flags, and a method that the loader knows.
    let method = bytes.u16(HEADER.saturating_add(8), Endian::Little)?;
    if !bytes.has(HEADER, b"PK\x03\x04") || bytes.u16(HEADER.saturating_add(4), Endian::Little)? > 63 || !matches!(method, 0 | 8) {
        return Err(Rejected("no archive"));
    }
    if zipped < 30 || plain == 0 || plain > LARGEST || zipped > plain.saturating_add(1 << 16) {
        return Err(Rejected("the sizes"));
    }
    let mut image = Image::new(HEADER.saturating_add(zipped), HEADER);
    image.part("image.zip", Span::new(HEADER, zipped));
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::holds;

    #[test]
    fn the_archive_comes_out() {
        let zip = include_bytes!("../../../fixtures/zip/stored.zip");
        holds(&CISCO_MZIP, include_bytes!("../../../fixtures/cisco-mzip/ios.bin"), &[("image.zip", zip)]);
    }
}
