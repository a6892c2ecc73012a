//! Cabinets that gcab writes, one with LZX, and damaged ones.

use std::fs;
use std::process::Command;

use super::*;
use crate::blob::to_u64;
use crate::format::testing::{carve, survives_damage, tool, tree, unpack, unpack_at};
use crate::problem::Code;

#[test]
fn trees_come_back() {
    if crate::testing::lacking(&["gcab"]) {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let root = work.path().join("tree");
    tree::plant(&root);
    // gcab follows links and leaves out what is empty.
    fs::remove_file(root.join("bin/sh")).unwrap();
    fs::remove_file(root.join("etc/gone")).unwrap();
    let names: Vec<String> = tree::files(&root).into_keys().collect();
    for options in [&["-c"][..], &["-c", "-z"]] {
        tool(Command::new("gcab").current_dir(&root).args(options).arg(work.path().join("image")).args(&names));
        let image = fs::read(work.path().join("image")).unwrap();
        let junk = [b"before".as_slice(), &image, b"after"].concat();
        assert_eq!(carve(&Cab, &junk, 6), Some(to_u64(image.len())));
        let unpacked = unpack_at(&Cab, &junk, 6);
        assert_eq!(unpacked.problems, []);
        tree::assert_same(&unpacked, &root);
    }
}

const MSZIP: &[u8] = include_bytes!("../../../../fixtures/cab/mszip.cab");
const LZX: &[u8] = include_bytes!("../../../../fixtures/cab/lzx.cab");
const STORY: &[u8] = include_bytes!("../../../../fixtures/content/tree/story.txt");

#[test]
fn compressed_with_lzx() {
    let unpacked = unpack(&Cab, LZX);
    assert_eq!(unpacked.problems, []);
    assert!(unpacked.file("story.txt") == STORY);
}

#[test]
fn a_file_that_began_elsewhere_is_named() {
    let mut image = MSZIP.to_vec();
    let entry = usize::try_from(u32::from_le_bytes(image[16..20].try_into().unwrap())).unwrap();
    image[entry + 8..entry + 10].copy_from_slice(&[0xfd, 0xff]);
    let unpacked = unpack(&Cab, &image);
    assert_eq!(unpacked.problems.len(), 1);
    assert_eq!((unpacked.files[0].1.len(), unpacked.problems[0].0), (0, Code::Truncated));
    assert!(unpacked.file("story.txt") == STORY);
}

#[test]
fn what_is_not_read_is_named() {
    let mut image = MSZIP.to_vec();
    image[42] = 2;
    let unpacked = unpack(&Cab, &image);
    assert_eq!(unpacked.files.len(), unpack(&Cab, MSZIP).files.len());
    assert!(unpacked.problems.iter().all(|(code, _)| *code == Code::Unsupported), "{:?}", unpacked.problems);
}

#[test]
fn damage_is_told_and_the_rest_kept() {
    let whole = unpack(&Cab, MSZIP);
    let cut = unpack(&Cab, &MSZIP[..MSZIP.len() - 10]);
    assert_eq!(cut.names(), whole.names());
    assert!(cut.problems.iter().any(|(code, _)| *code == Code::Truncated), "{:?}", cut.problems);
    let mut wrong = LZX.to_vec();
    let last = wrong.len() - 1;
    wrong[last] ^= 1;
    assert_eq!(unpack(&Cab, &wrong).problems[0].0, Code::Checksum);
    survives_damage(&Cab, MSZIP);
    survives_damage(&Cab, LZX);
}

#[test]
fn look_alikes_are_refused() {
    assert_eq!(carve(&Cab, b"MSCF is what a cabinet begins with, and this is only a text about one of them", 0), None);
}
