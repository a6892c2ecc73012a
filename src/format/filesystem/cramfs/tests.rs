//! Against images that mkfs.cramfs makes.

use std::path::Path;
use std::process::Command;

use super::*;
use crate::format::testing::{carve, survives_damage, tool, tree, unpack, unpack_at};
use crate::problem::Code;

fn image_of(root: &Path, options: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image");
    tool(Command::new("mkfs.cramfs").args(options).args([root, &image]));
    std::fs::read(image).unwrap()
}

fn sample(options: &[&str]) -> (tempfile::TempDir, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    tree::plant(folder.path());
    let image = image_of(folder.path(), options);
    (folder, image)
}

fn check(options: &[&str]) {
    let (folder, image) = sample(options);
    let unpacked = unpack(&Cramfs, &image);
    assert_eq!(unpacked.problems, [], "{options:?}");
    tree::assert_same(&unpacked, folder.path());
    assert_eq!(tree::kind(&unpacked, "bin/sh"), Some(EntryKind::Symlink("busybox".to_owned())));
    assert_eq!(tree::kind(&unpacked, "proc"), Some(EntryKind::Directory));
}

#[test]
fn both_byte_orders_hold_what_was_put_in() {
    if crate::testing::lacking(&["mkfs.cramfs"]) {
        return;
    }
    check(&["-N", "little"]);
    check(&["-N", "big"]);
}

#[test]
fn holes_and_room_for_a_boot_loader() {
    if crate::testing::lacking(&["mkfs.cramfs"]) {
        return;
    }
    check(&["-z"]);
    check(&["-p"]);
    check(&["-p", "-N", "big", "-z"]);
}

#[test]
fn what_another_tool_makes_big_endian_is_the_same() {
    if crate::testing::lacking(&["cramfsswap", "mkfs.cramfs"]) {
        return;
    }
    let (root, image) = sample(&["-N", "little"]);
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("little"), folder.path().join("big"));
    std::fs::write(&from, image).unwrap();
    tool(Command::new("cramfsswap").args([&from, &to]));
    let unpacked = unpack(&Cramfs, &std::fs::read(to).unwrap());
    assert_eq!(unpacked.problems, []);
    tree::assert_same(&unpacked, root.path());
}

#[test]
fn modes_owners_and_devices() {
    if crate::testing::lacking(&["mkfs.cramfs"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, numbers) in [("console", ["c", "5", "1"]), ("disk", ["b", "8", "17"])] {
        tool(Command::new("mknod").args(["-m", "640"]).arg(folder.path().join(name)).args(numbers));
    }
    tool(Command::new("mkfifo").arg(folder.path().join("queue")));
    let unpacked = unpack(&Cramfs, &image_of(folder.path(), &[]));
    assert_eq!(tree::kind(&unpacked, "console"), Some(EntryKind::CharacterDevice(5, 1)));
    assert_eq!(tree::kind(&unpacked, "disk"), Some(EntryKind::BlockDevice(8, 17)));
    assert_eq!(tree::kind(&unpacked, "queue"), Some(EntryKind::Fifo));
    assert_eq!(unpacked.entries[0].attributes, Attributes { mode: Some(0o020_640), uid: Some(0), gid: Some(0), modified: None });
}

#[test]
fn the_end_is_what_the_superblock_says() {
    if crate::testing::lacking(&["mkfs.cramfs"]) {
        return;
    }
    let (folder, image) = sample(&[]);
    let length = image.len() as u64;
    let among = [vec![0x5a; 700], image, tree::noise(5000)].concat();
    assert_eq!(carve(&Cramfs, &among, 700), Some(length));
    tree::assert_same(&unpack_at(&Cramfs, &among, 700), folder.path());

    let (_, padded) = sample(&["-p"]);
    assert_eq!(carve(&Cramfs, &padded, 0), Some(padded.len() as u64));
    assert_eq!(carve(&Cramfs, &padded, 512), None, "offsets count from before the boot loader");
}

#[test]
fn the_first_version_ends_where_its_parts_do() {
    if crate::testing::lacking(&["mkfs.cramfs"]) {
        return;
    }
    let (folder, mut image) = sample(&[]);
    let length = image.len() as u64;
    image[4..8].copy_from_slice(&0x1_0000_u32.to_le_bytes());
    image[8] &= !1;
    image.extend(tree::noise(50_000));
    let found = carve(&Cramfs, &image, 0).unwrap();
    assert!(found <= length && found + 4096 > length, "{found} of {length}");
    tree::assert_same(&unpack(&Cramfs, &image), folder.path());
}

/// Bits 30 and 31 of block pointers, which kernels since 4.15 read and mkfs.cramfs does not write.
#[test]
fn extended_block_pointers() {
    if crate::testing::lacking(&["mkfs.cramfs"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), tree::code(4096 * 3 + 10)).unwrap();
    let mut image = image_of(folder.path(), &[]);
    let bytes = tree::code(4096 * 3 + 10);
    let number = |image: &[u8], at: usize| u32::from_le_bytes(image[at..at + 4].try_into().unwrap());
    // The one inode after the superblock; its pointers.
    let pointers = (number(&image, 76 + 8) >> 6) as usize * 4;
    let ends: Vec<u32> = (0..4).map(|index| number(&image, pointers + 4 * index)).collect();
    let second = image[ends[0] as usize..ends[1] as usize].to_vec();
    let place = |image: &mut Vec<u8>, bytes: &[u8]| {
        image.resize(image.len().next_multiple_of(4), 0);
        let at = image.len() as u32;
        image.extend(bytes);
        at
    };
    // Block 0 anywhere as it is, block 1 anywhere with its length, block 2 right behind that, block 3 as it is with its end.
    let (direct, as_it_is) = (1 << 30, 1 << 31);
    let first = (place(&mut image, &bytes[..4096]) / 4) | direct | as_it_is;
    let third = image_part(&image, ends[1], ends[2]);
    let length = u16::try_from(second.len()).unwrap();
    let second = (place(&mut image, &[length.to_le_bytes().as_slice(), &second].concat()) / 4) | direct;
    image.extend(third);
    let third_end = image.len() as u32;
    image.extend(&bytes[4096 * 3..]);
    let fourth_end = image.len() as u32 | as_it_is;
    for (index, pointer) in [first, second, third_end, fourth_end].into_iter().enumerate() {
        image[pointers + 4 * index..pointers + 4 * index + 4].copy_from_slice(&pointer.to_le_bytes());
    }
    image[9] |= 0x08;
    let size = image.len() as u32;
    image[4..8].copy_from_slice(&size.to_le_bytes());
    let unpacked = unpack(&Cramfs, &image);
    assert_eq!(unpacked.problems.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [Code::Checksum], "{:?}", unpacked.problems);
    assert!(unpacked.file("file") == bytes);
}

fn image_part(image: &[u8], start: u32, end: u32) -> Vec<u8> {
    image[start as usize..end as usize].to_vec()
}

#[test]
fn what_only_looks_like_one_is_refused() {
    if crate::testing::lacking(&["mkfs.cramfs"]) {
        return;
    }
    assert_eq!(carve(&Cramfs, LITTLE, 0), None);
    assert_eq!(carve(&Cramfs, &[LITTLE, &tree::noise(4096)].concat(), 0), None);
    let (_, image) = sample(&[]);
    // Signature, flags, size, number of files, mode and place of the root.
    for (at, value) in [(16, b'c'), (10, 1), (6, 0), (47, 0xff), (65, 0x81), (72, 0)] {
        let mut wrong = image.clone();
        wrong[at] = value;
        wrong[5] = 0;
        assert_eq!(carve(&Cramfs, &wrong, 0), None, "byte {at}");
    }
}

#[test]
fn damage_costs_only_the_block_it_hits_and_is_told() {
    if crate::testing::lacking(&["mkfs.cramfs"]) {
        return;
    }
    let (folder, mut image) = sample(&[]);
    let middle = image.len() / 2;
    image[middle..middle + 8].fill(0xff);
    let unpacked = unpack(&Cramfs, &image);
    assert!(unpacked.problems.iter().any(|(code, _)| *code == Code::Checksum), "{:?}", unpacked.problems);
    let expected = tree::files(folder.path());
    assert_eq!(unpacked.files.len(), expected.len());
    let broken: Vec<_> = unpacked.files.iter().filter(|(name, bytes)| expected[name] != *bytes).collect();
    assert_eq!(broken.len(), 1);
    assert_eq!(broken[0].1.len(), expected[&broken[0].0].len());
}

#[test]
fn a_truncated_image_gives_what_is_left_of_it() {
    if crate::testing::lacking(&["mkfs.cramfs"]) {
        return;
    }
    let (folder, image) = sample(&[]);
    let unpacked = unpack(&Cramfs, &image[..image.len() / 2]);
    assert!(unpacked.problems.iter().any(|(code, _)| *code == Code::Truncated));
    let expected = tree::files(folder.path());
    let whole = unpacked.files.iter().filter(|(name, bytes)| expected[name] == *bytes).count();
    assert!(whole > 1 && whole < expected.len(), "{whole}");
    assert!(unpacked.files.iter().all(|(name, bytes)| expected[name].starts_with(bytes)));
}

#[test]
fn a_folder_that_contains_itself_comes_to_an_end() {
    if crate::testing::lacking(&["mkfs.cramfs"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("loop")).unwrap();
    std::fs::write(folder.path().join("loop/file"), "text").unwrap();
    let mut image = image_of(folder.path(), &[]);
    // The listing of the root is that of its only folder: size and offset of one inode to the other.
    let (size, place) = (image[68..72].to_vec(), image[72..76].to_vec());
    image[76 + 4..76 + 8].copy_from_slice(&size);
    let length = image[76 + 8] & 0x3f;
    image[76 + 8..76 + 12].copy_from_slice(&place);
    image[76 + 8] = image[76 + 8] & 0xc0 | length;
    let unpacked = unpack(&Cramfs, &image);
    assert!(unpacked.files.is_empty());
    assert!(unpacked.problems.iter().any(|(code, _)| *code == Code::Corrupt), "{:?}", unpacked.problems);
}

#[test]
fn damage_is_survived() {
    if crate::testing::lacking(&["mkfs.cramfs"]) {
        return;
    }
    survives_damage(&Cramfs, &sample(&["-z"]).1);
    let mut first_version = sample(&[]).1;
    first_version[8] &= !1;
    survives_damage(&Cramfs, &first_version);
}

#[test]
fn other_codecs_of_vendors_are_tried() {
    let images: [&[u8]; 2] =
        [include_bytes!("../../../../fixtures/cramfs/lzma.cramfs"), include_bytes!("../../../../fixtures/cramfs/lzo.cramfs")];
    for image in images {
        let unpacked = unpack(&Cramfs, image);
        assert_eq!(unpacked.problems, []);
        assert_eq!(unpacked.file("story.txt"), include_bytes!("../../../../fixtures/content/tree/story.txt"));
    }
}
