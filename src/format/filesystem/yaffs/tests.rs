//! Against images of a writer of ours: no tool of Debian makes any.

use std::path::Path;
use std::process::Command;

use super::*;
use crate::format::EntryKind;
use crate::format::testing::{Unpacked, carve, survives_damage, tool, tree as planted, unpack, unpack_at};

const WRITER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/make/flash_yaffs.py");

fn image_of(root: &Path, options: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image");
    tool(Command::new("python3").arg(WRITER).args([root, &image]).args(options));
    std::fs::read(image).unwrap()
}

fn sample(options: &[&str]) -> (tempfile::TempDir, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    planted::plant(folder.path());
    std::fs::hard_link(folder.path().join("bin/busybox"), folder.path().join("bin/zcat")).unwrap();
    let image = image_of(folder.path(), options);
    (folder, image)
}

fn check(options: &[&str]) -> Unpacked {
    let (folder, image) = sample(options);
    assert_eq!(carve(&Yaffs, &image, 0), Some(image.len() as u64), "{options:?}");
    let unpacked = unpack(&Yaffs, &image);
    assert_eq!(unpacked.problems, [], "{options:?}");
    planted::assert_same(&unpacked, folder.path());
    assert_eq!(planted::kind(&unpacked, "bin/sh"), Some(EntryKind::Symlink("busybox".to_owned())));
    assert_eq!(planted::kind(&unpacked, "bin/zcat"), Some(EntryKind::HardLink("bin/busybox".to_owned())));
    assert_eq!(planted::kind(&unpacked, "proc"), Some(EntryKind::Directory));
    unpacked
}

#[test]
fn pages_and_spare_areas_of_all_sizes() {
    if crate::testing::lacking(&["python3"]) {
        return;
    }
    check(&[]);
    check(&["--endian", "big"]);
    check(&["--tags-at", "2", "--ecc"]);
    check(&["--tags-at", "28", "--extra"]);
    for (page, spare) in [("512", "16"), ("1024", "32"), ("4096", "128"), ("4096", "224"), ("8192", "448")] {
        check(&["--page", page, "--spare", spare, "--version", if page == "512" { "1" } else { "2" }]);
    }
    check(&["--version", "1", "--page", "512", "--spare", "16", "--endian", "big"]);
    check(&["--inband", "--spare", "0"]);
    check(&["--inband", "--spare", "0", "--page", "4096", "--endian", "big"]);
}

#[test]
fn what_was_replaced_and_deleted_stays_out() {
    if crate::testing::lacking(&["python3"]) {
        return;
    }
    for options in [&["--history"][..], &["--history", "--endian", "big", "--extra"], &["--history", "--inband", "--spare", "0"]] {
        let unpacked = check(options);
        assert!(!unpacked.files.iter().any(|(_, bytes)| bytes.starts_with(b"an older")), "{options:?}");
    }
}

#[test]
fn found_among_other_bytes_and_cut() {
    if crate::testing::lacking(&["python3"]) {
        return;
    }
    let (folder, image) = sample(&[]);
    let among = [vec![0x5a; 700], image.clone(), vec![0xff; 2112 * 3], planted::noise(5000)].concat();
    assert_eq!(carve(&Yaffs, &among, 700), Some(image.len() as u64));
    planted::assert_same(&unpack_at(&Yaffs, &among, 700), folder.path());
    let half = unpack(&Yaffs, &image[..image.len() / 2]);
    let expected = planted::files(folder.path());
    let whole = half.files.iter().filter(|(name, bytes)| expected.get(name) == Some(bytes)).count();
    assert!(whole > 0, "{:?}", half.names());
}

#[test]
fn names_may_be_lost() {
    if crate::testing::lacking(&["python3"]) {
        return;
    }
    let (folder, mut image) = sample(&[]);
    let noise = std::fs::read(folder.path().join("bin/noise")).unwrap();
    let name = image.windows(6).position(|bytes| bytes == b"noise\0").unwrap() - 10;
    image[name..name + 2112].fill(0xff);
    let unpacked = unpack(&Yaffs, &image);
    assert!(unpacked.files.iter().any(|(name, bytes)| name.starts_with("lost+found/") && bytes.starts_with(&noise)));
}

#[test]
fn what_only_looks_like_one_is_refused() {
    let header = [&[3, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xff][..], &[0; 4096]].concat();
    assert_eq!(carve(&Yaffs, &header, 0), None);
    assert_eq!(carve(&Yaffs, &[&header[..10], &planted::noise(100_000)].concat(), 0), None);
    assert_eq!(carve(&Yaffs, &header[..10], 0), None);
}

#[test]
fn damage_is_survived() {
    if crate::testing::lacking(&["python3"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("a/b")).unwrap();
    std::fs::write(folder.path().join("a/b/file"), planted::code(30_000)).unwrap();
    survives_damage(&Yaffs, &image_of(folder.path(), &["--history"]));
    survives_damage(&Yaffs, &image_of(folder.path(), &["--page", "512", "--spare", "16", "--version", "1"]));
}
