//! Images by `mkfs.btrfs`, compared with the tree that they were made of.

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
    tool(Command::new("mkfs.btrfs").args(["-q", "--shrink", "-r"]).arg(root).args(options).arg(&image));
    std::fs::read(image).unwrap()
}

#[test]
fn what_mkfs_makes_comes_back() {
    if crate::testing::lacking(&["mkfs.btrfs"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    plant(folder.path());
    std::fs::write(folder.path().join("bin/large"), noise(3_000_000)).unwrap();
    for index in 0..500 {
        std::fs::write(folder.path().join(format!("www/many-{index}")), format!("{index}")).unwrap();
    }
    for options in [
        &["-d", "single", "-n", "16384"][..],
        &["-m", "single", "-n", "4096"],
        &["-m", "dup", "--csum", "sha256"],
        &["-M", "-n", "4096", "-O^no-holes"],
    ] {
        let unpacked = unpack(&Btrfs, &image_of(folder.path(), options));
        assert_eq!(unpacked.problems, [], "{options:?}");
        assert_same(&unpacked, folder.path());
        assert_eq!(kind(&unpacked, "bin/sh"), Some(EntryKind::Symlink("busybox".to_owned())));
        assert_eq!(kind(&unpacked, "proc"), Some(EntryKind::Directory));
    }
}

#[test]
fn found_within_other_bytes_and_damaged() {
    if crate::testing::lacking(&["mkfs.btrfs"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hello"), b"hello\n").unwrap();
    std::fs::write(folder.path().join("noise"), noise(20_000)).unwrap();
    let image = image_of(folder.path(), &["-m", "dup"]);
    let flash = [&[0xee; 9], image.as_slice(), &[0xff; 5000]].concat();
    assert_eq!(carve(&Btrfs, &flash, 9), Some(image.len() as u64));
    assert_eq!(unpack_at(&Btrfs, &flash, 9).file("hello"), b"hello\n");
    let mut bad = image.clone();
    bad[0x1_0000 + 0x90] ^= 1;
    assert_eq!(carve(&Btrfs, &bad, 0), None);
    // One copy of each node that holds the file is broken.
    let mut bad = image.clone();
    let at = bad.windows(6).position(|window| window == b"hello\n").unwrap();
    bad[at] ^= 1;
    let unpacked = unpack(&Btrfs, &bad);
    assert_eq!((unpacked.file("hello"), unpacked.problems.len()), (&b"hello\n"[..], 0));
    let mut cut = image.clone();
    cut.truncate(image.len() - 4096);
    assert!(unpack(&Btrfs, &cut).problems.iter().any(|(code, _)| *code == Code::Truncated));
}

const FIXTURES: [&[u8]; 4] = [
    include_bytes!("../../../../fixtures/btrfs/no.btrfs.gz"),
    include_bytes!("../../../../fixtures/btrfs/zlib.btrfs.gz"),
    include_bytes!("../../../../fixtures/btrfs/lzo.btrfs.gz"),
    include_bytes!("../../../../fixtures/btrfs/zstd.btrfs.gz"),
];

#[test]
fn every_compression_and_subvolumes() {
    let images = FIXTURES.map(gunzip);
    let first = unpack(&Btrfs, &images[0]);
    assert_eq!(first.file("story.txt"), first.file("inner/story.txt"));
    for image in &images {
        let unpacked = unpack(&Btrfs, image);
        assert_eq!(unpacked.by_name(), first.by_name());
        assert_eq!(unpacked.problems, []);
        assert_eq!(unpacked.fact("header.name"), Some("example".to_owned()));
    }
    // What is behind this is of no use to the damage.
    survives_damage(&Btrfs, &images[3][..6 << 20]);
}
