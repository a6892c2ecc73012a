//! JCG's header of its routers' images.

use crate::blob::{Bytes, Span};
use crate::format::header::{Header, Image, over, over_but, sums};
use crate::format::{Kind, Magic, Spec};
use crate::problem::{Fault, Rejected};

/// JCG firmware.
pub(super) static JCG: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "jcg",
    name: "JCG firmware",
    kind: Kind::Container,
    magics: &[Magic::start(b"YSZJ")],
    leaf: false,
    references: &["https://github.com/openwrt/firmware-utils/blob/master/src/jcgimage.c"],
    limitations: &["images that name a version in the header are obfuscated with it, and not read"],
};

/// Bytes of the header.
const HEADER: u64 = 512;

/// The header; all numbers big endian:
///
/// ```text
///  0 magic "YSZJ"   4 version, 32 bytes   24 1   28 text, 64 bytes   68 date   6c version: two u16   1f8 CRC of the image
/// 1fc CRC of the header, itself counted as 0
/// ```
///
/// The image is changed by a key made from both texts; where they are 0, so is the key.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let head = [bytes.get(0, 0x1fc)?, &[0; 4]];
    if !bytes.has(0x24, &[0, 0, 0, 1]) || sums::crc32(&head) != bytes.get(0x1fc, 4)? {
        return Err(Rejected("the CRC of the header"));
    }
    let payload = Span::between(HEADER, bytes.len());
    let mut image = Image::new(bytes.len(), HEADER);
    image.fact("header.version", 4, 32);
    image.sum("the header", 0x1fc, bytes.get(0x1fc, 4)?, sums::crc32, over_but(0, 0x1fc, &[0; 4], HEADER));
    image.sum("the image", 0x1f8, bytes.get(0x1f8, 4)?, sums::crc32, over(HEADER, payload.end()));
    let texts = [bytes.get(4, 32)?, bytes.get(0x28, 64)?].concat();
    if texts.iter().all(|byte| *byte == 0) {
        image.part("image", payload);
    } else {
        image.faulty("image", payload, Fault::Encrypted("obfuscated by JCG".to_owned()));
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, holds, unpack, verifies};
    use crate::problem::Code;

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/jcg/router.bin");

    #[test]
    fn the_image_comes_out() {
        holds(&JCG, IMAGE, &[("image", KERNEL)]);
        verifies(&JCG, IMAGE, &[0x210, IMAGE.len() - 1]);
    }

    #[test]
    fn an_obfuscated_image_is_said_to_be_so() {
        let unpacked = unpack(&JCG, include_bytes!("../../../fixtures/jcg/obfuscated.bin"));
        assert_eq!(unpacked.problems.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [Code::Encrypted]);
        assert_eq!(unpacked.fact("header.version").unwrap(), "EX-1.2.3");
    }
}
