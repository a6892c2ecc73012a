//! An image whose partitions are known, whole and damaged.

use super::*;
use crate::format::testing::tree::noise;
use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
use crate::problem::Code;

const IMAGE: &[u8] = include_bytes!("../../../../fixtures/android-super/super.img");

/// The parts that the recipe of the fixture puts into it.
fn part(unpacked: &crate::format::testing::Unpacked, name: &str) -> Vec<u8> {
    unpacked.file(name).to_vec()
}

#[test]
fn partitions_come_back() {
    let unpacked = unpack(&AndroidSuper, IMAGE);
    assert_eq!(unpacked.names(), ["system_a", "vendor_a", "slot-1/system_b"]);
    assert!(part(&unpacked, "system_a").starts_with(b"hsqs"));
    // In two extents, the second half first, with zeros between.
    let vendor = part(&unpacked, "vendor_a");
    assert_eq!(vendor.len(), 2048 + 1024 + 2048);
    assert!(vendor[2048..3072].iter().all(|byte| *byte == 0) && vendor[..2048] != vendor[3072..]);
    assert_eq!(unpacked.problems, []);
}

#[test]
fn found_within_other_bytes() {
    let flash = [&noise(9), IMAGE, &[0xff; 100]].concat();
    assert_eq!(carve(&AndroidSuper, &flash, 9), Some(IMAGE.len() as u64));
    assert_eq!(unpack_at(&AndroidSuper, &flash, 9).names().len(), 3);
    let mut text = vec![b'a'; 9000];
    text[4096..4100].copy_from_slice(b"gDla");
    assert_eq!(carve(&AndroidSuper, &text, 0), None);
}

#[test]
fn copies_stand_in() {
    let mut image = IMAGE.to_vec();
    image[4096 + 41] ^= 1;
    let unpacked = unpack(&AndroidSuper, &image);
    assert_eq!((unpacked.names().len(), unpacked.problems[0].0), (3, Code::Checksum));
    let mut image = IMAGE.to_vec();
    image[12_288 + 300] ^= 1;
    assert_eq!(unpack(&AndroidSuper, &image).names().len(), 3);
}

#[test]
fn damage_and_truncation() {
    survives_damage(&AndroidSuper, IMAGE);
    let unpacked = unpack(&AndroidSuper, &IMAGE[..IMAGE.len() - 6000]);
    assert!(unpacked.problems.iter().any(|(code, _)| *code == Code::Truncated));
}
