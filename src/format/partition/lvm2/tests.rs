//! A physical volume whose logical volumes are known, whole and damaged.

use super::*;
use crate::format::testing::tree::noise;
use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
use crate::problem::Code;

const IMAGE: &[u8] = include_bytes!("../../../../fixtures/lvm2/group.img");

#[test]
fn volumes_come_back() {
    let unpacked = unpack(&Lvm2, IMAGE);
    assert_eq!(unpacked.names(), ["example/root", "example/log", "example/striped"]);
    assert!(unpacked.file("example/root").starts_with(b"hsqs"));
    let numbers: Vec<u8> = unpacked.file("example/log").chunks(4096).map(|extent| extent[0]).collect();
    assert_eq!(numbers, [1, 2, 3], "two segments, in order");
    let numbers: Vec<u8> = unpacked.file("example/striped").chunks(4096).map(|extent| extent[0]).collect();
    assert_eq!(numbers, [11, 12, 13, 14], "two stripes by turns");
    assert_eq!(unpacked.problems, []);
}

#[test]
fn found_within_other_bytes() {
    let flash = [&noise(9), IMAGE, &[0xff; 100]].concat();
    assert_eq!(carve(&Lvm2, &flash, 9), Some(IMAGE.len() as u64));
    assert_eq!(unpack_at(&Lvm2, &flash, 9).names().len(), 3);
    assert_eq!(carve(&Lvm2, &[b"LABELONE", [b' '; 2000].as_slice()].concat(), 0), None);
}

#[test]
fn damage_and_truncation() {
    survives_damage(&Lvm2, IMAGE);
    let unpacked = unpack(&Lvm2, &IMAGE[..IMAGE.len() - 6000]);
    assert!(unpacked.problems.iter().any(|(code, _)| *code == Code::Truncated));
    let mut bad = IMAGE.to_vec();
    bad[4096 + 600] ^= 1;
    assert_eq!(unpack(&Lvm2, &bad).problems[0].0, Code::Checksum);
}
