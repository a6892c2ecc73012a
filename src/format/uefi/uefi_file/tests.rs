//! Files with sections of each kind, taken out of a volume.

use super::*;
use crate::format::testing::{Unpacked, carve, survives_damage, unpack};
use crate::problem::Code;

const VOLUME: &[u8] = include_bytes!("../../../../fixtures/uefi-volume/edk2.fd");
const FILE: &[u8] = include_bytes!("../../../../fixtures/uefi-file/driver.ffs");
const STORY: &[u8] = include_bytes!("../../../../fixtures/content/tree/story.txt");

/// The file of the volume whose name begins with `title`.
fn of_volume(title: &str) -> Vec<u8> {
    let volume = unpack(&crate::format::uefi::uefi_volume::Volume, VOLUME);
    volume.files.into_iter().find(|(name, _)| name.starts_with(title)).unwrap().1
}

fn unpacked(title: &str) -> Unpacked {
    let unpacked = unpack(&File, &of_volume(title));
    assert_eq!(unpacked.problems, [], "{title}");
    unpacked
}

#[test]
fn sections_come_out() {
    assert_eq!(carve(&File, FILE, 0), Some(FILE.len() as u64));
    let one = unpack(&File, FILE);
    assert_eq!(one.names(), ["PE32"]);
    assert!(one.file("PE32").starts_with(b"MZ"));
    assert_eq!(one.fact("header.name").as_deref(), Some("OneDxe"));
    assert_eq!(unpacked("PlainDxe").fact("header.version").as_deref(), Some("1.2.2"));
    assert!(unpacked("HiddenDxe").file("Tiano/PE32").starts_with(b"MZ"));
    assert!(unpacked("PeiCore").file("TE").starts_with(b"VZ"));
    survives_damage(&File, FILE);
}

#[test]
fn sections_that_are_compressed_come_out() {
    let ways = [
        ("StandardDxe", "EFI 1.1/raw"),
        ("TianoDxe", "Tiano/raw"),
        ("GuidedDxe", "Tiano/raw"),
        ("CustomDxe", "LZMA/raw"),
        ("BrotliDxe", "Brotli/raw"),
        ("CheckedDxe", "CRC32/raw"),
        ("SignedDxe", "RSA2048-SHA256 A7717414-C616-4977-9420-844712A735BF/raw"),
        ("StoredDxe", "uncompressed/raw"),
    ];
    for (title, name) in ways {
        let unpacked = unpacked(title);
        assert!(unpacked.file(name) == STORY, "{title}");
        let image = of_volume(title);
        survives_damage(&File, &image);
    }
    assert_eq!(unpacked("SignedDxe").files[0].0, "signature");
}

#[test]
fn volumes_in_files_have_their_name() {
    let unpacked = unpacked("MainVolumeContainer");
    assert_eq!(unpacked.names(), ["LZMA/volume 7E57F1E5-0000-4000-8000-000000000100"]);
    assert!(unpacked.files[0].1[40..].starts_with(b"_FVH"));
}

#[test]
fn files_without_sections() {
    assert_eq!(unpacked("7E57F1E5-0000-4000-8000-00000000000C").file("body"), STORY);
    let freeform = unpacked("7E57F1E5-0000-4000-8000-00000000000B");
    assert_eq!(freeform.names(), ["freeform 7E57F1E5-0000-4000-8000-000000000F11"]);
    assert_eq!(freeform.files[0].1, STORY[..200]);
}

#[test]
fn checksums_are_checked() {
    let mut image = FILE.to_vec();
    image[40] ^= 1;
    assert_eq!(unpack(&File, &image).problems[0].0, Code::Checksum);
    image[5] ^= 1;
    assert_eq!(carve(&File, &image, 0), None, "the header is what tells files from anything else");
    assert_eq!(carve(&File, &FILE[..FILE.len() - 1], 0), None);
}
