//! SHRS: encrypted images of D-Link routers that SGE made, such as DIR-882, DIR-X3260, COVR-X1860.

use sha2::{Digest, Sha512};

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, cipher, over, sums};
use crate::format::{Kind, Magic, Spec};
use crate::limits::Output;
use crate::problem::{Fault, Rejected};

/// D-Link SHRS.
pub(super) static DLINK_SHRS: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "dlink-shrs",
    name: "D-Link encrypted firmware (SHRS)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"SHRS")],
    leaf: false,
    references: &[
        "https://github.com/openwrt/firmware-utils/blob/master/src/dlink-sge-image.c",
        "https://github.com/onekey-sec/unblob/blob/main/python/unblob/handlers/archive/dlink/shrs.py",
    ],
    limitations: &["the RSA signatures are not verified", "models whose keys are not published"],
};

/// Keys that are published: of most models, of COVR-X1860, DIR-X1860 B1, DIR-X3260.
const KEYS: [&[u8; 16]; 4] =
    [b"\xc0\x5f\xbf\x19\x36\xc9\x94\x29\xce\x2a\x07\x81\xf0\x8d\x6a\xd8", b"he9-4+M!)d6=m~#$", b"he9-4+M8-80!)d6=", b"rt9-4%^+M!)d6=m~"];

/// Bytes of the header.
const HEADER: u64 = 0x6dc;

/// What tools write behind the image.
const FOOTER: &[u8] = &[0, 0, 0, 0, 0x30];

/// The header; numbers are big endian:
///
/// ```text
///   0 magic "SHRS"   4 size of the plain image   8 size of the encrypted one   c IV   1c SHA-512 of the plain image and the key
///  5c SHA-512 of the plain image   9c SHA-512 of the encrypted one   dc 512 bytes of 0   2dc two RSA signatures of 512 bytes
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let plain = u64::from(bytes.u32(4, Endian::Big)?);
    let payload = Span::new(HEADER, bytes.u32(8, Endian::Big)?.into());
    let padding = payload.length.checked_sub(plain).ok_or(Rejected("the sizes"))?;
    if plain == 0 || padding > 16 || !payload.length.is_multiple_of(16) || bytes.get(0xdc, 0x200)?.iter().any(|byte| *byte != 0) {
        return Err(Rejected("the sizes, or what must be 0"));
    }
    let end = payload.end();
    let end = if bytes.has(end, FOOTER) { end.saturating_add(5) } else { end };
    let mut image = Image::new(end, HEADER);
    image.sum("the encrypted image", 0x9c, bytes.get(0x9c, 64)?, sums::sha512, over(payload.start, payload.end()));
    let (iv, digest): ([u8; 16], [u8; 64]) = (bytes.array(0xc)?, bytes.array(0x5c)?);
    image.undone("image", payload, Box::new(move |there, output| decrypt(there, payload.length, plain, &iv, &digest, output)));
    image.known(Span::between(payload.end(), end));
    Ok(image)
}

/// Tries all keys; the hash says which one it is. Where none fits the bytes are handed on as they are.
fn decrypt(there: Bytes<'_>, length: u64, plain: u64, iv: &[u8], digest: &[u8], output: &mut Output<'_>) -> Result<(), Fault> {
    if there.len() < length {
        // There is nothing to check a key with: it is that of most models.
        return Ok(cipher::aes_cbc(KEYS[0], iv, there.0, &mut |part| output.push(part))?);
    }
    for key in KEYS {
        let (mut hash, mut left) = (Sha512::new(), plain);
        cipher::aes_cbc(key, iv, there.0, &mut |part| {
            hash.update(cut(part, &mut left));
            Ok(())
        })?;
        if hash.finalize().as_slice() == digest {
            let mut left = plain;
            return Ok(cipher::aes_cbc(key, iv, there.0, &mut |part| output.push(cut(part, &mut left)))?);
        }
    }
    output.push(there.0)?;
    Err(Fault::Encrypted("encrypted with a key that is not published, or damaged".to_owned()))
}

/// What of `part` is not padding, when `left` bytes are to come.
fn cut<'p>(part: &'p [u8], left: &mut u64) -> &'p [u8] {
    let part = Bytes(part).up_to(0, *left);
    *left = left.saturating_sub(crate::blob::to_u64(part.len()));
    part
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, holds, unpack};
    use crate::problem::Code;

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/dlink-shrs/router.bin");

    #[test]
    fn the_image_is_decrypted() {
        holds(&DLINK_SHRS, IMAGE, &[("image", KERNEL)]);
        let newer = unpack(&DLINK_SHRS, include_bytes!("../../../fixtures/dlink-shrs/newer.bin"));
        assert_eq!((newer.file("image"), newer.problems.len()), (KERNEL, 0));
    }

    #[test]
    fn without_a_key_it_stays_encrypted() {
        let mut image = IMAGE.to_vec();
        image[0x5c] ^= 1;
        let unpacked = unpack(&DLINK_SHRS, &image);
        assert_eq!(unpacked.problems[0].0, Code::Encrypted);
        assert_eq!(unpacked.file("image")[..16], IMAGE[0x6dc..0x6ec]);
    }
}
