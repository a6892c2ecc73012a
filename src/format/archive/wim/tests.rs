//! Images that wimlib writes, and damaged ones.

use std::fs;
use std::process::Command;

use super::*;
use crate::blob::to_u64;
use crate::format::EntryKind;
use crate::format::testing::{carve, survives_damage, tool, tree, unpack, unpack_at};

fn capture(options: &[&str]) -> (tempfile::TempDir, Vec<u8>) {
    let work = tempfile::tempdir().unwrap();
    let (root, image) = (work.path().join("tree"), work.path().join("image.wim"));
    tree::plant(&root);
    fs::hard_link(root.join("bin/busybox"), root.join("bin/zcat")).unwrap();
    tool(Command::new("wimlib-imagex").arg("capture").arg(&root).arg(&image).args(options));
    let bytes = fs::read(image).unwrap();
    (work, bytes)
}

#[test]
fn trees_come_back() {
    if crate::testing::lacking(&["wimlib-imagex"]) {
        return;
    }
    for compression in ["none", "XPRESS", "LZX", "LZX:100", "XPRESS:100"] {
        let (work, image) = capture(&[&format!("--compress={compression}")]);
        let junk = [b"before".as_slice(), &image, b"after"].concat();
        assert_eq!(carve(&Wim, &junk, 6), Some(to_u64(image.len())), "{compression}");
        let mut unpacked = unpack_at(&Wim, &junk, 6);
        assert_eq!(unpacked.problems, [], "{compression}");
        let (description, _) = unpacked.files.remove(0);
        assert_eq!(description, "description.xml");
        tree::assert_same(&unpacked, &work.path().join("tree"));
        assert_eq!(tree::kind(&unpacked, "bin/sh"), Some(EntryKind::Symlink("busybox".to_owned())));
        assert_eq!(tree::kind(&unpacked, "proc"), Some(EntryKind::Directory));
    }
}

#[test]
fn larger_chunks() {
    if crate::testing::lacking(&["wimlib-imagex"]) {
        return;
    }
    for (compression, chunk) in [("LZX", "2097152"), ("LZX", "65536"), ("XPRESS", "4096")] {
        let (work, image) = capture(&[&format!("--compress={compression}"), &format!("--chunk-size={chunk}")]);
        let mut unpacked = unpack(&Wim, &image);
        assert_eq!(unpacked.problems, [], "{compression} {chunk}");
        unpacked.files.remove(0);
        tree::assert_same(&unpacked, &work.path().join("tree"));
    }
}

#[test]
fn solid_resources_and_lzms() {
    if crate::testing::lacking(&["wimlib-imagex"]) {
        return;
    }
    let cases: [&[&str]; 5] = [
        &["--compress=LZMS"],
        &["--compress=LZMS", "--chunk-size=32768"],
        &["--solid", "--solid-compress=LZMS"],
        &["--solid", "--solid-compress=LZX", "--solid-chunk-size=65536"],
        &["--solid", "--solid-compress=XPRESS", "--solid-chunk-size=65536"],
    ];
    for options in cases {
        let (work, image) = capture(options);
        let mut unpacked = unpack(&Wim, &image);
        assert_eq!(unpacked.problems, [], "{options:?}");
        unpacked.files.remove(0);
        tree::assert_same(&unpacked, &work.path().join("tree"));
    }
    for options in cases {
        let work = tempfile::tempdir().unwrap();
        let (root, image) = (work.path().join("tree"), work.path().join("image.wim"));
        fs::create_dir(&root).unwrap();
        fs::write(root.join("story.txt"), include_bytes!("../../../../fixtures/content/tree/story.txt")).unwrap();
        tool(Command::new("wimlib-imagex").arg("capture").arg(&root).arg(&image).args(options));
        survives_damage(&Wim, &fs::read(image).unwrap());
    }
}

#[test]
fn code_in_lzms_comes_back() {
    if crate::testing::lacking(&["wimlib-imagex"]) {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let (root, image) = (work.path().join("tree"), work.path().join("image.wim"));
    fs::create_dir(&root).unwrap();
    let program = fs::read(std::env::current_exe().unwrap()).unwrap();
    let program = &program[..program.len().min(2 << 20)];
    fs::write(root.join("program"), program).unwrap();
    tool(Command::new("wimlib-imagex").arg("capture").arg(&root).arg(&image).args(["--compress=LZMS"]));
    assert!(unpack(&Wim, &fs::read(image).unwrap()).file("program") == program);
}

const IMAGE: &[u8] = include_bytes!("../../../../fixtures/wim/lzx.wim");

#[test]
fn damage_is_told_and_the_rest_kept() {
    let whole = unpack(&Wim, IMAGE);
    assert_eq!(whole.problems, []);
    let mut wrong = IMAGE.to_vec();
    wrong[300..400].iter_mut().for_each(|byte| *byte ^= 0x55);
    assert!(!unpack(&Wim, &wrong).problems.is_empty());
    survives_damage(&Wim, IMAGE);
}

#[test]
fn look_alikes_are_refused() {
    assert_eq!(carve(&Wim, &[b"MSWIM\0\0\0 is the magic".as_slice(), &[b' '; 300]].concat(), 0), None);
}
