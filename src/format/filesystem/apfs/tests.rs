//! APFS as libfsapfs reads it, too; mkapfs of Linux makes an empty one.

use super::*;
use crate::codec::Codec;
use crate::format::EntryKind;
use crate::format::testing::{carve, survives_damage, tree as trees, unpack, unpack_at};
use crate::problem::Code;

const STORY: &[u8] = include_bytes!("../../../../fixtures/content/tree/story.txt");

fn opened(packed: &[u8]) -> Vec<u8> {
    Codec::Xz.block(packed, 4 << 20).unwrap()
}

fn one() -> Vec<u8> {
    opened(include_bytes!("../../../../fixtures/apfs/one.apfs.xz"))
}

#[test]
fn files_come_back_compressed_or_not() {
    let flash = [vec![0x5a; 77], one(), vec![0x5a; 5000]].concat();
    assert_eq!(carve(&Apfs, &flash, 77), Some(one().len() as u64));
    let unpacked = unpack_at(&Apfs, &flash, 77);
    assert_eq!(unpacked.problems, []);
    assert_eq!(unpacked.fact("header.name").as_deref(), Some("Example"));
    assert_eq!(unpacked.file("story.txt"), STORY);
    assert!(unpacked.file("bin/tool").starts_with(b"\x7fELF"));
    assert!(unpacked.file("etc/empty").is_empty());
    assert_eq!(unpacked.file("holes"), [vec![0; 4096], b"behind a hole".repeat(700)].concat());
    assert_eq!(unpacked.file("packed.zlib"), &STORY[..3000]);
    assert_eq!(unpacked.file("packed.zlib-blocks"), STORY.repeat(20));
    assert_eq!(unpacked.file("packed.stored"), b"as it is\n");
    assert_eq!(trees::kind(&unpacked, "bin/sh"), Some(EntryKind::Symlink("tool".to_owned())));
    assert_eq!(trees::kind(&unpacked, "console"), Some(EntryKind::CharacterDevice(5, 1)));
    let folder = unpacked.entries.iter().find(|entry| entry.path == "empty-folder").unwrap();
    assert_eq!((folder.attributes.mode, folder.attributes.modified), (Some(0o040_755), Some(1_625_443_200)));
}

#[test]
fn volumes_are_folders_and_encrypted_ones_are_told() {
    let unpacked = unpack(&Apfs, &opened(include_bytes!("../../../../fixtures/apfs/three.apfs.xz")));
    assert_eq!(unpacked.names(), ["System/motd", "Data/motd"]);
    let codes: Vec<Code> = unpacked.problems.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, [Code::Encrypted], "{:?}", unpacked.problems);
}

#[test]
fn what_is_cut_off_or_changed_is_a_problem() {
    let mut image = one();
    let cut = unpack(&Apfs, &image[..image.len() / 2]);
    assert!(cut.problems.iter().any(|(code, _)| *code == Code::Truncated));
    let place = image.windows(9).position(|bytes| bytes == b"story.txt").unwrap();
    image[place] ^= 0x20;
    let changed = unpack(&Apfs, &image);
    assert!(changed.problems.iter().any(|(code, _)| *code == Code::Checksum));
    image[100] ^= 1;
    assert_eq!(carve(&Apfs, &image, 0), None, "the superblock has a checksum");
}

#[test]
fn damage_is_survived() {
    survives_damage(&Apfs, &one());
}
