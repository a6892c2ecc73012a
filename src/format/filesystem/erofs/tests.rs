//! Images by `mkfs.erofs`, compared with the tree that they were made of.

use std::path::Path;
use std::process::Command;

use super::*;
use crate::format::EntryKind;
use crate::format::testing::tree::{assert_same, kind, noise, plant};
use crate::format::testing::{carve, survives_damage, tool, unpack, unpack_at};
use crate::problem::Code;

fn image_of(root: &Path, options: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image");
    let maker = std::env::var("TOUCHMARK_MKFS_EROFS").unwrap_or_else(|_| "mkfs.erofs".to_owned());
    tool(Command::new(maker).args(options).arg(&image).arg(root));
    std::fs::read(image).unwrap()
}

fn planted() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    plant(folder.path());
    std::fs::write(folder.path().join("bin/large"), [noise(900_000), vec![7; 500_000], noise(5)].concat()).unwrap();
    std::fs::hard_link(folder.path().join("bin/noise"), folder.path().join("etc/noise")).unwrap();
    folder
}

fn comes_back(options: &[&str]) {
    let folder = planted();
    let image = image_of(folder.path(), options);
    let unpacked = unpack(&Erofs, &image);
    assert_eq!(unpacked.problems, [], "{options:?}");
    assert_same(&unpacked, folder.path());
    assert_eq!(kind(&unpacked, "bin/sh"), Some(EntryKind::Symlink("busybox".to_owned())));
    assert_eq!(kind(&unpacked, "proc"), Some(EntryKind::Directory));
}

#[test]
fn all_layouts_come_back() {
    if crate::testing::lacking(&["mkfs.erofs"]) {
        return;
    }
    let layouts: &[&[&str]] = &[
        &[],
        &["-Eforce-inode-extended"],
        &["-Eforce-inode-compact", "-x-1"],
        &["-Enoinline_data"],
        &["--chunksize=4096"],
        &["--chunksize=65536", "-Eforce-chunk-indexes"],
        &["-zlz4hc"],
        &["-zlz4", "-Elegacy-compress"],
        &["-zlz4hc", "-C65536"],
        &["-zlz4hc", "-C65536", "-Elegacy-compress"],
        &["-zlz4hc", "-Eztailpacking"],
        &["-zlz4hc", "-C16384", "-Eztailpacking,force-inode-extended"],
    ];
    layouts.iter().for_each(|options| comes_back(options));
}

/// What newer tools make: run with the environment variable that names one.
#[test]
fn newer_layouts_come_back() {
    if std::env::var_os("TOUCHMARK_MKFS_EROFS").is_none() {
        return;
    }
    for codec in ["lz4hc,level=9", "lzma", "deflate", "zstd", "lz4hc:lzma"] {
        let codec = format!("-z{codec}");
        for options in ["-C4096", "-C65536"] {
            for extended in
                ["all-fragments", "fragments", "dedupe", "fragments,dedupe", "ztailpacking,fragments", "legacy-compress", "noinline_data"]
            {
                comes_back(&[&codec, options, &format!("-E{extended}")]);
            }
        }
    }
    comes_back(&["-b1024"]);
    comes_back(&["-b1024", "-zlz4"]);
}

#[test]
fn found_within_other_bytes() {
    if crate::testing::lacking(&["mkfs.erofs"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hello"), b"hello\n").unwrap();
    let image = image_of(folder.path(), &[]);
    let flash = [&[0xee; 9], image.as_slice(), &[0xff; 5000]].concat();
    assert_eq!(carve(&Erofs, &flash, 9), Some(image.len() as u64));
    assert_eq!(unpack_at(&Erofs, &flash, 9).file("hello"), b"hello\n");
    let mut text = vec![b' '; 5000];
    text[1024..1028].copy_from_slice(&[0xe2, 0xe1, 0xf5, 0xe0]);
    assert_eq!(carve(&Erofs, &text, 0), None);
}

#[test]
fn damage_costs_only_what_it_hits() {
    if crate::testing::lacking(&["mkfs.erofs"]) {
        return;
    }
    let folder = planted();
    let image = image_of(folder.path(), &["-zlz4hc", "-C16384"]);
    let whole = unpack(&Erofs, &image);
    let cut = unpack(&Erofs, &image[..image.len() / 10 * 9]);
    assert!(cut.problems.iter().any(|(code, _)| *code == Code::Truncated));
    assert!(cut.files.iter().filter(|(name, bytes)| whole.file(name) == bytes.as_slice() && !bytes.is_empty()).count() > 0);
    let mut bad = image.clone();
    bad[1024 + 70] ^= 1;
    assert!(unpack(&Erofs, &bad).problems.iter().any(|(code, _)| *code == Code::Checksum));
}

const FIXTURES: [&[u8]; 6] = [
    include_bytes!("../../../../fixtures/erofs/plain.erofs"),
    include_bytes!("../../../../fixtures/erofs/chunks.erofs"),
    include_bytes!("../../../../fixtures/erofs/lz4.erofs"),
    include_bytes!("../../../../fixtures/erofs/lzma.erofs"),
    include_bytes!("../../../../fixtures/erofs/deflate.erofs"),
    include_bytes!("../../../../fixtures/erofs/zstd.erofs"),
];

#[test]
fn all_fixtures_hold_the_same() {
    let first = unpack(&Erofs, FIXTURES[0]);
    assert!(first.file("etc/motd").len() > 10);
    for fixture in FIXTURES {
        let unpacked = unpack(&Erofs, fixture);
        assert_eq!(unpacked.by_name(), first.by_name());
        assert_eq!(unpacked.problems, []);
        survives_damage(&Erofs, fixture);
    }
}
