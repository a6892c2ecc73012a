//! Volumes as xorriso puts them beside ISO 9660 for Apple's computers.

use std::path::Path;

use super::*;
use crate::format::EntryKind;
use crate::format::testing::{carve, survives_damage, tool, tree, unpack, unpack_at};
use crate::problem::Code;

/// The image of a disc, and where in it the volume begins.
fn disc(root: &Path) -> (Vec<u8>, u64) {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image");
    tool(std::process::Command::new("xorriso").args(["-as", "mkisofs", "-quiet", "-hfsplus", "-o"]).arg(&image).arg(root));
    let image = std::fs::read(image).unwrap();
    let at = image.windows(4).position(|bytes| bytes == b"H+\0\x04").unwrap() as u64 - HEADER;
    (image, at)
}

#[test]
fn volumes_hold_what_was_put_in() {
    if crate::testing::lacking(&["xorriso"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    tree::plant(folder.path());
    // Its letters and accents are stored apart.
    let odd = folder.path().join("lib/odd name, with comma & umlaut \u{e4}");
    std::fs::rename(odd, folder.path().join("lib/odd name, with comma & umlaut a\u{308}")).unwrap();
    let (image, at) = disc(folder.path());
    let unpacked = unpack_at(&HfsPlus, &image, at);
    assert_eq!(unpacked.problems, []);
    tree::assert_same(&unpacked, folder.path());
    assert_eq!(tree::kind(&unpacked, "bin/sh"), Some(EntryKind::Symlink("busybox".to_owned())));
    assert_eq!(tree::kind(&unpacked, "proc"), Some(EntryKind::Directory));
    let length = carve(&HfsPlus, &image, at).unwrap();
    let volume = &image[at as usize..(at + length) as usize];
    survives_damage(&HfsPlus, volume);
    let cut = unpack(&HfsPlus, &volume[..volume.len() / 2]);
    assert!(cut.problems.iter().any(|(code, _)| *code == Code::Truncated));
}

#[test]
fn two_letters_are_no_volume() {
    assert_eq!(carve(&HfsPlus, &[vec![0; 1024], b"H+\0\x04".repeat(500)].concat(), 0), None);
}

#[test]
fn files_that_are_compressed_in_attributes_are_decompressed() {
    let opened = |packed: &[u8]| crate::codec::Codec::Xz.block(packed, 4 << 20).unwrap();
    let packed = unpack(&HfsPlus, &opened(include_bytes!("../../../../fixtures/hfsplus/packed.hfs.xz")));
    let plain = unpack(&HfsPlus, &opened(include_bytes!("../../../../fixtures/hfsplus/volume.hfs.xz")));
    assert_eq!((packed.problems.len(), packed.by_name()), (0, plain.by_name()));
}
