//! SPIFFS as the tools of Espressif write it, with magics and without.

use super::*;
use crate::format::testing::{carve, survives_damage, unpack, unpack_at};

const IMAGES: [&[u8]; 3] = [
    include_bytes!("../../../../fixtures/spiffs/counted.spiffs"),
    include_bytes!("../../../../fixtures/spiffs/plain-magic.spiffs"),
    include_bytes!("../../../../fixtures/spiffs/no-magic-big-endian.spiffs"),
];

#[test]
fn files_come_back_whatever_the_sizes() {
    for image in IMAGES {
        let unpacked = unpack(&Spiffs, image);
        assert_eq!(unpacked.problems, []);
        assert_eq!(unpacked.file("story.txt"), include_bytes!("../../../../fixtures/content/tree/story.txt"));
        assert!(unpacked.file("bin/tool").starts_with(b"\x7fELF"));
        assert!(unpacked.file("etc/empty").is_empty());
        survives_damage(&Spiffs, image);
    }
}

#[test]
fn the_end_is_known_where_blocks_are_counted() {
    let [counted, plain, none] = IMAGES;
    let flash = |image: &[u8]| [vec![0x5a; 4096], image.to_vec(), vec![0xff; 8192]].concat();
    assert_eq!(carve(&Spiffs, &flash(counted), 4096), Some(counted.len() as u64));
    assert_eq!(carve(&Spiffs, &flash(plain), 4096), Some(plain.len() as u64));
    assert!(carve(&Spiffs, &flash(none), 4096).is_some());
    assert_eq!(unpack_at(&Spiffs, &flash(counted), 4096).by_name(), unpack(&Spiffs, counted).by_name());
}

#[test]
fn what_is_truncated_is_told() {
    let cut = unpack(&Spiffs, &IMAGES[0][..5000]);
    assert!(!cut.problems.is_empty());
    assert!(cut.file("story.txt").starts_with(&include_bytes!("../../../../fixtures/content/tree/story.txt")[..3000]));
}

#[test]
fn tables_that_never_lead_to_a_name_are_not_followed_to_the_end() {
    // Blocks of 4 KiB with pages of 256 bytes: the first page of each is part of a file, and nothing says its name.
    let block = [&[1, 0][..], &[0; 254], &[1, 0], FIRST_PAGE, &[0x5a; 3832]].concat();
    let block = [block, vec![0; 4]].concat();
    let mut image = block[..4096].repeat(4096);
    let named = [&[1, 0x80][..], FIRST_PAGE, &[9, 0, 0, 0, 1], b"/name\0"].concat();
    let last = image.len() - 4096;
    image[last..last + 2].copy_from_slice(&[1, 0x80]);
    image[last + 256..last + 256 + named.len()].copy_from_slice(&named);
    image[last + 256 + 4] = 0xf8 & !4;
    for start in (0..last as u64 / 2).step_by(4096 * 16) {
        assert_eq!(carve(&Spiffs, &image[..], start), None);
    }
}

#[test]
fn pages_without_a_table_are_nothing() {
    let page = [&[1, 0x80][..], FIRST_PAGE, &[9, 0, 0, 0, 1], b"/name\0"].concat();
    assert_eq!(carve(&Spiffs, &[vec![0xff; 256], page.clone(), vec![0xff; 8000]].concat(), 0), None);
    assert_eq!(carve(&Spiffs, &[vec![0; 256], page, vec![0; 8000]].concat(), 0), None);
    assert_eq!(carve(&Spiffs, &[0xff; 70_000], 0), None);
    assert_eq!(carve(&Spiffs, &[0; 70_000], 0), None);
}
