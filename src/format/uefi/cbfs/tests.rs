//! An archive that cbfstool made.

use super::*;
use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
use crate::problem::Code;

const ROM: &[u8] = include_bytes!("../../../../fixtures/cbfs/coreboot.rom");
const STORY: &[u8] = include_bytes!("../../../../fixtures/content/tree/story.txt");

/// Where the archive starts in the image of the flash.
fn start() -> usize {
    ROM.windows(8).position(|window| window == MAGIC).unwrap()
}

#[test]
fn files_come_out() {
    let image = &ROM[start()..];
    let unpacked = unpack(&Cbfs, image);
    for name in ["story.txt", "story.lzma", "story.lz4"] {
        assert!(unpacked.file(name) == STORY, "{name}");
    }
    assert!(unpacked.names().contains(&"fallback/payload/code-0"), "{:?}", unpacked.names());
    assert_eq!(unpacked.problems, []);
    let length = carve(&Cbfs, image, 0).unwrap();
    assert_eq!(unpack_at(&Cbfs, &[&[0; 5], image].concat(), 5).files.len(), unpacked.files.len());
    survives_damage(&Cbfs, &image[..length as usize]);
}

#[test]
fn what_is_cut_is_said() {
    let unpacked = unpack(&Cbfs, &ROM[start()..start() + 0x1c0]);
    assert!(unpacked.problems.iter().any(|problem| matches!(problem.0, Code::Truncated)), "{:?}", unpacked.problems);
}

#[test]
fn a_text_is_no_archive() {
    assert_eq!(carve(&Cbfs, b"LARCHIVE is what each file of a coreboot file system begins with", 0), None);
}

#[test]
fn hashes_are_verified() {
    let rom = include_bytes!("../../../../fixtures/fmap-flash/coreboot.rom");
    let start = rom.windows(8).position(|window| window == MAGIC).unwrap();
    let image = &rom[start..];
    assert_eq!(unpack(&Cbfs, image).problems, []);
    let changed = |part: &[u8]| {
        let mut image = image.to_vec();
        let place = image.windows(part.len()).position(|window| window == part).unwrap();
        image[place + part.len() - 1] ^= 1;
        unpack(&Cbfs, &image).problems.into_iter().map(|problem| problem.0).collect::<Vec<_>>()
    };
    assert_eq!(changed(&STORY[..50]), [Code::Checksum]);
}
