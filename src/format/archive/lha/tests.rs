//! Archives of other writers, and damaged ones.

use super::*;
use crate::format::testing::{carve, survives_damage, tree, unpack, unpack_at};
use crate::problem::Code;

const LH5: &[u8] = include_bytes!("../../../../fixtures/lha/lh5.lzh");
const LH7: &[u8] = include_bytes!("../../../../fixtures/lha/lh7.lzh");
const STORED: &[u8] = include_bytes!("../../../../fixtures/lha/stored.lzh");
const STORY: &[u8] = include_bytes!("../../../../fixtures/content/tree/story.txt");

#[test]
fn files_come_back() {
    for image in [LH5, LH7, STORED] {
        let junk = [b"before".as_slice(), image, b"after"].concat();
        assert_eq!(carve(&Lha, &junk, 6), Some(image.len() as u64));
        let unpacked = unpack_at(&Lha, &junk, 6);
        assert_eq!(unpacked.problems, []);
        assert!(unpacked.file("story.txt") == STORY, "{:?}", unpacked.names());
    }
}

/// A header of level 2 with a further one for the folder, and one of level 3, around stored data.
fn stored(level: u8, folder: &[u8], name: &[u8], data: &[u8]) -> Vec<u8> {
    let width = if level == 3 { 4 } else { 2 };
    let size = |size: usize| u32::try_from(size).unwrap().to_le_bytes()[..width].to_vec();
    let mut further = Vec::new();
    for (kind, bytes) in [(1_u8, name), (2, folder)] {
        further.extend(size(1 + bytes.len() + width));
        further.push(kind);
        further.extend(bytes);
    }
    further.extend(size(0));
    let length = u32::try_from(data.len()).unwrap().to_le_bytes();
    let mut header = [b"-lh0-".as_slice(), &length, &length, &7_u32.to_le_bytes(), &[0x20, level]].concat();
    header.extend(crc16_arc(data).to_le_bytes());
    header.push(b'U');
    let total = 2 + header.len() + further.len() + if level == 3 { 4 } else { 0 };
    let first = if level == 3 { 4_u16 } else { u16::try_from(total).unwrap() };
    if level == 3 {
        header.extend(u32::try_from(total).unwrap().to_le_bytes());
    }
    [&first.to_le_bytes(), header.as_slice(), &further, data].concat()
}

#[test]
fn every_level() {
    for level in [2, 3] {
        let image = [stored(level, b"etc\xff", b"motd", b"welcome"), stored(level, b"", b"second", b"more"), vec![0]].concat();
        let unpacked = unpack(&Lha, &image);
        assert_eq!(unpacked.problems, []);
        assert_eq!((unpacked.file("etc/motd"), unpacked.file("second")), (b"welcome".as_slice(), b"more".as_slice()));
    }
}

#[test]
fn damage_is_told_and_the_rest_kept() {
    let mut wrong = LH5.to_vec();
    let at = 200;
    wrong[at] ^= 1;
    let wrong = unpack(&Lha, &wrong);
    assert!(
        wrong.problems.iter().all(|(code, _)| matches!(code, Code::Checksum | Code::Corrupt | Code::Truncated))
            && wrong.problems.len() == 1
    );
    let cut = unpack(&Lha, &LH5[..LH5.len() - 50]);
    assert!(!cut.problems.is_empty());
    survives_damage(&Lha, LH5);
    survives_damage(&Lha, LH7);
    survives_damage(&Lha, &stored(3, b"a\xff", b"b", &tree::noise(100)));
}

#[test]
fn look_alikes_are_refused() {
    assert_eq!(carve(&Lha, b"A -lh5- archive has a header, and this is only a text about one of them", 0), None);
}

#[test]
fn methods_of_larc() {
    let story = include_bytes!("../../../../fixtures/content/tree/story.txt");
    for image in [&include_bytes!("../../../../fixtures/lha/lzs.lzs")[..], include_bytes!("../../../../fixtures/lha/lz5.lzs")] {
        let unpacked = unpack(&Lha, image);
        assert_eq!(unpacked.problems, []);
        assert!(unpacked.file("story.txt") == story);
        survives_damage(&Lha, image);
        let cut = unpack(&Lha, &image[..image.len() / 2]);
        // Some bits behind the end count as zeros, which may make one copy more.
        let kept = cut.file("story.txt");
        let same = kept.iter().zip(story).take_while(|(one, other)| one == other).count();
        assert!(same > story.len() / 5 && kept.len() - same <= 18, "{same} {}", kept.len());
        assert_eq!(cut.problems[0].0, Code::Truncated);
    }
}
