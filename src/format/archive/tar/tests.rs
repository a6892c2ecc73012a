//! Archives that GNU tar writes, and damaged ones.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Command;

use super::*;
use crate::codec::testing::noise;
use crate::format::testing::{Unpacked, carve, survives_damage, tool, unpack, unpack_at};
use crate::problem::Code;

/// 13 directories deep, with odd names: more than fits the header, and the prefix.
const LONG: &str = "a directory with a name that is long enough/another one that is about as long as the first was/\
    and a third one, so that all of it together is too much for a header/and more and more and more and more and more and more and more \
    and more and more and more/größe";

fn tree(root: &Path) {
    fs::create_dir_all(root.join("etc/deep/er")).unwrap();
    fs::write(root.join("etc/text"), "a line\n").unwrap();
    fs::write(root.join("binary"), noise(300_001)).unwrap();
    fs::write(root.join("empty"), "").unwrap();
    fs::create_dir_all(root.join(LONG).parent().unwrap()).unwrap();
    fs::write(root.join(LONG), "long").unwrap();
    fs::hard_link(root.join("binary"), root.join("same")).unwrap();
    std::os::unix::fs::symlink("../etc/text", root.join("link")).unwrap();
    std::os::unix::fs::symlink(LONG, root.join("longlink")).unwrap();
    tool(Command::new("mkfifo").arg(root.join("fifo")));
    let mut sparse = File::create(root.join("sparse")).unwrap();
    for piece in 0..40_u64 {
        sparse.seek(SeekFrom::Start(piece * 128 * 1024)).unwrap();
        sparse.write_all(format!("piece {piece}").as_bytes()).unwrap();
    }
    sparse.set_len(6 << 20).unwrap();
}

fn pack(root: &Path, options: &[&str]) -> Vec<u8> {
    let names = ["./etc", "binary", "same", "empty", "a directory with a name that is long enough", "link", "longlink", "fifo", "sparse"];
    tool(Command::new("tar").current_dir(root).args(["--sort=name", "--mtime=@1234567890.5", "-c"]).args(options).args(names))
}

fn check(unpacked: &Unpacked, root: &Path) {
    assert_eq!(unpacked.problems, []);
    let mut names = unpacked.names();
    names.sort_unstable();
    assert_eq!(names, [LONG, "binary", "empty", "etc/text", "sparse"]);
    for name in names {
        assert!(unpacked.file(name) == fs::read(root.join(name)).unwrap(), "{name}");
    }
    let entries: Vec<_> = unpacked.entries.iter().map(|entry| (entry.path.as_str(), entry.kind.clone())).collect();
    for (path, kind) in [
        ("etc", EntryKind::Directory),
        ("etc/deep/er", EntryKind::Directory),
        ("same", EntryKind::HardLink("binary".to_owned())),
        ("link", EntryKind::Symlink("../etc/text".to_owned())),
        ("longlink", EntryKind::Symlink(LONG.to_owned())),
        ("fifo", EntryKind::Fifo),
    ] {
        assert!(entries.contains(&(path, kind)), "{path} of {entries:?}");
    }
    assert!(unpacked.entries.iter().all(|entry| entry.attributes.modified == Some(1_234_567_890)));
}

#[test]
fn every_spelling() {
    if crate::testing::lacking(&["tar"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    tree(folder.path());
    let sparse = ["--format=posix", "--sparse-version=0.1", "-S"];
    let formats: [&[&str]; 6] = [
        &["--format=gnu"],
        &["--format=gnu", "-S"],
        &["--format=posix"],
        &["--format=posix", "-S"],
        &sparse,
        &["--format=posix", "--sparse-version=0.0", "-S"],
    ];
    for options in formats {
        let image = pack(folder.path(), options);
        assert!(image.len() < 2 << 20 || !options.contains(&"-S"), "the file is sparse in the archive");
        let junk = [b"before".as_slice(), &image, b"after"].concat();
        assert_eq!(carve(&Tar, &junk, 6), Some(u64::try_from(image.len()).unwrap()), "{options:?}");
        check(&unpack_at(&Tar, &junk, 6), folder.path());
    }
}

#[test]
fn names_that_are_split_and_numbers_that_are_large() {
    if crate::testing::lacking(&["tar"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = ["d"; 60].join("/") + "/file";
    fs::create_dir_all(folder.path().join(&path).parent().unwrap()).unwrap();
    fs::write(folder.path().join(&path), "split").unwrap();
    let mut command = Command::new("tar");
    let image = tool(command.current_dir(&folder).args(["--format=ustar", "-c", &path]));
    assert_eq!(unpack(&Tar, &image).names(), [path.as_str()]);
    let mut command = Command::new("tar");
    let image = tool(command.current_dir(&folder).args(["--format=gnu", "--owner=:3000000", "--mtime=@-5", "-c", "d"]));
    let attributes = &unpack(&Tar, &image).entries[0].attributes;
    assert_eq!((attributes.uid, attributes.modified), (Some(3_000_000), Some(-5)));
    assert_eq!(attributes.mode.unwrap() & 0o170_000, 0o040_000);
}

#[test]
fn names_that_lead_elsewhere_are_kept_and_told() {
    if crate::testing::lacking(&["tar"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "text").unwrap();
    let mut command = Command::new("tar");
    let image = tool(command.current_dir(&folder).args(["-P", "--transform=s,file,../../tmp/file,", "-c", "file"]));
    let unpacked = unpack(&Tar, &image);
    assert_eq!(unpacked.names(), ["../../tmp/file"]);
    assert_eq!(unpacked.problems[0].0, Code::UnsafeName);
}

#[test]
fn damage_is_told_and_the_rest_kept() {
    if crate::testing::lacking(&["tar"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    tree(folder.path());
    let whole = pack(folder.path(), &["--format=gnu", "-S"]);
    let cut = unpack(&Tar, &whole[..200_000]);
    assert_eq!(cut.file("etc/text"), b"a line\n");
    assert!(cut.file("binary").len() > 190_000 && noise(300_001).starts_with(cut.file("binary")));
    assert!(cut.problems.iter().all(|(code, _)| *code == Code::Truncated) && cut.problems.len() == 2, "{:?}", cut.problems);
    let mut command = Command::new("tar");
    let small = tool(command.current_dir(&folder).args(["--format=posix", "-c", "etc", "link", "longlink", "empty"]));
    survives_damage(&Tar, &small);
    let mut command = Command::new("tar");
    survives_damage(&Tar, &tool(command.current_dir(&folder).args(["--format=gnu", "-S", "-c", "sparse"])));
}

#[test]
fn archives_from_before_posix_are_read_as_whole_files() {
    if crate::testing::lacking(&["tar"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("etc")).unwrap();
    fs::write(folder.path().join("etc/motd"), "hello").unwrap();
    std::os::unix::fs::symlink("etc/motd", folder.path().join("link")).unwrap();
    let mut command = Command::new("tar");
    let image = tool(command.current_dir(&folder).args(["--format=v7", "--sort=name", "-c", "etc", "link"]));
    assert!(image[257..262] != *b"ustar");
    let unpacked = unpack(&Tar, &image);
    assert_eq!(unpacked.file("etc/motd"), b"hello");
    assert!(unpacked.entries.iter().any(|entry| entry.kind == EntryKind::Symlink("etc/motd".to_owned())));
    assert_eq!(carve(&Tar, &[b"before".as_slice(), &image].concat(), 6), None, "without a magic only the start is sure enough");
}

#[test]
fn look_alikes_are_refused() {
    let mut text = vec![b'x'; 600];
    text[257..262].copy_from_slice(b"ustar");
    assert_eq!(carve(&Tar, &text, 0), None);
}
