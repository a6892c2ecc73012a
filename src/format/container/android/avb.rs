//! Android Verified Boot: what a device checks its partitions against, and the footer that leads to it.

use sha2::{Digest, Sha256, Sha512};

use crate::blob::{Bytes, Endian, OutOfBounds, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec, part_text};
use crate::problem::{Fault, Rejected};

static SPEC: Spec = Spec {
    id: "android-avb",
    name: "Android Verified Boot metadata (vbmeta)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"AVB0")],
    leaf: false,
    references: &["https://android.googlesource.com/platform/external/avb/+/main/libavb/avb_vbmeta_image.h"],
    limitations: &[
        "the signature is not verified, the hash that it signs is",
        "the hashes of partitions are not compared with those partitions",
    ],
};

/// vbmeta.
pub(in crate::format) static VBMETA: Header = Header { spec: &SPEC, read };

static FOOTER_SPEC: Spec = Spec {
    id: "android-avb-footer",
    name: "Android Verified Boot footer",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"AVBf\0\0\0\x01")],
    leaf: true,
    references: &["https://android.googlesource.com/platform/external/avb/+/main/libavb/avb_footer.h"],
    limitations: &[],
};

/// The end of a partition that holds its own vbmeta.
pub(in crate::format) static FOOTER: Header = Header { spec: &FOOTER_SPEC, read: footer };

/// 64 bytes, big endian: magic, version major and minor u32, size of the original image u64, vbmeta's offset and size u64, 28 reserved.
fn footer(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let number = |at| bytes.u64(at, Endian::Big);
    let (original, offset, size) = (number(12)?, number(20)?, number(28)?);
    if bytes.array(36)? != [0; 28] || offset < original || !(256..=1 << 20).contains(&size) {
        return Err(Rejected("reserved bytes, or where the metadata is"));
    }
    Ok(Image::of(64))
}

const HEADER: u64 = 256;

/// More descriptors than any image has.
const MOST_DESCRIPTORS: u32 = 1024;

/// The header; all numbers big endian:
///
/// ```text
///  0 magic "AVB0"   4 version major u32, minor u32   c size of the authentication block u64   14 size of the auxiliary block u64
/// 1c algorithm u32: 0 none, 1 to 3 SHA-256, 4 to 6 SHA-512   20 hash offset, size u64   30 signature offset, size   (in the authentication block)
/// 40 public key offset, size   50 its metadata offset, size   60 descriptors offset, size   (in the auxiliary block)
/// 70 rollback index u64   78 flags u32   7c rollback index location u32   80 release[48]   b0 reserved[80]
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let number = |at| bytes.u64(at, Endian::Big);
    let (authentication, auxiliary) = (number(12)?, number(20)?);
    let algorithm = bytes.u32(28, Endian::Big)?;
    let sized = authentication % 64 == 0 && auxiliary % 64 == 0 && authentication <= 1 << 16 && auxiliary <= 1 << 20;
    if bytes.u32(4, Endian::Big)? != 1 || !sized || algorithm > 8 || bytes.get(176, 80)?.iter().any(|byte| *byte != 0) {
        return Err(Rejected("version, sizes, algorithm or reserved bytes"));
    }
    let first = Span::new(HEADER, authentication);
    let second = Span::new(first.end(), auxiliary);
    let inside = |block: Span, at: u64| -> Result<Span, Rejected> {
        let span = Span::new(number(at)?, number(at.saturating_add(8))?);
        if span.end() > block.length {
            return Err(Rejected("a field reaches out of its block"));
        }
        Ok(Span::new(block.start.saturating_add(span.start), span.length))
    };
    let (hash, signature) = (inside(first, 32)?, inside(first, 48)?);
    let (key, metadata, descriptors) = (inside(second, 64)?, inside(second, 80)?, inside(second, 96)?);
    let mut image = Image::of(second.end());
    image.fact("header.name", 128, 48);
    image.part("public_key", key);
    image.part("public_key_metadata", metadata);
    image.part("signature", signature);
    if algorithm > 0 && hash.length > 0 {
        image.check("the hash of header and descriptors", hash.start, 0, move |bytes| hash_fits(bytes, hash, second));
    }
    describe(bytes, descriptors, &mut image);
    Ok(image)
}

fn hash_fits(bytes: Bytes<'_>, hash: Span, auxiliary: Span) -> Result<bool, OutOfBounds> {
    let (header, auxiliary, hash) = (bytes.get(0, HEADER)?, bytes.part(auxiliary)?.0, bytes.part(hash)?.0);
    let both = [header, auxiliary];
    let found = match hash.len() {
        32 => both.iter().fold(Sha256::new(), |sum, part| sum.chain_update(part)).finalize().to_vec(),
        _ => both.iter().fold(Sha512::new(), |sum, part| sum.chain_update(part)).finalize().to_vec(),
    };
    Ok(found == hash)
}

/// Properties that say what was built, by the ends of their names.
const PROPERTIES: [(&[u8], &str); 3] =
    [(b".fingerprint", "header.product"), (b".os_version", "header.version"), (b".security_patch", "header.date")];

/// Goes through the descriptors: tag u64, size of what follows u64, and (offsets from the start of the descriptor)
///
/// ```text
/// 0 property: 10 size of the key u64, 18 of the value u64, 20 key, NUL, value, NUL
/// 1 hash tree of a partition: 68 size of its name u32, b4 name          2 hash of a partition: 38 size of its name u32, 84 name
/// 3 part of the kernel's command line: 14 size u32, 18 text             4 another vbmeta: 14 size of the partition's name u32,
///                                                                          18 size of its key u32, 5c name, key
/// ```
fn describe(bytes: Bytes<'_>, descriptors: Span, image: &mut Image) {
    let mut at = descriptors.start;
    for _ in 0..MOST_DESCRIPTORS {
        let place = |field: u64| at.saturating_add(field);
        let (Ok(tag), Ok(size)) = (bytes.u64(at, Endian::Big), bytes.u64(place(8), Endian::Big)) else { return };
        let end = place(16).saturating_add(size);
        if at >= descriptors.end() {
            return;
        }
        if end > descriptors.end() {
            image.problem(Fault::corrupt("a descriptor reaches out of the list"), at);
            return;
        }
        let long = |field| bytes.u32(place(field), Endian::Big).map_or(0, u64::from);
        match tag {
            0 => property(bytes, place(32), bytes.u64(place(16), Endian::Big).unwrap_or(0), image),
            1 => {
                image.fact("header.name", place(180), long(104));
            }
            2 => {
                image.fact("header.name", place(132), long(56));
            }
            3 => {
                image.fact("android.cmdline", place(24), long(20));
            }
            4 => {
                image.fact("header.name", place(92), long(20));
                let name = bytes.get(place(92), long(20)).map(part_text).unwrap_or_default();
                image.part(format!("chained/{name}"), Span::new(place(92).saturating_add(long(20)), long(24)));
            }
            _ => (),
        }
        at = end;
    }
}

fn property(bytes: Bytes<'_>, at: u64, length: u64, image: &mut Image) {
    let Ok(name) = bytes.get(at, length) else { return };
    let value = at.saturating_add(length).saturating_add(1);
    if let Some((_, key)) = PROPERTIES.iter().find(|(end, _)| name.ends_with(end)) {
        image.fact(key, value, 256);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::header::testing::{damaged, opens};
    use crate::problem::Code;

    #[test]
    fn descriptors_are_read() {
        let image = include_bytes!("../../../../fixtures/android-avb/vbmeta.img");
        let unpacked = opens(&VBMETA, image, &["public_key", "signature", "chained/recovery"]);
        let names: Vec<_> = unpacked.facts.iter().filter(|fact| fact.key == "header.name").map(|fact| fact.value.clone()).collect();
        assert_eq!(names, [b"avbtool 1.3.0".as_slice(), b"boot", b"system", b"recovery"]);
        assert_eq!(unpacked.fact("header.product").unwrap(), "example/router100/router100:13/TQ1A/1:user/release-keys");
        assert_eq!(unpacked.fact("android.cmdline").unwrap(), "dm=example");
        assert_eq!(damaged(&VBMETA, image, 120), [Code::Checksum]);
        let footer = include_bytes!("../../../../fixtures/android-avb-footer/footer.img");
        opens(&FOOTER, &footer[footer.len() - 64..], &[]);
    }
}
