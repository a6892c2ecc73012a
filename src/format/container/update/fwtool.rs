//! What OpenWrt puts behind its images: which boards they are for, and a signature.

use crate::blob::{Bytes, Endian, Span, to_u64};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

static SPEC: Spec = Spec {
    id: "openwrt-metadata",
    name: "OpenWrt image metadata (fwtool)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(NAME).at(9), Magic::anywhere(NAME).at(10), Magic::anywhere(NAME).at(11)],
    leaf: false,
    references: &[
        "https://github.com/openwrt/fwtool/blob/master/fwimage.h",
        "https://github.com/openwrt/openwrt/blob/main/include/image-commands.mk",
    ],
    limitations: &["the CRC is over the image before it too, and the signature over all: they are not verified"],
};

/// Metadata, and the signature if it follows.
pub(in crate::format) static METADATA: Header = Header { spec: &SPEC, read };

/// What the metadata begins with.
const NAME: &[u8] = b"\"metadata_version\"";
const MAGIC: &[u8] = b"FWx0";
const HEADER: u64 = 8;
const TRAILER: u64 = 16;
/// More than fwtool itself takes.
const LONGEST: u64 = 64 << 10;

/// The header is version and flags, both 0. Behind what it is for, the trailer, big endian: magic "FWx0", CRC, kind u8 (0 signature, 1 metadata),
/// padding\[3\], size of header, content and trailer. A signature has no header.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    if bytes.array(0)? != [0; 8] || bytes.u8(HEADER)? != b'{' {
        return Err(Rejected("version or flags"));
    }
    let end = section(bytes, 0, 1).ok_or(Rejected("no trailer"))?;
    let mut image = Image::of(end.saturating_add(TRAILER));
    image.part("metadata.json", Span::between(HEADER, end));
    if let Some(signed) = section(bytes, image.length, 0) {
        image.part("signature", Span::between(image.length, signed));
        image.length = signed.saturating_add(TRAILER);
    }
    Ok(image)
}

/// Where the trailer of the section from `start` on stands.
fn section(bytes: Bytes<'_>, start: u64, kind: u8) -> Option<u64> {
    let window = bytes.up_to(start, LONGEST);
    let at = start.saturating_add(to_u64(memchr::memmem::find(window, MAGIC)?));
    let [a, b, c, d] = bytes.array(at.saturating_add(8)).ok()?;
    let size = bytes.u32(at.saturating_add(12), Endian::Big).ok()?;
    let whole = at.saturating_add(TRAILER).saturating_sub(start);
    ((a, [b, c, d]) == (kind, [0; 3]) && u64::from(size) == whole).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::header::testing::opens;
    use crate::format::testing::carve;

    #[test]
    fn metadata_and_signature_come_out() {
        let image = include_bytes!("../../../../fixtures/openwrt-metadata/sysupgrade.bin");
        let at = memchr::memmem::find(image, NAME).unwrap() - 11;
        let unpacked = opens(&METADATA, &image[at..], &["metadata.json", "signature"]);
        assert!(unpacked.file("metadata.json").starts_with(b"{  \"metadata_version\""));
        assert!(unpacked.file("signature").starts_with(b"untrusted comment:"));
        let unsigned = image.len() - unpacked.file("signature").len() - 16;
        opens(&METADATA, &image[at..unsigned], &["metadata.json"]);
        let mut other = image[at..].to_vec();
        let size = other.len() - 1;
        other.truncate(size - 16);
        other[4] = 1;
        assert_eq!(carve(&METADATA, &other, 0), None);
    }
}
