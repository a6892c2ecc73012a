//! Blocks as the specification lays them out: no tool of the usual distributions writes them.

use super::*;
use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
use crate::problem::Code;

fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x1234_5678_u32;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8 | 1
    })
    .take(length)
    .collect()
}

/// One block. `family` is also the size of a file.
fn block(flags: u32, address: u32, data: &[u8], size: u32, (number, total): (u32, u32), family: u32) -> Vec<u8> {
    let words = [0x0a32_4655, 0x9e5d_5157, flags, address, size, number, total, family];
    let mut block = words.into_iter().flat_map(u32::to_le_bytes).collect::<Vec<_>>();
    block.extend(data);
    block.resize(508, 0);
    block.extend(0x0ab1_6f30_u32.to_le_bytes());
    block
}

/// Blocks of 256 bytes, the last one filled with zeros: what nearly all programs write.
fn blocks(flags: u32, address: u32, bytes: &[u8], family: u32) -> Vec<u8> {
    let total = bytes.len().div_ceil(256) as u32;
    let place = |number| address + number * 256;
    (0_u32..).zip(bytes.chunks(256)).flat_map(|(number, data)| block(flags, place(number), data, 256, (number, total), family)).collect()
}

#[test]
fn content_ends_where_padding_begins() {
    for length in [1000, 1024, 999, 1001] {
        let image = blocks(0, 0x2000, &noise(length), 0);
        let unpacked = unpack(&Uf2, &image);
        assert_eq!(unpacked.names(), ["0x00002000"]);
        let (found, words) = (unpacked.file("0x00002000"), length.next_multiple_of(4));
        assert_eq!((found.len(), &found[..length]), (words, &noise(length)[..]));
        assert_eq!(unpacked.problems, []);
    }
    // Zeros in a payload whose size is not the usual one are content, and so is a block of nothing else.
    let exact = [block(0, 0, &noise(100), 100, (0, 2), 0), block(0, 100, &[1, 0, 0, 0, 0, 0, 0, 0], 8, (1, 2), 0)].concat();
    assert_eq!(unpack(&Uf2, &exact).file("0x00000000").len(), 108);
    assert_eq!(unpack(&Uf2, &blocks(0, 0, &[0; 512], 0)).file("0x00000000"), [0; 512]);
}

#[test]
fn families_and_blocks_apart() {
    let (first, second) = (noise(3000), noise(700));
    let rp2040 = 0xe48b_ff56;
    let image = [
        block(0x2000, 0x10ff_ff00, &[0xef; 256], 256, (0, 2), ABSOLUTE),
        blocks(0x2000, 0x1000_0000, &first, rp2040),
        blocks(0x2000, 0x1010_0000, &second, rp2040),
        blocks(0x2000, 0x1000_0000, &second, 0x1234),
    ]
    .concat();
    assert_eq!(carve(&Uf2, &image, 0), Some(image.len() as u64));
    let unpacked = unpack(&Uf2, &image);
    let names = ["0xe48bff57@0x10ffff00", "0xe48bff56@0x10000000", "0xe48bff56@0x10100000", "0x00001234@0x10000000"];
    assert_eq!(unpacked.names(), names);
    // Only behind the last block of a family nothing comes that says whether zeros are content.
    assert_eq!(unpacked.file(names[1])[..3000], first);
    assert_eq!(unpacked.file(names[2]), second);
    assert_eq!(unpacked.file(names[3]), second);
    assert_eq!(unpacked.problems, []);
}

#[test]
fn a_container_holds_files() {
    let data = noise(600);
    let named = |range: std::ops::Range<usize>| [&data[range], b"dir/INFO.TXT\0"].concat();
    let image = [
        block(0x1000, 0, &named(0..400), 400, (0, 2), 600),
        block(0x1000, 400, &named(400..600), 200, (1, 2), 600),
        block(0x1, 0, b"a comment", 9, (0, 1), 0),
    ]
    .concat();
    let unpacked = unpack(&Uf2, &image);
    assert_eq!(unpacked.names(), ["dir/INFO.TXT"]);
    assert_eq!(unpacked.file("dir/INFO.TXT"), data);
    assert_eq!(unpacked.problems.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [Code::Unsupported]);
}

#[test]
fn found_inside_other_bytes() {
    let image = blocks(0, 0, &noise(2048), 0);
    let around = [&noise(333)[..], &image, &noise(2000)].concat();
    assert_eq!(carve(&Uf2, &around, 333), Some(image.len() as u64));
    assert_eq!(unpack_at(&Uf2, &around, 333).file("0x00000000"), noise(2048));
}

#[test]
fn a_broken_block_is_left_out_and_said() {
    let mut image = blocks(0, 0, &noise(2048), 0);
    image[3 * 512] = 0;
    let unpacked = unpack(&Uf2, &image);
    let expected = [&noise(2048)[..768], &[0xff; 256], &noise(2048)[1024..]].concat();
    assert_eq!(unpacked.file("0x00000000"), expected);
    let codes = unpacked.problems.iter().map(|(code, _)| *code).collect::<Vec<_>>();
    assert_eq!(codes, [Code::Corrupt, Code::Truncated]);
}

#[test]
fn truncated_keeps_what_is_there() {
    let image = blocks(0, 0, &noise(2048), 0);
    for length in [1024, 1100] {
        let unpacked = unpack(&Uf2, &image[..length]);
        assert_eq!(carve(&Uf2, &image[..length], 0), Some(length as u64));
        assert_eq!(unpacked.file("0x00000000"), &noise(2048)[..512]);
        assert!(unpacked.problems.iter().any(|(code, _)| *code == Code::Truncated));
    }
}

#[test]
fn damage_is_survived() {
    survives_damage(&Uf2, &blocks(0x2000, 0x1000_0000, &noise(20_000), 7));
}

#[test]
fn eight_bytes_are_no_block() {
    assert_eq!(carve(&Uf2, &[&MAGIC[..], &noise(1000)].concat(), 0), None);
    assert_eq!(carve(&Uf2, &MAGIC, 0), None);
}
