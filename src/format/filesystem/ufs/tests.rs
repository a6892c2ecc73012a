//! Images by `makefs`, compared with the tree that they were made of.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use super::*;
use crate::format::EntryKind;
use crate::format::testing::tree::{assert_same, kind, noise, plant};
use crate::format::testing::{carve, gunzip, survives_damage, tool, unpack, unpack_at};
use crate::problem::Code;

fn image_of(root: &Path, version: u32, order: &str, options: &str, room: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image");
    let options = format!("version={version}{options}");
    tool(Command::new("makefs").args(["-t", "ffs", "-B", order, "-o", &options]).args(room).arg(&image).arg(root));
    std::fs::read(image).unwrap()
}

#[test]
fn what_makefs_makes_comes_back() {
    if crate::testing::lacking(&["makefs"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    plant(folder.path());
    std::fs::write(folder.path().join("bin/large"), noise(6_000_000)).unwrap();
    std::fs::hard_link(folder.path().join("bin/noise"), folder.path().join("etc/noise")).unwrap();
    symlink("x/".repeat(200), folder.path().join("etc/far")).unwrap();
    for (version, order, options) in
        [(1, "le", ""), (1, "be", ",bsize=16384,fsize=2048"), (2, "le", ""), (2, "be", ",bsize=16384,fsize=2048")]
    {
        let unpacked = unpack(&Ufs, &image_of(folder.path(), version, order, options, &["-s", "16m", "-f", "500"]));
        assert_eq!(unpacked.problems, [], "{version} {order}");
        assert_same(&unpacked, folder.path());
        assert_eq!(kind(&unpacked, "bin/sh"), Some(EntryKind::Symlink("busybox".to_owned())));
        assert_eq!(kind(&unpacked, "etc/far"), Some(EntryKind::Symlink("x/".repeat(200))));
        assert_eq!(kind(&unpacked, "proc"), Some(EntryKind::Directory));
    }
}

#[test]
fn found_within_other_bytes_and_damaged() {
    if crate::testing::lacking(&["makefs"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hello"), b"hello\n").unwrap();
    for version in [1, 2] {
        let image = image_of(folder.path(), version, "le", "", &["-s", "192k"]);
        let flash = [&[0xee; 9], image.as_slice(), &[0xff; 5000]].concat();
        assert_eq!(carve(&Ufs, &flash, 9), Some(image.len() as u64));
        assert_eq!(unpack_at(&Ufs, &flash, 9).file("hello"), b"hello\n");
        let cut = &image[..image.len() - 512];
        assert!(unpack(&Ufs, cut).problems.iter().any(|(code, _)| *code == Code::Truncated));
        survives_damage(&Ufs, &image);
    }
    let mut text = vec![b' '; 10_000];
    text[8192 + 1372..][..4].copy_from_slice(&[0x54, 0x19, 1, 0]);
    assert_eq!(carve(&Ufs, &text, 0), None);
}

#[test]
fn the_fixtures_hold_the_same() {
    let first = unpack(&Ufs, &gunzip(include_bytes!("../../../../fixtures/ufs/v1.ufs.gz")));
    let second = unpack(&Ufs, &gunzip(include_bytes!("../../../../fixtures/ufs/v2-big-endian.ufs.gz")));
    assert!(first.file("etc/motd").len() > 10);
    assert_eq!((first.by_name(), first.problems.len()), (second.by_name(), second.problems.len()));
}
