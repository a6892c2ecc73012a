//! An update with all kinds of whole operations, and one with a change.

use super::*;
use crate::format::testing::{carve, survives_damage, try_unpack_at, unpack_at};
use crate::problem::Code;

const IMAGE: &[u8] = include_bytes!("../../../../../fixtures/android-payload/payload.bin");

#[test]
fn partitions_are_put_together() {
    let flash = [vec![0xff; 9], IMAGE.to_vec(), vec![0xff; 40]].concat();
    assert_eq!(carve(&Payload, &flash, 9), Some(IMAGE.len() as u64));
    let unpacked = unpack_at(&Payload, &flash, 9);
    assert_eq!(unpacked.names(), ["boot", "system", "vendor"]);
    assert_eq!(unpacked.file("boot").len(), 3 * 4096);
    assert!(unpacked.file("boot").starts_with(b"\x7fELF"));
    assert!(unpacked.file("system").starts_with(&[0; 4096]));
    assert_eq!(unpacked.file("system").len(), 6 * 4096);
    assert!(unpacked.file("system")[4096..].starts_with(b"\x7fELF"), "the first extent is the second block");
    assert_eq!(unpacked.problems.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [Code::Unsupported]);
    assert_eq!(unpacked.fact("header.version").unwrap(), "13.0.1");
    survives_damage(&Payload, IMAGE);
}

#[test]
fn damage_is_seen_and_text_is_none() {
    let mut broken = IMAGE.to_vec();
    let last = broken.len() - 8;
    broken[last] ^= 1;
    let unpacked = try_unpack_at(&Payload, &broken, 0).unwrap();
    assert!(unpacked.problems.iter().any(|(code, _)| *code == Code::Checksum), "{:?}", unpacked.problems);
    assert_eq!(carve(&Payload, b"CrAU is the magic of an update payload, and so on and so on", 0), None);
}
