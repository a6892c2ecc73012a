//! Against images of the versions and dialects that no tool makes any more, made by a writer of ours.

use std::path::Path;
use std::process::Command;

use crate::format::EntryKind;
use crate::format::filesystem::squashfs::Squashfs;
use crate::format::testing::{Unpacked, carve, survives_damage, tool, tree, unpack};
use crate::problem::Code;

const WRITER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/make/flash_squashfs.py");

fn image_of(root: &Path, options: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image");
    tool(Command::new("python3").arg(WRITER).args([root, &image]).args(options));
    std::fs::read(image).unwrap()
}

fn sample(options: &[&str]) -> (tempfile::TempDir, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    tree::plant(folder.path());
    let image = image_of(folder.path(), options);
    (folder, image)
}

fn check(options: &[&str]) -> Unpacked {
    let (folder, image) = sample(options);
    assert_eq!(carve(&Squashfs, &image, 0), Some(image.len() as u64), "{options:?}");
    let unpacked = unpack(&Squashfs, &image);
    assert_eq!(unpacked.problems, [], "{options:?}");
    tree::assert_same(&unpacked, folder.path());
    assert_eq!(tree::kind(&unpacked, "bin/sh"), Some(EntryKind::Symlink("busybox".to_owned())));
    assert_eq!(tree::kind(&unpacked, "proc"), Some(EntryKind::Directory));
    unpacked
}

#[test]
fn all_versions_in_both_byte_orders() {
    if crate::testing::lacking(&["python3"]) {
        return;
    }
    for version in ["1", "2", "3", "4"] {
        for endian in ["little", "big"] {
            check(&["--version", version, "--endian", endian]);
        }
    }
}

#[test]
fn owners_and_modes_of_old_versions() {
    if crate::testing::lacking(&["python3", "mkfifo"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plain"), "plain").unwrap();
    tool(Command::new("mkfifo").args(["-m", "640"]).arg(folder.path().join("pipe")));
    for version in ["1", "2", "3"] {
        let unpacked = unpack(&Squashfs, &image_of(folder.path(), &["--version", version, "--endian", "big"]));
        assert_eq!(unpacked.problems, [], "{version}");
        assert_eq!(tree::kind(&unpacked, "pipe"), Some(EntryKind::Fifo));
        let pipe = &unpacked.entries.iter().find(|entry| entry.path == "pipe").unwrap().attributes;
        assert_eq!((pipe.mode, pipe.uid, pipe.gid), (Some(0o010_640), Some(0), Some(0)), "{version}");
    }
}

#[test]
fn magics_of_vendors_and_their_lzma() {
    if crate::testing::lacking(&["python3"]) {
        return;
    }
    check(&["--magic", "shsq", "--codec", "lzma"]);
    check(&["--magic", "qshs", "--codec", "lzma", "--endian", "big"]);
    check(&["--magic", "shsq", "--codec", "bare", "--version", "2"]);
    check(&["--magic", "hsqt", "--codec", "bare", "--properties", "022", "--prefix", "01020304"]);
    check(&["--magic", "tqsh", "--codec", "bare", "--properties", "310", "--endian", "big", "--prefix", "5d00008000ffffffff"]);
    check(&["--magic", "zlqs", "--codec", "bare", "--properties", "003", "--prefix", "5d00008000"]);
    check(&["--magic", "sqlz", "--codec", "xz", "--endian", "little"]);
    check(&["--magic", "shsq", "--version", "4", "--codec", "bare"]);
}

#[test]
fn big_endian_with_little_endian_lengths() {
    if crate::testing::lacking(&["python3"]) {
        return;
    }
    check(&["--version", "4", "--endian", "big", "--avm", "--codec", "xz", "--block", "65536"]);
}

#[test]
fn images_made_for_checks_have_a_byte_before_each_block() {
    if crate::testing::lacking(&["python3"]) {
        return;
    }
    check(&["--version", "3", "--check"]);
    check(&["--version", "2", "--check", "--endian", "big"]);
}

#[test]
fn many_names_and_many_inodes() {
    if crate::testing::lacking(&["python3"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for index in 0..900 {
        std::fs::write(folder.path().join(format!("file-number-{index:04}")), format!("{}", index % 7)).unwrap();
    }
    for version in ["1", "2", "3"] {
        let unpacked = unpack(&Squashfs, &image_of(folder.path(), &["--version", version]));
        assert_eq!(unpacked.problems, []);
        tree::assert_same(&unpacked, folder.path());
    }
}

#[test]
fn damage_is_survived_and_names_may_be_lost() {
    if crate::testing::lacking(&["python3"]) {
        return;
    }
    for options in [["--version", "1", "--endian", "big"], ["--version", "2", "--endian", "little"], ["--version", "3", "--codec", "bare"]]
    {
        let (_, image) = sample(&options);
        survives_damage(&Squashfs, &image);
        let cut = unpack(&Squashfs, &image[..image.len() / 2]);
        assert!(cut.problems.iter().any(|(code, _)| *code == Code::Truncated), "{options:?}");
    }
    let (folder, mut image) = sample(&["--version", "3"]);
    let listings = usize::try_from(u64::from_le_bytes(image[95..103].try_into().unwrap())).unwrap();
    image[listings + 2..listings + 60].fill(0xff);
    let unpacked = unpack(&Squashfs, &image);
    let content = |bytes: &[u8]| unpacked.files.iter().any(|(_, found)| found == bytes);
    assert!(tree::files(folder.path()).values().all(|bytes| content(bytes)), "content is found without names");
}
