//! MCUboot: images that microcontrollers boot, with a header before and a list of values behind.

use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::blob::{Bytes, Endian, OutOfBounds, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::{Fault, Rejected};

static SPEC: Spec = Spec {
    id: "mcuboot",
    name: "MCUboot image",
    kind: Kind::Container,
    magics: &[Magic::anywhere(&[0x3d, 0xb8, 0xf3, 0x96])],
    leaf: false,
    references: &["https://docs.mcuboot.com/design.html"],
    limitations: &["signatures are handed over, not verified", "compressed images are handed over as they are"],
};

/// MCUboot image.
pub(in crate::format) static MCUBOOT: Header = Header { spec: &SPEC, read };

/// `IMAGE_F_ENCRYPTED_AES128`, `IMAGE_F_ENCRYPTED_AES256`.
const ENCRYPTED: u32 = 0x0c;

/// The header, 32 bytes; all numbers little endian:
///
/// ```text
///  0 magic 0x96f3b83d   4 address   8 size of the header u16   a size of the protected values u16   c size of the image   10 flags
/// 14 version: major u8, minor u8, revision u16, build u32   1c 0
/// ```
///
/// Behind the image: protected values, then values; each list is magic u16 (0x6908, 0x6907), size u16, and values: type u16, size u16, bytes.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let half = |at| bytes.u16(at, Endian::Little).map(u64::from);
    let (header, protected, flags) = (half(8)?, half(10)?, bytes.u32(16, Endian::Little)?);
    let image = Span::new(header, bytes.u32(12, Endian::Little)?.into());
    if header < 32 || image.length == 0 || image.length > 256 << 20 || bytes.u32(28, Endian::Little)? != 0 || flags >> 16 != 0 {
        return Err(Rejected("sizes, flags or padding"));
    }
    let mut found = Image::of(image.end().saturating_add(protected));
    let encrypted = || Fault::Encrypted("encrypted for the key of the device".to_owned());
    match flags & ENCRYPTED {
        0 => found.part("image", image),
        _ => found.faulty("image", image, encrypted()),
    };
    let hashed = Span::new(0, found.length);
    let first = Span::new(image.end(), protected);
    if first.length > 0 {
        values(bytes, first, 0x6908, None, &mut found);
    }
    if let (Ok(0x6907), Ok(size)) = (half(found.length), half(found.length.saturating_add(2))) {
        let list = Span::new(found.length, size);
        found.length = list.end();
        values(bytes, list, 0x6907, (flags & ENCRYPTED == 0).then_some(hashed), &mut found);
    }
    Ok(found)
}

/// More values than any image has.
const MOST_VALUES: u32 = 256;

fn values(bytes: Bytes<'_>, list: Span, magic: u16, hashed: Option<Span>, found: &mut Image) {
    let half = |at| bytes.u16(at, Endian::Little);
    if list.end() > bytes.len() {
        return;
    }
    if half(list.start) != Ok(magic) {
        found.problem(Fault::corrupt("no list of values where one should be"), list.start);
        return;
    }
    let mut at = list.start.saturating_add(4);
    for _ in 0..MOST_VALUES {
        let (Ok(kind), Ok(size)) = (half(at), half(at.saturating_add(2))) else { return };
        let value = Span::new(at.saturating_add(4), size.into());
        if at >= list.end() {
            return;
        }
        if value.end() > list.end() {
            found.problem(Fault::corrupt("a value reaches out of the list"), at);
            return;
        }
        match (kind, hashed) {
            (0x10..=0x12, Some(hashed)) => {
                found.check("the hash of the image", value.start, hashed.length, move |bytes| hash_fits(bytes, hashed, value));
            }
            // The hash of a key is too short for anybody to look into, and a signature is opaque.
            (0x02, _) => _ = found.part("public-key", value),
            (0x20..=0x2f, _) => _ = found.part("signature", value),
            _ => (),
        }
        at = value.end();
    }
}

fn hash_fits(bytes: Bytes<'_>, hashed: Span, value: Span) -> Result<bool, OutOfBounds> {
    let (content, expected) = (bytes.part(hashed)?.0, bytes.part(value)?.0);
    Ok(match expected.len() {
        32 => Sha256::digest(content).as_slice() == expected,
        48 => Sha384::digest(content).as_slice() == expected,
        _ => Sha512::digest(content).as_slice() == expected,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::header::testing::{damaged, opens};
    use crate::problem::Code;

    #[test]
    fn the_image_comes_out() {
        let image = include_bytes!("../../../../fixtures/mcuboot/signed.bin");
        let unpacked = opens(&MCUBOOT, image, &["image", "signature"]);
        assert!(unpacked.file("image").starts_with(b"\x7fELF"));
        assert_eq!(damaged(&MCUBOOT, image, 700), [Code::Checksum]);
    }
}
