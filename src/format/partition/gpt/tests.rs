//! Disks by `sgdisk`, compared with what was written to their partitions.

use std::process::Command;

use super::*;
use crate::format::testing::{carve, survives_damage, tool, unpack, unpack_at};
use crate::problem::Code;

const SECTORS: usize = 400;

/// A disk with three partitions, two of which share a name, and a boot program in a gap.
fn disk() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("disk");
    std::fs::write(&path, vec![0; SECTORS * 512]).unwrap();
    tool(Command::new("sgdisk").args(["-a", "1", "-n", "1:40:139", "-c", "1:boot", "-n", "2:150:249", "-c", "2:größe/x"]).arg(&path));
    tool(Command::new("sgdisk").args(["-a", "1", "-n", "3:260:339", "-c", "3:boot"]).arg(&path));
    let mut disk = std::fs::read(path).unwrap();
    disk[40 * 512..140 * 512].fill(1);
    disk[150 * 512..250 * 512].fill(2);
    disk[260 * 512..340 * 512].fill(3);
    disk[142 * 512..143 * 512].fill(4);
    disk[255 * 512..256 * 512].fill(0xff);
    disk
}

const NAMES: [&str; 4] = ["boot", "größe\\x2fx", "boot#3", "gap@0x11c00"];

#[test]
fn partitions_and_what_is_between_them() {
    if crate::testing::lacking(&["sgdisk"]) {
        return;
    }
    let disk = disk();
    assert_eq!(carve(&Gpt, &disk, 0), Some(disk.len() as u64));
    let unpacked = unpack(&Gpt, &disk);
    assert_eq!(unpacked.names(), NAMES);
    assert_eq!(unpacked.file("boot"), [1; 51_200]);
    assert_eq!(unpacked.file("größe\\x2fx"), [2; 51_200]);
    assert_eq!(unpacked.file("boot#3"), [3; 40_960]);
    assert_eq!(unpacked.file("gap@0x11c00"), [4; 512]);
    assert_eq!(unpacked.problems, []);
}

#[test]
fn found_inside_other_bytes_where_it_begins() {
    if crate::testing::lacking(&["sgdisk"]) {
        return;
    }
    for before in [777, 8192] {
        let around = [&vec![0x5a; before][..], &disk(), &[0x5a; 300]].concat();
        let start = before as u64;
        assert_eq!(carve(&Gpt, &around, start), Some(400 * 512));
        assert_eq!(unpack_at(&Gpt, &around, start).names(), NAMES);
        if before > 4096 {
            assert_eq!(carve(&Gpt, &around, start + 512 - 4096), None, "not as a disk with large sectors");
        }
    }
}

/// The same disk with sectors of 4096 bytes: numbers stay, places move.
#[test]
fn large_sectors() {
    if crate::testing::lacking(&["sgdisk"]) {
        return;
    }
    let small = disk();
    let mut large = vec![0; SECTORS * 4096];
    large[..512].copy_from_slice(&small[..512]);
    large[4096..4096 + 512].copy_from_slice(&small[512..1024]);
    large[8192..8192 + 16384].copy_from_slice(&small[1024..1024 + 16384]);
    large[150 * 4096..151 * 4096].fill(2);
    let unpacked = unpack(&Gpt, &large);
    assert_eq!(unpacked.names(), NAMES[..3]);
    assert_eq!(unpacked.file("größe\\x2fx").len(), 409_600);
    assert_eq!(unpacked.file("größe\\x2fx")[..4096], [2; 4096]);
    assert_eq!(unpacked.problems, []);
}

#[test]
fn a_damaged_table_is_replaced_by_its_copy() {
    if crate::testing::lacking(&["sgdisk"]) {
        return;
    }
    for (at, expected) in [(1024 + 0x20, Code::Checksum), (512 + 0x3a, Code::Checksum), (512, Code::Corrupt)] {
        let mut disk = disk();
        disk[at] ^= 0x41;
        let unpacked = unpack(&Gpt, &disk);
        assert_eq!(unpacked.names()[..3], NAMES[..3]);
        assert_eq!(unpacked.file("boot"), [1; 51_200]);
        assert_eq!(unpacked.problems.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [expected]);
    }
}

#[test]
fn without_a_sound_copy_what_there_is_is_used() {
    if crate::testing::lacking(&["sgdisk"]) {
        return;
    }
    let mut disk = disk();
    disk[1024 + 0x30] ^= 4;
    disk.truncate(300 * 512);
    let unpacked = unpack(&Gpt, &disk);
    assert_eq!(unpacked.names()[..3], NAMES[..3]);
    assert_eq!(unpacked.file("boot#3").len(), 40 * 512);
    let codes = unpacked.problems.iter().map(|(code, _)| *code).collect::<Vec<_>>();
    assert_eq!(codes, [Code::Truncated, Code::Checksum, Code::Truncated]);
}

#[test]
fn partitions_that_overlap_are_handed_over_once() {
    if crate::testing::lacking(&["sgdisk"]) {
        return;
    }
    let mut disk = disk();
    // The second partition starts in the first, and the third holds the whole disk.
    disk[1024 + 128 + 0x20] = 100;
    disk[1024 + 256 + 0x20..1024 + 256 + 0x28].fill(0);
    disk.truncate(360 * 512);
    let unpacked = unpack(&Gpt, &disk);
    assert_eq!(unpacked.names(), ["boot", "gap@0x11c00"]);
    assert_eq!(unpacked.problems.iter().filter(|(code, _)| *code == Code::Corrupt).count(), 2);
    assert_eq!(unpacked.file("gap@0x11c00").len(), (340 - 142) * 512);
}

#[test]
fn damage_is_survived() {
    if crate::testing::lacking(&["sgdisk"]) {
        return;
    }
    survives_damage(&Gpt, &disk());
}

#[test]
fn a_word_is_no_table() {
    let mut bytes = vec![0x20; 10_000];
    bytes[512..520].copy_from_slice(b"EFI PART");
    assert_eq!(carve(&Gpt, &bytes, 0), None);
    assert_eq!(carve(&Gpt, &bytes[..600], 0), None);
}
