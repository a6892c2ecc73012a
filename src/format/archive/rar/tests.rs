//! Archives of every version that rars writes, and damaged ones.

use super::*;
use crate::format::EntryKind;
use crate::format::testing::{carve, survives_damage, tree, unpack, unpack_at};
use crate::problem::Code;

const STORY: &[u8] = include_bytes!("../../../../fixtures/content/tree/story.txt");
const MOTD: &[u8] = include_bytes!("../../../../fixtures/content/tree/etc/motd");
const OLD: &[u8] = include_bytes!("../../../../fixtures/rar/version4.rar");
const NEW: &[u8] = include_bytes!("../../../../fixtures/rar/version5.rar");
const SOLID: &[u8] = include_bytes!("../../../../fixtures/rar/solid.rar");

#[test]
fn files_come_back() {
    for image in [OLD, NEW, SOLID] {
        let junk = [b"before".as_slice(), image, b"after"].concat();
        assert_eq!(carve(&Rar, &junk, 6), Some(image.len() as u64));
        let unpacked = unpack_at(&Rar, &junk, 6);
        assert_eq!(unpacked.problems, []);
        assert!(unpacked.file("story.txt") == STORY && unpacked.file("etc/motd") == MOTD);
    }
    assert_eq!(tree::kind(&unpack(&Rar, NEW), "bin/sh"), Some(EntryKind::Symlink("tool".to_owned())));
}

#[test]
fn damage_is_told_and_the_rest_kept() {
    for image in [OLD, NEW] {
        let whole = unpack(&Rar, image);
        let cut = unpack(&Rar, &image[..image.len() - 200]);
        assert!(!cut.files.is_empty() && !cut.problems.is_empty(), "{:?} {:?}", cut.names(), cut.problems);
        let mut wrong = image.to_vec();
        let at = image.len() / 2;
        wrong[at] ^= 0x10;
        let wrong = unpack(&Rar, &wrong);
        assert_eq!(wrong.names(), whole.names());
        assert!(wrong.problems.len() == 1 && matches!(wrong.problems[0].0, Code::Checksum | Code::Corrupt), "{:?}", wrong.problems);
        survives_damage(&Rar, image);
    }
    survives_damage(&Rar, SOLID);
}

#[test]
fn encrypted_files_are_named() {
    let unpacked = unpack(&Rar, include_bytes!("../../../../fixtures/rar/encrypted.rar"));
    assert_eq!(unpacked.names(), ["etc/motd"]);
    assert_eq!((unpacked.file("etc/motd").len(), unpacked.problems[0].0), (0, Code::Encrypted));
}

#[test]
fn look_alikes_are_refused() {
    assert_eq!(carve(&Rar, b"Rar!\x1a\x07\x00 is the magic, and Rar!\x1a\x07\x01\x00 another one", 0), None);
    assert_eq!(carve(&Rar, b"Rar!\x1a\x07\x01\x00 is the magic, and nothing behind it is a block", 0), None);
}
