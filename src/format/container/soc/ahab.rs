//! NXP i.MX8 and later: containers that the boot ROM and its security controller read.

use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::blob::{Bytes, Endian, OutOfBounds, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::{Fault, Rejected};

static SPEC: Spec = Spec {
    id: "imx8-container",
    name: "NXP i.MX8 boot container",
    kind: Kind::Container,
    // No version of the software, number of images, and where the signature begins that follows them.
    magics: &[
        Magic::anywhere(&[0, 0, 0, 1, 0x90, 0, 0, 0]).at(8),
        Magic::anywhere(&[0, 0, 0, 2, 0x10, 1, 0, 0]).at(8),
        Magic::anywhere(&[0, 0, 0, 3, 0x90, 1, 0, 0]).at(8),
        Magic::anywhere(&[0, 0, 0, 4, 0x10, 2, 0, 0]).at(8),
        Magic::anywhere(&[0, 0, 0, 5, 0x90, 2, 0, 0]).at(8),
        Magic::anywhere(&[0, 0, 0, 6, 0x10, 3, 0, 0]).at(8),
    ],
    leaf: false,
    references: &["https://github.com/u-boot/u-boot/blob/master/include/imx8image.h"],
    limitations: &[
        "signatures are not verified, the hashes that they sign are",
        "only containers that count no versions of software and fuses",
    ],
};

/// Containers.
pub(in crate::format) static CONTAINERS: Header = Header { spec: &SPEC, read };

/// Containers stand this far apart.
const STEP: u64 = 0x400;

fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let mut found = Image::default();
    container(bytes, 0, &mut found)?;
    // One of the maker's comes first, one of the board's follows; what they list stands behind both.
    for index in 1..4_u64 {
        if container(bytes, index.saturating_mul(STEP), &mut found).is_err() {
            break;
        }
    }
    Ok(found)
}

/// The header, 16 bytes; all numbers little endian: version 0 u8, size u16, tag 0x87 u8, flags, version of the software u16, of the fuses u8, images
/// u8, place of the signature u16, 0 u16. An image, 128 bytes:
///
/// ```text
///  0 offset from the container   4 size   8 address u64   10 entry point u64   18 flags: hash (8 to 10: SHA-256, 384, 512), encrypted (11)
/// 1c meta   20 hash[64]   60 initialization vector[32]
/// ```
fn container(bytes: Bytes<'_>, start: u64, found: &mut Image) -> Result<(), Rejected> {
    let head = Bytes(bytes.tail(start));
    let (length, count) = (u64::from(head.u16(1, Endian::Little)?), u64::from(head.u8(11)?));
    let signature = count.saturating_mul(128).saturating_add(16);
    let fits = u64::from(head.u16(12, Endian::Little)?) == signature && length >= signature.saturating_add(16);
    if head.u8(0)? != 0 || head.u8(3)? != 0x87 || !fits || !(1..=32).contains(&count) {
        return Err(Rejected("header"));
    }
    let mut images = Vec::new();
    for index in 0..count {
        let entry = index.saturating_mul(128).saturating_add(16);
        let word = |at: u64| head.u32(entry.saturating_add(at), Endian::Little);
        let (offset, size, flags) = (u64::from(word(0)?), u64::from(word(4)?), word(24)?);
        let hash = Span::new(start.saturating_add(entry).saturating_add(32), [32, 48, 64].get(hash_kind(flags)).copied().unwrap_or(0));
        let rest = bytes.get(hash.end(), 64_u64.saturating_sub(hash.length))?;
        if hash.length == 0 || rest.iter().any(|byte| *byte != 0) || offset < STEP || size > 256 << 20 {
            return Err(Rejected("an image"));
        }
        images.push((Span::new(start.saturating_add(offset), size), hash, flags & 0x800 != 0));
    }
    found.length = found.length.max(start.saturating_add(length));
    for (index, (image, hash, encrypted)) in images.into_iter().enumerate() {
        let name = format!("container-{}/image-{index}", start / STEP);
        found.length = found.length.max(image.end());
        match encrypted {
            true => found.faulty(name, image, Fault::Encrypted("encrypted with a key in the chip".to_owned())),
            false => found.part(name, image),
        };
        if image.length > 0 && !encrypted {
            found.check("the hash of an image", hash.start, image.length, move |bytes| hash_fits(bytes, image, hash));
        }
    }
    Ok(())
}

fn hash_kind(flags: u32) -> usize {
    match flags >> 8 & 7 {
        0 => 0,
        1 => 1,
        2 => 2,
        _ => usize::MAX,
    }
}

fn hash_fits(bytes: Bytes<'_>, image: Span, hash: Span) -> Result<bool, OutOfBounds> {
    let (content, expected) = (bytes.part(image)?.0, bytes.part(hash)?.0);
    Ok(match expected.len() {
        32 => Sha256::digest(content).as_slice() == expected,
        48 => Sha384::digest(content).as_slice() == expected,
        _ => Sha512::digest(content).as_slice() == expected,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::header::testing::damaged;
    use crate::format::testing::{carve, survives_damage, unpack};
    use crate::problem::Code;

    #[test]
    fn images_come_out() {
        let image = include_bytes!("../../../../fixtures/imx8-container/flash.bin");
        let unpacked = unpack(&CONTAINERS, image);
        assert_eq!(unpacked.names(), ["container-0/image-0", "container-0/image-1"]);
        assert!(unpacked.file("container-0/image-0").starts_with(b"\x7fELF"));
        assert_eq!(unpacked.problems, []);
        assert_eq!(damaged(&CONTAINERS, image, 0x2010), [Code::Checksum]);
        survives_damage(&CONTAINERS, image);
        let text = [b"12345678".as_slice(), SPEC.magics[0].bytes, &b"text ".repeat(200)].concat();
        assert_eq!(carve(&CONTAINERS, &text, 0), None);
    }
}
