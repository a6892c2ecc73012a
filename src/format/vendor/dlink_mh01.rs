//! MH01: D-Link's signed and encrypted images of routers such as DIR-3040.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::{Fault, Rejected};

/// D-Link MH01.
pub(super) static DLINK_MH01: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "dlink-mh01",
    name: "D-Link encrypted firmware (MH01)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"MH01")],
    leaf: false,
    references: &["https://github.com/ReFirmLabs/binwalk/blob/master/src/structures/mh01.rs"],
    limitations: &["the image is not decrypted", "the signature is handed over, not verified"],
};

/// Two headers; all numbers little endian:
///
/// ```text
///  0 magic "MH01"   4 size of what follows   8 size of the signature behind it   c unknown
/// 10 magic "MH01"   14 size of the hash   18 size of the encrypted image   1c unknown   20 hash, as text   then the image
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let hash = word(0x14)?;
    if !bytes.has(0x10, b"MH01") || !(16..=256).contains(&hash) || !bytes.get(0x20, hash)?.is_ascii() {
        return Err(Rejected("the second header"));
    }
    let data = Span::new(hash.saturating_add(0x20), word(0x18)?);
    let signature = Span::new(data.end(), word(8)?);
    if data.length == 0 || word(4)? < data.length || signature.length > 0x1000 {
        return Err(Rejected("the sizes"));
    }
    let mut image = Image::new(signature.end(), data.start);
    image.faulty("image", data, Fault::Encrypted("encrypted by D-Link".to_owned()));
    image.part("signature", signature);
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, carve, survives_damage, unpack};
    use crate::problem::Code;

    #[test]
    fn the_encrypted_image_is_said_to_be_so() {
        let image = include_bytes!("../../../fixtures/dlink-mh01/router.bin");
        assert_eq!(carve(&DLINK_MH01, image, 0), Some(image.len() as u64));
        let unpacked = unpack(&DLINK_MH01, image);
        assert_eq!((unpacked.names(), unpacked.file("image")), (vec!["image", "signature"], KERNEL));
        assert_eq!(unpacked.problems.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [Code::Encrypted]);
        survives_damage(&DLINK_MH01, image);
        assert_eq!(carve(&DLINK_MH01, b"MH01 MH01 MH01 MH01 MH01 MH01 MH01 MH01 MH01 MH01 MH01", 0), None);
    }
}
