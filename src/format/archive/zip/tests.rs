//! Archives that Info-ZIP writes, and damaged ones.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::*;
use crate::codec::testing::noise;
use crate::format::testing::{Unpacked, carve, survives_damage, tool, try_unpack_at, unpack, unpack_at};
use crate::problem::Code;

fn tree(root: &Path) {
    fs::create_dir_all(root.join("etc/deep/er")).unwrap();
    fs::write(root.join("etc/text"), "a line\n").unwrap();
    fs::write(root.join("etc/deep/er/größe [1]"), "odd").unwrap();
    fs::write(root.join("binary"), noise(300_001)).unwrap();
    fs::write(root.join("empty"), "").unwrap();
    std::os::unix::fs::symlink("../etc/text", root.join("link")).unwrap();
}

fn zip(root: &Path, options: &[&str]) -> Vec<u8> {
    let _ = fs::remove_file(root.join("packed.zip"));
    tool(Command::new("zip").current_dir(root).args(["-q", "-y", "-r"]).args(options).args([
        "packed.zip",
        "etc",
        "binary",
        "empty",
        "link",
    ]));
    fs::read(root.join("packed.zip")).unwrap()
}

/// As a stream: sizes and checksums stand behind the data.
fn piped(root: &Path) -> Vec<u8> {
    tool(Command::new("sh").current_dir(root).args(["-c", "zip -q -y -r - etc binary empty link | cat"]))
}

fn check(unpacked: &Unpacked) {
    assert_eq!(unpacked.problems, []);
    let mut names = unpacked.names();
    names.sort_unstable();
    assert_eq!(names, ["binary", "empty", "etc/deep/er/größe [1]", "etc/text"]);
    assert!(unpacked.file("binary") == noise(300_001));
    assert_eq!((unpacked.file("etc/text"), unpacked.file("empty")), (b"a line\n".as_slice(), b"".as_slice()));
    let link = unpacked.entries.iter().find(|entry| entry.path == "link").unwrap();
    assert_eq!(link.kind, EntryKind::Symlink("../etc/text".to_owned()));
    assert!(unpacked.entries.iter().any(|entry| entry.path == "etc/deep" && entry.kind == EntryKind::Directory));
}

#[test]
fn every_method() {
    if crate::testing::lacking(&["7z", "bzip2", "zip"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    tree(folder.path());
    let mut images = vec![piped(folder.path())];
    for options in [["-9"].as_slice(), &["-0"], &["-Z", "bzip2"], &["-fz"], &["-X"], &["-ll"]] {
        images.push(zip(folder.path(), options));
    }
    for (number, image) in images.into_iter().enumerate() {
        let junk = [b"before".as_slice(), &image, b"after, behind PK\x05\x06"].concat();
        assert_eq!(carve(&Zip, &junk, 6), Some(u64::try_from(image.len()).unwrap()), "{number}");
        check(&unpack_at(&Zip, &junk, 6));
    }
    for method in ["LZMA", "Deflate64", "PPMd"] {
        let mut command = Command::new("7z");
        let packed = format!("{method}.zip");
        tool(command.current_dir(&folder).args(["a", "-tzip", &format!("-mm={method}"), &packed, "binary"]));
        let unpacked = unpack(&Zip, &fs::read(folder.path().join(&packed)).unwrap());
        assert_eq!((unpacked.file("binary") == noise(300_001), unpacked.problems), (true, vec![]), "{method}");
    }
}

#[test]
fn imploded_files() {
    let unpacked = unpack(&Zip, include_bytes!("../../../../fixtures/zip/implode.zip"));
    assert_eq!(unpacked.problems, []);
    let story = include_bytes!("../../../../fixtures/content/tree/story.txt");
    assert!(unpacked.file("plain.txt") == story && unpacked.file("coded.txt") == story);
}

#[test]
fn packages_of_android() {
    let image = include_bytes!("../../../../fixtures/zip/signed.apk");
    let junk = [b"before".as_slice(), image, b"after"].concat();
    assert_eq!(carve(&Zip, &junk, 6), Some(u64::try_from(image.len()).unwrap()));
    let unpacked = unpack_at(&Zip, &junk, 6);
    assert_eq!(
        (unpacked.names()[..3].to_vec(), unpacked.problems.len()),
        (vec!["APK Signing Block", "AndroidManifest.xml", "story.txt"], 0)
    );
    assert!(unpacked.file("APK Signing Block").ends_with(b"APK Sig Block 42"));
}

#[test]
fn archives_behind_a_program() {
    if crate::testing::lacking(&["zip"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    tree(folder.path());
    let image = zip(folder.path(), &["-9"]);
    fs::write(folder.path().join("packed.zip"), [noise(5000), image].concat()).unwrap();
    tool(Command::new("zip").current_dir(&folder).args(["-q", "-A", "packed.zip"]));
    let adjusted = fs::read(folder.path().join("packed.zip")).unwrap();
    check(&unpack_at(&Zip, &adjusted, 5000));
}

#[test]
fn wide_and_empty_archives() {
    if crate::testing::lacking(&["zip"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "text").unwrap();
    let wide = tool(Command::new("sh").current_dir(&folder).args(["-c", "zip -q -fz - file | cat"]));
    assert_eq!(unpack(&Zip, &wide).file("file"), b"text");
    let empty = [b"PK\x05\x06".as_slice(), &[0; 18]].concat();
    assert_eq!(carve(&Zip, &[empty.as_slice(), b"after"].concat(), 0), Some(22));
    assert!(unpack(&Zip, &empty).files.is_empty());
}

#[test]
fn encrypted_files_are_handed_over_as_they_are() {
    if crate::testing::lacking(&["zip"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    tree(folder.path());
    let unpacked = unpack(&Zip, &zip(folder.path(), &["-P", "secret"]));
    assert!(!unpacked.file("binary").is_empty());
    assert!(unpacked.problems.iter().all(|(code, _)| *code == Code::Encrypted) && !unpacked.problems.is_empty());
}

#[test]
fn without_its_directory() {
    if crate::testing::lacking(&["zip"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    tree(folder.path());
    for image in [zip(folder.path(), &["-9"]), piped(folder.path())] {
        let directory = image.windows(4).position(|magic| magic == b"PK\x01\x02").unwrap();
        let cut = unpack(&Zip, &image[..directory]);
        assert!(cut.file("binary") == noise(300_001));
        assert_eq!(cut.file("etc/text"), b"a line\n");
        assert_eq!(cut.problems[0].0, Code::Truncated);
        // The end of the directory is gone, and half of the file before it.
        let cut = unpack(&Zip, &image[..image.len() - 30]);
        assert!(cut.file("binary") == noise(300_001));
        let cut = unpack(&Zip, &image[..directory / 2]);
        assert!(cut.file("binary").len() > 100_000 && noise(300_001).starts_with(cut.file("binary")));
    }
}

#[test]
fn damage_is_told() {
    if crate::testing::lacking(&["zip"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    tree(folder.path());
    let mut image = zip(folder.path(), &["-0"]);
    image[100_000] ^= 1;
    assert_eq!(unpack(&Zip, &image).problems[0].0, Code::Checksum);
    fs::write(folder.path().join("binary"), noise(2000)).unwrap();
    survives_damage(&Zip, &zip(folder.path(), &["-9"]));
    survives_damage(&Zip, &piped(folder.path()));
}

#[test]
fn files_that_overlap_are_not_read_for_ever() {
    if crate::testing::lacking(&["zip"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), noise(100_000)).unwrap();
    let mut command = Command::new("sh");
    let image = tool(command.current_dir(&folder).args(["-c", "zip -q -X -0 - file > packed.zip && cat packed.zip"]));
    let (start, end) = (image.len() - 22 - 50, image.len() - 22);
    assert!(image[start..].starts_with(b"PK\x01\x02"));
    let overlapping = [&image[..start], &image[start..end].repeat(1000), &image[end..]].concat();
    let unpacked = unpack(&Zip, &overlapping);
    assert!(unpacked.files.len() <= 3);
    assert_eq!(unpacked.problems[0].0, Code::Corrupt);
}

#[test]
fn names_that_lead_elsewhere_are_kept_and_told() {
    if crate::testing::lacking(&["zip"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("aa")).unwrap();
    fs::write(folder.path().join("aa/file"), "text").unwrap();
    let mut command = Command::new("sh");
    let mut image = tool(command.current_dir(&folder).args(["-c", "zip -q -X -D - aa/file | cat"]));
    while let Some(at) = image.windows(3).position(|name| name == b"aa/") {
        image[at..at + 2].copy_from_slice(b"..");
    }
    let unpacked = unpack(&Zip, &image);
    assert_eq!((unpacked.file("../file"), unpacked.problems[0].0), (b"text".as_slice(), Code::UnsafeName));
}

#[test]
fn look_alikes_are_refused() {
    if crate::testing::lacking(&["zip"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    tree(folder.path());
    assert_eq!(carve(&Zip, b"PK\x03\x04 is the magic, and many programs hold it, with nothing behind it", 0), None);
    let image = zip(folder.path(), &["-9"]);
    let end = image.windows(4).rposition(|magic| magic == b"PK\x05\x06").unwrap();
    assert_eq!(carve(&Zip, &image, u64::try_from(end).unwrap()), None, "the end of an archive is none");
    let header = [&image[..40], &noise(4000)].concat();
    assert!(try_unpack_at(&Zip, &header, 0).is_none_or(|unpacked| unpacked.files.is_empty()));
}

#[test]
fn methods_of_the_first_pkzip() {
    let story = include_bytes!("../../../../fixtures/content/tree/story.txt");
    for image in [
        &include_bytes!("../../../../fixtures/zip/shrink.zip")[..],
        include_bytes!("../../../../fixtures/zip/reduce1.zip"),
        include_bytes!("../../../../fixtures/zip/reduce4.zip"),
    ] {
        let unpacked = unpack(&Zip, image);
        assert_eq!(unpacked.problems, []);
        assert!(unpacked.file("story.txt").len() > 8000 && unpacked.file("story.txt").ends_with(story));
        survives_damage(&Zip, image);
    }
}
