//! Images by `mkfs.xfs`, compared with the tree that they were made of.

use std::fmt::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use super::*;
use crate::format::EntryKind;
use crate::format::testing::tree::{assert_same, kind, noise, plant};
use crate::format::testing::{carve, gunzip, survives_damage, tool, unpack, unpack_at};
use crate::problem::Code;

/// The tree below `folder` as `mkfs.xfs -p` wants it.
fn prototype(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().replace([' ', ','], "_").replace('&', "and");
        let kind = std::fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            writeln!(text, "{name} d--755 0 0").unwrap();
            prototype(&path, text);
            writeln!(text, "$").unwrap();
        } else if kind.is_symlink() {
            writeln!(text, "{name} l--777 0 0 {}", std::fs::read_link(&path).unwrap().display()).unwrap();
        } else {
            writeln!(text, "{name} ---644 0 0 {}", path.display()).unwrap();
        }
    }
}

fn image_of(root: &Path, size: &str, options: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (image, list) = (folder.path().join("image"), folder.path().join("list"));
    let mut text = "nothing\n1 1\nd--755 0 0\n".to_owned();
    prototype(root, &mut text);
    text.push_str("null c--600 0 0 1 3\n$\n$\n");
    std::fs::write(&list, text).unwrap();
    let data = format!("file,name={},size={size}", image.display());
    tool(Command::new("mkfs.xfs").args(["-q", "--unsupported", "-d", &data, "-p"]).arg(&list).args(options));
    std::fs::read(image).unwrap()
}

fn planted() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    plant(folder.path());
    std::fs::remove_file(folder.path().join("lib/odd name, with comma & umlaut \u{e4}")).unwrap();
    std::fs::write(folder.path().join("bin/large"), noise(3_000_000)).unwrap();
    std::fs::create_dir(folder.path().join("many")).unwrap();
    for index in 0..700 {
        std::fs::write(folder.path().join(format!("many/a-file-with-a-longer-name-{index}")), format!("{index}")).unwrap();
    }
    symlink("x/".repeat(400), folder.path().join("etc/far")).unwrap();
    folder
}

#[test]
fn what_mkfs_makes_comes_back() {
    if crate::testing::lacking(&["mkfs.xfs"]) {
        return;
    }
    let folder = planted();
    for options in [
        &["-m", "crc=1"][..],
        &["-m", "crc=1", "-b", "size=1024", "-n", "size=4096"],
        &["-m", "crc=0", "-n", "ftype=0"],
        &["-m", "crc=0", "-i", "size=256", "-n", "ftype=1"],
        &["-m", "bigtime=1,reflink=1", "-i", "nrext64=1,sparse=1,size=1024"],
    ] {
        let unpacked = unpack(&Xfs, &image_of(folder.path(), "32m", options));
        assert_eq!(unpacked.problems, [], "{options:?}");
        assert_same(&unpacked, folder.path());
        assert_eq!(kind(&unpacked, "bin/sh"), Some(EntryKind::Symlink("busybox".to_owned())));
        assert_eq!(kind(&unpacked, "etc/far"), Some(EntryKind::Symlink("x/".repeat(400))));
        assert_eq!(kind(&unpacked, "null"), Some(EntryKind::CharacterDevice(1, 3)));
        assert_eq!(kind(&unpacked, "proc"), Some(EntryKind::Directory));
    }
}

#[test]
fn found_within_other_bytes_and_damaged() {
    if crate::testing::lacking(&["mkfs.xfs"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hello"), b"hello\n").unwrap();
    let image = image_of(folder.path(), "16m", &[]);
    let flash = [&[0xee; 9], image.as_slice(), &[0xff; 5000]].concat();
    assert_eq!(carve(&Xfs, &flash, 9), Some(image.len() as u64));
    assert_eq!(unpack_at(&Xfs, &flash, 9).file("hello"), b"hello\n");
    if let Some(copy) = image.windows(4).skip(4).position(|window| window == b"XFSB") {
        assert_eq!(carve(&Xfs, &image, copy as u64 + 4), None, "the copy in another group");
    }
    let mut bad = image.clone();
    bad[140] ^= 1;
    assert!(unpack(&Xfs, &bad).problems.iter().any(|(code, _)| *code == Code::Checksum));
    let mut cut = image.clone();
    cut.truncate(image.len() - 4096);
    assert!(unpack(&Xfs, &cut).problems.iter().any(|(code, _)| *code == Code::Truncated));
    assert_eq!(carve(&Xfs, &[b"XFSB", [b' '; 600].as_slice()].concat(), 0), None);
    let head = &image[..1 << 20];
    survives_damage(&Xfs, head);
}

#[test]
fn the_fixture_is_whole() {
    let unpacked = unpack(&Xfs, &gunzip(include_bytes!("../../../../fixtures/xfs/tree.xfs.gz")));
    assert_eq!((unpacked.names(), unpacked.problems.len()), (vec!["story", "etc/motd"], 0));
    assert_eq!(unpacked.fact("header.name"), Some("example".to_owned()));
}
