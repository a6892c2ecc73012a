//! Archives that cpio writes, and damaged ones.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;
use crate::codec::testing::noise;
use crate::format::testing::{carve, survives_damage, tool, try_unpack_at, unpack, unpack_at};
use crate::problem::Code;

/// A tree of all that can be made without being root.
fn tree(root: &Path) {
    fs::create_dir_all(root.join("etc/deep/er")).unwrap();
    fs::write(root.join("etc/text"), "a line\n").unwrap();
    fs::write(root.join("etc/deep/er/größe [1]"), "odd").unwrap();
    fs::write(root.join("binary"), noise(300_001)).unwrap();
    fs::write(root.join("empty"), "").unwrap();
    fs::hard_link(root.join("binary"), root.join("same")).unwrap();
    std::os::unix::fs::symlink("../etc/text", root.join("link")).unwrap();
    tool(Command::new("mkfifo").arg(root.join("fifo")));
}

/// `names` in this order, as cpio writes them.
fn pack(root: &Path, format: &str, names: &[&str]) -> Vec<u8> {
    let mut command = Command::new("cpio");
    let command = command.current_dir(root).args(["-o", "--quiet", "-H", format]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(names.join("\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    output.stdout
}

const NAMES: &[&str] = &[".", "./etc", "./etc/text", "./etc/deep/er/größe [1]", "binary", "empty", "same", "link", "fifo"];

#[test]
fn every_spelling() {
    if crate::testing::lacking(&["cpio"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    tree(folder.path());
    for format in ["newc", "crc", "odc", "bin"] {
        let image = pack(folder.path(), format, NAMES);
        let junk = [b"before".as_slice(), &image, b"after"].concat();
        assert_eq!(carve(&Cpio, &junk, 6), Some(u64::try_from(image.len()).unwrap()), "{format}");
        let unpacked = unpack_at(&Cpio, &junk, 6);
        assert_eq!(unpacked.problems, [], "{format}");
        assert_eq!(unpacked.file("etc/text"), b"a line\n");
        assert_eq!(unpacked.file("etc/deep/er/größe [1]"), b"odd");
        assert_eq!(unpacked.file("empty"), b"");
        let entries: Vec<_> = unpacked.entries.iter().map(|entry| (entry.path.as_str(), entry.kind.clone())).collect();
        assert!(entries.contains(&("etc", EntryKind::Directory)), "{entries:?}");
        assert!(entries.contains(&("link", EntryKind::Symlink("../etc/text".to_owned()))));
        assert!(entries.contains(&("fifo", EntryKind::Fifo)));
        let (file, link) = if unpacked.names().contains(&"same") { ("same", "binary") } else { ("binary", "same") };
        assert!(unpacked.file(file) == noise(300_001), "{format}");
        assert!(unpacked.names().contains(&link) || entries.contains(&(link, EntryKind::HardLink(file.to_owned()))), "{format}");
    }
}

#[test]
fn the_other_byte_order() {
    if crate::testing::lacking(&["cpio"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    tree(folder.path());
    let mut image = pack(folder.path(), "bin", &["etc/text"]);
    let trailer = image.windows(2).rposition(|magic| magic == [0xc7, 0x71]).unwrap();
    for start in [0, trailer] {
        image[start..][..26].chunks_mut(2).for_each(|word| word.reverse());
    }
    assert_eq!(unpack(&Cpio, &image).file("etc/text"), b"a line\n");
}

#[test]
fn archives_in_a_row_are_one() {
    if crate::testing::lacking(&["cpio"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    tree(folder.path());
    let (one, two) = (pack(folder.path(), "newc", &["binary"]), pack(folder.path(), "newc", &["etc/text", "same"]));
    for gap in [0, 4, 1024] {
        let image = [one.as_slice(), &vec![0; gap], &two, &[0xff; 100]].concat();
        assert_eq!(unpack(&Cpio, &image).names(), ["binary", "etc/text", "same"]);
        assert_eq!(carve(&Cpio, &image, 0), Some(u64::try_from(image.len() - 100).unwrap()));
    }
}

#[test]
fn devices() {
    let field = |number: u32| format!("{number:08X}");
    let numbers = [1, 0o020_644, 0, 0, 1, 7, 0, 8, 1, 5, 1, 8, 0].map(field).concat();
    let trailer = [1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 11, 0].map(field).concat();
    let image = format!("070701{numbers}console\0\0\0070701{trailer}TRAILER!!!\0\0\0\0");
    let unpacked = unpack(&Cpio, image.as_bytes());
    assert_eq!(unpacked.entries[0].kind, EntryKind::CharacterDevice(5, 1));
    assert_eq!(unpacked.entries[0].attributes.modified, Some(7));
    assert_eq!(unpacked.problems, []);
}

#[test]
fn damage_is_told_and_the_rest_kept() {
    if crate::testing::lacking(&["cpio"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    tree(folder.path());
    let whole = pack(folder.path(), "crc", &["etc/text", "binary", "empty"]);
    let cut = unpack(&Cpio, &whole[..200_000]);
    assert_eq!(cut.file("etc/text"), b"a line\n");
    assert!(cut.file("binary").len() > 199_000 && noise(300_001).starts_with(cut.file("binary")));
    assert!(cut.problems.iter().all(|(code, _)| *code == Code::Truncated) && cut.problems.len() == 2, "{:?}", cut.problems);
    let mut wrong = whole.clone();
    wrong[100_000] ^= 1;
    assert_eq!(unpack(&Cpio, &wrong).problems[0].0, Code::Checksum);
    for format in ["newc", "odc", "bin"] {
        survives_damage(&Cpio, &pack(folder.path(), format, &["etc", "etc/text", "link", "fifo", "empty"]));
    }
}

#[test]
fn look_alikes_are_refused() {
    if crate::testing::lacking(&["cpio"]) {
        return;
    }
    assert!(try_unpack_at(&Cpio, b"070701 is the magic of cpio, and 070707 an older one, TRAILER!!!", 0).is_none());
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(carve(&Cpio, &pack(folder.path(), "newc", &[]), 0), None, "an empty archive holds nothing");
    let words: Vec<u8> = (0..4000_u32).flat_map(|number| [0xc7, 0x71, number.to_le_bytes()[0], 0]).collect();
    assert!((0..4000).all(|at| carve(&Cpio, &words, at * 4).is_none()));
}
