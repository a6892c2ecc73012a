//! Images by `mkfs.f2fs` and `sload.f2fs`, compared with the tree that they were made of.

use std::path::Path;
use std::process::Command;

use super::*;
use crate::format::EntryKind;
use crate::format::testing::tree::{assert_same, kind, noise, plant};
use crate::format::testing::{carve, gunzip, survives_damage, tool, unpack, unpack_at};
use crate::problem::Code;

fn image_of(root: &Path, options: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image");
    std::fs::File::create(&image).unwrap().set_len(100 << 20).unwrap();
    tool(Command::new("mkfs.f2fs").args(["-q", "-f"]).args(options).arg(&image));
    // It ends with 1 where it changed what it takes to be wrong with what mkfs.f2fs made.
    let output = Command::new("sload.f2fs").arg("-f").arg(root).args(["-t", "/"]).arg(&image).output().unwrap();
    assert!(output.status.code().is_some_and(|code| code < 2), "{output:?}");
    std::fs::read(image).unwrap()
}

fn planted() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    plant(folder.path());
    std::fs::write(folder.path().join("bin/large"), noise(9_000_000)).unwrap();
    for index in 0..400 {
        std::fs::write(folder.path().join(format!("www/a-folder-that-needs-more-than-one-block-{index}")), format!("{index}")).unwrap();
    }
    folder
}

#[test]
fn what_the_tools_make_comes_back() {
    if crate::testing::lacking(&["mkfs.f2fs", "sload.f2fs"]) {
        return;
    }
    let folder = planted();
    for options in [&[][..], &["-O", "extra_attr,inode_crtime"], &["-O", "extra_attr,inode_checksum,sb_checksum"]] {
        let unpacked = unpack(&F2fs, &image_of(folder.path(), options));
        assert_eq!(unpacked.problems, [], "{options:?}");
        assert_same(&unpacked, folder.path());
        assert_eq!(kind(&unpacked, "bin/sh"), Some(EntryKind::Symlink("busybox".to_owned())));
        assert_eq!(kind(&unpacked, "proc"), Some(EntryKind::Directory));
    }
}

#[test]
fn found_within_other_bytes_and_damaged() {
    if crate::testing::lacking(&["mkfs.f2fs", "sload.f2fs"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hello"), b"hello\n").unwrap();
    let image = image_of(folder.path(), &[]);
    let flash = [&[0xee; 9], image.as_slice(), &[0xff; 5000]].concat();
    assert_eq!(carve(&F2fs, &flash, 9), Some(image.len() as u64));
    assert_eq!(unpack_at(&F2fs, &flash, 9).file("hello"), b"hello\n");
    let mut bad = image.clone();
    bad[1024 + 40] ^= 0x10;
    assert_eq!(unpack(&F2fs, &bad).file("hello"), b"hello\n", "the copy of the superblock");
    let mut cut = image.clone();
    cut.truncate(image.len() - 4096);
    assert!(unpack(&F2fs, &cut).problems.iter().any(|(code, _)| *code == Code::Truncated));
    let mut text = vec![b' '; 9000];
    text[1024..1028].copy_from_slice(&[0x10, 0x20, 0xf5, 0xf2]);
    assert_eq!(carve(&F2fs, &text, 0), None);
}

const FIXTURE: &[u8] = include_bytes!("../../../../fixtures/f2fs/tree.f2fs.gz");

#[test]
fn the_journal_and_both_ways_of_names() {
    let unpacked = unpack(&F2fs, &gunzip(FIXTURE));
    assert_eq!(unpacked.problems, []);
    assert_eq!(unpacked.names(), ["motd", "folder/tree.squashfs", "folder/story.txt", "folder/again"]);
    assert!(unpacked.file("folder/tree.squashfs").starts_with(b"hsqs"));
    assert_eq!(kind(&unpacked, "link"), Some(EntryKind::Symlink("folder/story.txt".to_owned())));
    assert!(unpacked.file("folder/again") == &b"again ".repeat(2731)[..16_384], "a cluster of LZ4");
    survives_damage(&F2fs, &gunzip(FIXTURE));
}
