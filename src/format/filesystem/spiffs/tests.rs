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
fn pages_without_a_table_are_nothing() {
    let page = [&[1, 0x80][..], FIRST_PAGE, &[9, 0, 0, 0, 1], b"/name\0"].concat();
    assert_eq!(carve(&Spiffs, &[vec![0xff; 256], page.clone(), vec![0xff; 8000]].concat(), 0), None);
    assert_eq!(carve(&Spiffs, &[vec![0; 256], page, vec![0; 8000]].concat(), 0), None);
    assert_eq!(carve(&Spiffs, &[0xff; 70_000], 0), None);
    assert_eq!(carve(&Spiffs, &[0; 70_000], 0), None);
}
