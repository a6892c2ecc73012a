//! EFM's packages for ipTIME storage devices.

use crate::blob::{Bytes, Endian, Span, to_u64};
use crate::format::header::{Header, Image, Over, sums};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// ipTIME NAS firmware.
pub(super) static IPTIME_NAS: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "iptime-nas",
    name: "ipTIME NAS firmware",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"EFM_NAS_PKG").at(0x78)],
    leaf: false,
    references: &["https://github.com/openwrt/firmware-utils/blob/master/src/iptime-naspkg.c"],
    limitations: &["kernel, root file system and applications are handed over as one"],
};

/// Bytes of the header.
const HEADER: u64 = 0x400;

/// The header; all numbers little endian:
///
/// ```text
///  0 model, 32 bytes   20 version   40 date   60 size   64 checksum   68 where header, 6c root, 70 applications go   74 checksum
/// 78 magic "EFM_NAS_PKG"   88 size, checksum and place of more
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let model = bytes.text(0, 32)?;
    if model.is_empty() || !model.iter().all(u8::is_ascii_graphic) {
        return Err(Rejected("the model"));
    }
    let payload = Span::new(HEADER, bytes.u32(0x60, Endian::Little)?.into());
    let mut image = Image::new(payload.end(), HEADER);
    image.fact("header.product", 0, 32).fact("header.version", 0x20, 32).fact("header.date", 0x40, 32);
    let covered = vec![Over::Span(Span::new(0, to_u64(model.len()))), Over::Span(payload)];
    image.sum("the image", 0x64, &bytes.u32(0x64, Endian::Little)?.to_be_bytes(), checksum, covered);
    image.part("image", payload);
    Ok(image)
}

/// The sum of all bytes of the image, mixed with the length of the model's name.
fn checksum(pieces: &[&[u8]]) -> Vec<u8> {
    let Some((model, image)) = pieces.split_first() else { return Vec::new() };
    let sum = sums::bytes(image).fold(0_u32, |sum, byte| sum.wrapping_add(byte.into()));
    let length = u32::try_from(model.len()).unwrap_or(0);
    (length.wrapping_mul(0x1928_3745).wrapping_add(!sum) ^ sum).to_be_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{ROOTFS, holds, unpack, verifies};

    #[test]
    fn the_image_comes_out() {
        let image = include_bytes!("../../../fixtures/iptime-nas/nas.bin");
        holds(&IPTIME_NAS, image, &[("image", ROOTFS)]);
        assert_eq!(unpack(&IPTIME_NAS, image).fact("header.product").unwrap(), "nasex");
        verifies(&IPTIME_NAS, image, &[0x64, image.len() - 1]);
    }
}
