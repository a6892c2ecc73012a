//! Against images that mksquashfs makes.

mod old;

use std::path::Path;
use std::process::Command;

use super::*;
use crate::format::EntryKind;
use crate::format::testing::{Unpacked, carve, survives_damage, tool, tree, unpack, unpack_at};
use crate::problem::Code;

/// An image of the folder `root`.
fn image_of(root: &Path, options: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image");
    let fixed = ["-quiet", "-no-progress", "-processors", "1", "-all-time", "1700000000", "-no-xattrs"];
    tool(Command::new("mksquashfs").args([root, &image]).args(fixed).args(options));
    std::fs::read(image).unwrap()
}

/// The usual folder and its image.
fn sample(options: &[&str]) -> (tempfile::TempDir, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    tree::plant(folder.path());
    std::fs::hard_link(folder.path().join("bin/busybox"), folder.path().join("bin/zcat")).unwrap();
    let image = image_of(folder.path(), options);
    (folder, image)
}

fn check(options: &[&str]) {
    let (folder, image) = sample(options);
    let unpacked = unpack(&Squashfs, &image);
    assert_eq!(unpacked.problems, [], "{options:?}");
    tree::assert_same(&unpacked, folder.path());
    assert_eq!(tree::kind(&unpacked, "bin/sh"), Some(EntryKind::Symlink("busybox".to_owned())));
    assert_eq!(tree::kind(&unpacked, "bin/zcat"), Some(EntryKind::HardLink("bin/busybox".to_owned())));
    assert_eq!(tree::kind(&unpacked, "proc"), Some(EntryKind::Directory));
}

#[test]
fn gzip_images_hold_what_was_put_in() {
    if crate::testing::lacking(&["mksquashfs"]) {
        return;
    }
    check(&["-comp", "gzip"]);
}

#[test]
fn small_blocks_many_fragments_and_none() {
    if crate::testing::lacking(&["mksquashfs"]) {
        return;
    }
    check(&["-b", "4096"]);
    check(&["-b", "4096", "-no-fragments"]);
    check(&["-b", "16384", "-always-use-fragments"]);
}

#[test]
fn nothing_or_only_some_is_compressed() {
    if crate::testing::lacking(&["mksquashfs"]) {
        return;
    }
    check(&["-noI", "-noD", "-noF"]);
    check(&["-noI", "-noD", "-b", "4096"]);
    check(&["-noF"]);
    check(&["-Xcompression-level", "3", "-Xwindow-size", "10"]);
}

#[test]
fn other_compressors() {
    if crate::testing::lacking(&["mksquashfs"]) {
        return;
    }
    for name in ["xz", "lzma", "lzo", "lz4", "zstd"] {
        check(&["-comp", name]);
    }
    check(&["-comp", "xz", "-Xbcj", "arm,x86", "-Xdict-size", "8192", "-b", "16384"]);
    check(&["-comp", "lz4", "-Xhc"]);
}

#[test]
fn modes_owners_times_and_devices() {
    if crate::testing::lacking(&["mksquashfs"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plain"), "plain").unwrap();
    let mut pseudo = Vec::new();
    for line in ["console c 600 0 5 5 1", "wide b 640 7 9 300 70000", "pipe f 4711 1000 1000 ls", "queue i 644 0 0 f", "gate i 600 0 0 s"] {
        pseudo.extend(["-p", line]);
    }
    let image = image_of(folder.path(), &pseudo);
    let unpacked = unpack(&Squashfs, &image);
    assert_eq!(unpacked.problems, []);
    assert_eq!(tree::kind(&unpacked, "console"), Some(EntryKind::CharacterDevice(5, 1)));
    assert_eq!(tree::kind(&unpacked, "wide"), Some(EntryKind::BlockDevice(300, 70_000)));
    assert_eq!(tree::kind(&unpacked, "queue"), Some(EntryKind::Fifo));
    assert_eq!(tree::kind(&unpacked, "gate"), Some(EntryKind::Socket));
    let console = &unpacked.entries.iter().find(|entry| entry.path == "console").unwrap().attributes;
    assert_eq!((console.mode, console.uid, console.gid, console.modified), (Some(0o020_600), Some(0), Some(5), Some(1_700_000_000)));
}

#[test]
fn a_folder_of_more_names_than_one_block_lists() {
    if crate::testing::lacking(&["mksquashfs"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for index in 0..900 {
        std::fs::write(folder.path().join(format!("file-number-{index:04}")), format!("{}", index % 7)).unwrap();
    }
    let unpacked = unpack(&Squashfs, &image_of(folder.path(), &[]));
    assert_eq!(unpacked.problems, []);
    tree::assert_same(&unpacked, folder.path());
    assert!(unpacked.names().is_sorted(), "in the order of the image");
}

#[test]
fn an_empty_folder_is_an_image_too() {
    if crate::testing::lacking(&["mksquashfs"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let unpacked = unpack(&Squashfs, &image_of(folder.path(), &[]));
    assert!(unpacked.files.is_empty() && unpacked.problems.is_empty(), "{unpacked:?}");
}

#[test]
fn the_end_is_what_the_superblock_says() {
    if crate::testing::lacking(&["mksquashfs"]) {
        return;
    }
    let (folder, image) = sample(&["-nopad"]);
    let length = image.len() as u64;
    let among = [vec![0x5a; 700], image, tree::noise(5000)].concat();
    assert_eq!(carve(&Squashfs, &among, 700), Some(length));
    tree::assert_same(&unpack_at(&Squashfs, &among, 700), folder.path());
}

#[test]
fn what_only_looks_like_one_is_refused() {
    if crate::testing::lacking(&["mksquashfs"]) {
        return;
    }
    assert_eq!(carve(&Squashfs, b"hsqs", 0), None);
    assert_eq!(carve(&Squashfs, &[b"hsqs\0sqsh\0squashfs: version %d.%d\n".as_slice(), &[0; 200]].concat(), 0), None);
    assert_eq!(carve(&Squashfs, &[b"hsqs".as_slice(), &tree::noise(4096)].concat(), 0), None);
    let (_, image) = sample(&[]);
    for (at, value) in [(12, 3), (20, 9), (22, 11), (25, 0xf0), (26, 0), (28, 3), (30, 1), (71, 1), (79, 1), (37, 9)] {
        let mut wrong = image.clone();
        wrong[at] = value;
        assert_eq!(carve(&Squashfs, &wrong, 0), None, "byte {at}");
    }
}

/// Offsets that the superblock has at `at`.
fn pointer(image: &[u8], at: usize) -> usize {
    usize::try_from(u64::from_le_bytes(image[at..at + 8].try_into().unwrap())).unwrap()
}

#[test]
fn a_truncated_image_gives_what_is_left_of_it() {
    if crate::testing::lacking(&["mksquashfs"]) {
        return;
    }
    let (folder, image) = sample(&[]);
    let directories = pointer(&image, 72);
    // Names are gone and so are fragments, but not the blocks.
    let without_names = unpack(&Squashfs, &image[..directories]);
    assert!(without_names.problems.iter().any(|(code, _)| *code == Code::Truncated));
    let busybox = std::fs::read(folder.path().join("bin/busybox")).unwrap();
    let found = |unpacked: &Unpacked, least: usize| {
        unpacked.files.iter().any(|(name, bytes)| name.starts_with("lost+found/#") && bytes.len() >= least && busybox.starts_with(bytes))
    };
    assert!(found(&without_names, 2 * 131_072), "{:?}", without_names.names());
}

#[test]
fn blocks_are_found_without_any_table() {
    if crate::testing::lacking(&["mksquashfs"]) {
        return;
    }
    for (name, found) in [("gzip", true), ("xz", true), ("lzma", true), ("zstd", true), ("lz4", false)] {
        let (folder, image) = sample(&["-comp", name]);
        let unpacked = unpack(&Squashfs, &image[..pointer(&image, 64) - 10]);
        assert!(unpacked.problems.iter().any(|(code, _)| *code == Code::Truncated));
        let busybox = std::fs::read(folder.path().join("bin/busybox")).unwrap();
        let blocks = &busybox[..2 * 131_072];
        let has = |bytes: &[u8]| memchr::memmem::find(bytes, blocks).is_some();
        assert_eq!(unpacked.files.iter().any(|(_, bytes)| has(bytes)), found, "{name}: {:?}", unpacked.names());
    }
}

#[test]
fn damage_costs_only_what_it_hits() {
    if crate::testing::lacking(&["mksquashfs"]) {
        return;
    }
    let (folder, image) = sample(&["-b", "16384"]);
    let expected = tree::files(folder.path());

    let mut block = image.clone();
    block[96 + 5000..96 + 5100].fill(0xff);
    let unpacked = unpack(&Squashfs, &block);
    assert_eq!(unpacked.files.len() + 1, expected.len(), "all files but the hard link");
    let broken: Vec<_> = unpacked.files.iter().filter(|(name, bytes)| expected[name] != *bytes).collect();
    assert_eq!(broken.len(), 1, "one block, one file");
    let whole = &expected[&broken[0].0];
    assert_eq!(broken[0].1.len(), whole.len(), "what comes after the block keeps its place");
    assert_eq!(broken[0].1[32_768..], whole[32_768..]);
    assert_eq!(unpacked.problems.len(), 1);

    let mut listing = image.clone();
    let directories = pointer(&image, 72);
    listing[directories + 2..directories + 60].fill(0xff);
    let unpacked = unpack(&Squashfs, &listing);
    let mut found: Vec<_> = unpacked.files.iter().map(|(_, bytes)| bytes).collect();
    let mut whole: Vec<_> = expected.iter().filter(|(name, _)| *name != "bin/zcat").map(|(_, bytes)| bytes).collect();
    found.sort();
    whole.sort();
    assert!(found == whole, "content is found without names");
    assert!(!unpacked.problems.is_empty());
}

#[test]
fn lzma_under_the_name_of_zlib() {
    if crate::testing::lacking(&["mksquashfs"]) {
        return;
    }
    let (folder, mut image) = sample(&["-comp", "lzma"]);
    image[20] = 1;
    tree::assert_same(&unpack(&Squashfs, &image), folder.path());
}

#[test]
fn folders_that_contain_themselves_come_to_an_end() {
    if crate::testing::lacking(&["mksquashfs"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("a/b")).unwrap();
    std::fs::write(folder.path().join("a/file"), "text").unwrap();
    let mut image = image_of(folder.path(), &["-noI", "-no-exports"]);
    // Inodes of 32 bytes: b, file, a, the root. The listing of b becomes that of a.
    let inodes = pointer(&image, 64) + 2;
    assert_eq!(image[inodes..].chunks(32).take(4).map(|inode| inode[0]).collect::<Vec<_>>(), [1, 2, 1, 1]);
    image.copy_within(inodes + 64 + 16..inodes + 64 + 32, inodes + 16);
    let unpacked = unpack(&Squashfs, &image);
    assert_eq!(unpacked.names(), ["a/b/file"]);
    assert_eq!(tree::kind(&unpacked, "a/file"), Some(EntryKind::HardLink("a/b/file".to_owned())));
    assert_eq!(unpacked.problems.len(), 1, "{:?}", unpacked.problems);
}

#[test]
fn a_thousand_folders_that_are_all_the_uppermost_one_are_stopped() {
    if crate::testing::lacking(&["mksquashfs"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for index in 0..1000 {
        std::fs::create_dir(folder.path().join(format!("{index:03}"))).unwrap();
    }
    let mut image = image_of(folder.path(), &["-noI", "-no-exports"]);
    // Where the listing of the root is, by its extended inode, the last of 1001: start_block, file_size and offset.
    let inodes = pointer(&image, 64);
    let place = |number: usize| inodes + 2 + number * 32 + number * 32 / 8192 * 2;
    let root = place(1000);
    assert_eq!((image[place(0)], image[place(999)], image[root]), (1, 1, 8));
    let (size, start) = (image[root + 20..root + 22].to_vec(), image[root + 24..root + 28].to_vec());
    let offset = image[root + 34..root + 36].to_vec();
    for number in 0..1000 {
        let at = place(number);
        image[at + 16..at + 20].copy_from_slice(&start);
        image[at + 24..at + 26].copy_from_slice(&size);
        image[at + 26..at + 28].copy_from_slice(&offset);
    }
    let unpacked = unpack(&Squashfs, &image);
    assert!(unpacked.entries.len() < 10_000 && unpacked.problems.len() < 10_000);
    assert!(unpacked.problems.iter().any(|(code, _)| *code == Code::Limit));
}

#[test]
fn damage_is_survived() {
    if crate::testing::lacking(&["mksquashfs"]) {
        return;
    }
    survives_damage(&Squashfs, &sample(&[]).1);
    survives_damage(&Squashfs, &sample(&["-noI", "-noF"]).1);
}

#[test]
fn magics_of_the_dialects_are_looked_for() {
    for (magic, _) in superblock::MAGICS {
        assert!(SPEC.magics.iter().any(|known| known.bytes == *magic), "{magic:?}");
    }
}
