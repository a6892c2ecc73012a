//! Images of every version, and by `mkfs.minix`.

use std::process::Command;

use super::*;
use crate::format::EntryKind;
use crate::format::testing::tree::kind;
use crate::format::testing::{carve, survives_damage, tool, unpack, unpack_at};
use crate::problem::Code;

const FIXTURES: [&[u8]; 4] = [
    include_bytes!("../../../../fixtures/minix/v1-14.minix"),
    include_bytes!("../../../../fixtures/minix/v1-30-big-endian.minix"),
    include_bytes!("../../../../fixtures/minix/v2-30.minix"),
    include_bytes!("../../../../fixtures/minix/v3.minix"),
];

#[test]
fn every_version_holds_the_same() {
    let story = include_bytes!("../../../../fixtures/content/tree/story.txt");
    for fixture in FIXTURES {
        let unpacked = unpack(&Minix, fixture);
        assert_eq!(unpacked.problems, []);
        assert_eq!(unpacked.names(), ["story.txt", "folder/kernel", "folder/holes"]);
        assert!(unpacked.file("story.txt") == story);
        let holes = unpacked.file("folder/holes");
        assert_eq!(
            (holes.len(), &holes[300_000..300_004], holes[..300_000].iter().any(|byte| *byte != 0)),
            (300_004, &b"end\n"[..], false)
        );
        assert_eq!(kind(&unpacked, "link"), Some(EntryKind::Symlink("folder/kernel".to_owned())));
        assert_eq!(kind(&unpacked, "folder/again"), Some(EntryKind::HardLink("story.txt".to_owned())));
        assert_eq!(kind(&unpacked, "null"), Some(EntryKind::CharacterDevice(1, 3)));
        survives_damage(&Minix, fixture);
    }
}

#[test]
fn what_mkfs_makes_is_known() {
    if crate::testing::lacking(&["mkfs.minix"]) {
        return;
    }
    for options in [&["-1", "-n", "14"][..], &["-1", "-n", "30"], &["-2", "-n", "14"], &["-2", "-n", "30"], &["-3"]] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image");
        std::fs::write(&path, vec![0; 2_000_000]).unwrap();
        tool(Command::new("mkfs.minix").args(options).arg(&path));
        let image = std::fs::read(path).unwrap();
        let length = carve(&Minix, &image, 0).unwrap_or_else(|| panic!("{options:?}"));
        assert!(length > 1_990_000);
        let unpacked = unpack(&Minix, &image);
        assert_eq!((unpacked.names().len(), unpacked.problems), (0, vec![]));
    }
}

#[test]
fn found_within_other_bytes_and_truncated() {
    let image = FIXTURES[2];
    let flash = [&[0xee; 9], image, &[0xff; 500]].concat();
    assert_eq!(carve(&Minix, &flash, 9), Some(image.len() as u64));
    assert_eq!(unpack_at(&Minix, &flash, 9).names().len(), 3);
    assert!(unpack(&Minix, &image[..image.len() - 3000]).problems.iter().any(|(code, _)| *code == Code::Truncated));
    let mut text = vec![b' '; 5000];
    text[1040..1042].copy_from_slice(&[0x7f, 0x13]);
    assert_eq!(carve(&Minix, &text, 0), None);
}
