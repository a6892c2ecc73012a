//! Texts by `objcopy` and `srec_cat`, of both kinds, compared with the bytes that they were made of.

use std::process::Command;

use super::*;
use crate::format::encoding::srec::Srec;
use crate::format::testing::{carve, survives_damage, tool, try_unpack_at, unpack};
use crate::problem::Code;

fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x1234_5678_u32;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(length)
    .collect()
}

/// What `srec_cat` makes of files with these bytes at these addresses.
fn srec_cat(pieces: &[(u32, &[u8])], options: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("srec_cat");
    for (index, (address, bytes)) in pieces.iter().enumerate() {
        let path = folder.path().join(index.to_string());
        std::fs::write(&path, bytes).unwrap();
        command.arg(path).args(["-binary", "-offset", &address.to_string()]);
    }
    tool(command.args(["-o", "-"]).args(options))
}

fn objcopy(bytes: &[u8], address: u32, kind: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    std::fs::write(&from, bytes).unwrap();
    let change = format!("--change-addresses={address}");
    tool(Command::new("objcopy").args(["-I", "binary", "-O", kind, &change]).arg(from).arg(&to));
    std::fs::read(to).unwrap()
}

#[test]
fn blocks_have_the_bytes_that_were_written() {
    if crate::testing::lacking(&["srec_cat"]) {
        return;
    }
    let (large, small) = (noise(150_001), noise(100));
    let pieces = [(0x0800_0000, &large[..]), (0x0803_0000, &small[..]), (0x1fff_c000, &small[..])];
    for (format, options) in [
        (&Ihex as &dyn Format, &["-intel"][..]),
        (&Ihex, &["-intel", "-obs=255", "-line-length=600"]),
        (&Srec, &["-motorola"]),
        (&Srec, &["-motorola", "-data-only", "-obs=4"]),
    ] {
        let text = srec_cat(&pieces, options);
        let unpacked = unpack(format, &text);
        assert_eq!(unpacked.names(), ["0x08000000", "0x1fffc000"], "{options:?}");
        let first = unpacked.file("0x08000000");
        assert!(first[..large.len()] == large && first[0x30000..] == small);
        assert!(first[large.len()..0x30000].iter().all(|byte| *byte == 0xff));
        assert_eq!(unpacked.file("0x1fffc000"), small);
        let end = if options.contains(&"-data-only") { Some(Code::Truncated) } else { None };
        assert_eq!(unpacked.problems.iter().map(|(code, _)| *code).collect::<Vec<_>>(), end.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn all_widths_of_addresses() {
    if crate::testing::lacking(&["objcopy", "srec_cat"]) {
        return;
    }
    let bytes = noise(70_000);
    for (format, kind, address) in [(&Ihex as &dyn Format, "ihex", 0xf000), (&Srec, "srec", 0xf000), (&Srec, "srec", 0x8000_0000)] {
        let unpacked = unpack(format, &objcopy(&bytes, address, kind));
        assert_eq!(unpacked.names(), [format!("{address:#010x}")]);
        assert!(unpacked.files[0].1 == bytes);
        assert_eq!(unpacked.problems, []);
    }
    let unpacked = unpack(&Srec, &srec_cat(&[(0x10, &bytes[..500])], &["-motorola", "-address-length=2"]));
    assert_eq!(unpacked.file("0x00000010"), &bytes[..500]);
}

#[test]
fn lines_end_in_every_way_and_what_follows_is_not_of_it() {
    if crate::testing::lacking(&["objcopy"]) {
        return;
    }
    for (format, kind) in [(&Ihex as &dyn Format, "ihex"), (&Srec, "srec")] {
        let text = String::from_utf8(objcopy(&noise(1000), 0x100, kind)).unwrap().replace("\r\n", "\n");
        for text in
            [text.clone(), text.replace('\n', "\r\n"), text.replace('\n', "\r"), text.replace('\n', "\n\n"), text.replace('\n', "  \n")]
        {
            let junk = [text.as_bytes(), b"this is something else\n", &noise(300)].concat();
            let length = carve(format, &junk, 0).unwrap();
            assert!(length <= text.len() as u64 && length + 4 >= text.len() as u64);
            let unpacked = unpack(format, &junk);
            assert_eq!(unpacked.file("0x00000100"), noise(1000));
            assert_eq!(unpacked.problems, []);
        }
        assert_eq!(unpack(format, text.to_lowercase().replace('s', "S").as_bytes()).file("0x00000100"), noise(1000));
    }
}

#[test]
fn two_texts_in_a_row_are_one() {
    if crate::testing::lacking(&["objcopy"]) {
        return;
    }
    let text = [objcopy(&noise(100), 0, "ihex"), objcopy(&noise(50), 0x20_0000, "ihex")].concat();
    let unpacked = unpack(&Ihex, &text);
    assert_eq!(unpacked.file("0x00000000"), noise(100));
    assert_eq!(unpacked.file("0x00200000"), noise(50));
    assert_eq!(unpacked.problems, []);
}

#[test]
fn damaged_lines_are_said_and_the_rest_is_kept() {
    if crate::testing::lacking(&["objcopy"]) {
        return;
    }
    for (format, kind) in [(&Ihex as &dyn Format, "ihex"), (&Srec, "srec")] {
        let text = String::from_utf8(objcopy(&noise(1000), 0x100, kind)).unwrap();
        let mut lines = text.lines().map(str::to_owned).collect::<Vec<_>>();
        // One digit of the data of a line, and all of another line.
        let place = lines[20].len() - 5;
        let digit = if lines[20].as_bytes()[place] == b'0' { "1" } else { "0" };
        lines[20].replace_range(place..=place, digit);
        lines[30] = "?".to_owned();
        let unpacked = unpack(format, lines.join("\n").as_bytes());
        let mut codes = unpacked.problems.iter().map(|(code, _)| *code).collect::<Vec<_>>();
        codes.dedup();
        assert_eq!(codes, [Code::Checksum, Code::Corrupt]);
        let (found, expected) = (unpacked.file("0x00000100"), noise(1000));
        assert_eq!(found.len(), 1000);
        assert!(found.iter().zip(&expected).filter(|(found, expected)| found != expected).count() <= 17);
    }
}

#[test]
fn truncated_keeps_what_is_there() {
    if crate::testing::lacking(&["objcopy"]) {
        return;
    }
    for (format, kind) in [(&Ihex as &dyn Format, "ihex"), (&Srec, "srec")] {
        let text = objcopy(&noise(1000), 0x100, kind);
        let unpacked = unpack(format, &text[..text.len() / 2]);
        let found = unpacked.file("0x00000100");
        assert!(found.len() > 300 && found == &noise(1000)[..found.len()]);
        assert!(unpacked.problems.iter().any(|(code, _)| *code == Code::Truncated));
    }
}

#[test]
fn few_lines_do_not_make_large_gaps() {
    let line = |kind: u8, address: u16, data: &[u8]| {
        let mut bytes = vec![u8::try_from(data.len()).unwrap()];
        bytes.extend(address.to_be_bytes());
        bytes.push(kind);
        bytes.extend(data);
        bytes.push(bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_sub(*byte)));
        format!(":{}\n", bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>())
    };
    let text = (0..2000_u16).map(|page| line(4, 0, &page.to_be_bytes()) + &line(0, 0xfff0, b"x")).collect::<String>();
    let unpacked = unpack(&Ihex, text.as_bytes());
    assert!(unpacked.files.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() < (8 * text.len()) + (2 << 20));
    assert!(unpacked.files.iter().all(|(_, bytes)| bytes[0] == b'x'));
}

#[test]
fn damage_is_survived() {
    if crate::testing::lacking(&["objcopy"]) {
        return;
    }
    survives_damage(&Ihex, &objcopy(&noise(20_000), 0xfff0, "ihex"));
    survives_damage(&Srec, &objcopy(&noise(20_000), 0xfff0, "srec"));
}

#[test]
fn text_is_neither() {
    for text in [":smile: is what some people write\n", ":0000\n:0000\n", ":10000000", ":", ":020000040800F3\n", "S0 is a register\n", "S1"]
    {
        assert!(try_unpack_at(&Ihex, text.as_bytes(), 0).is_none(), "{text}");
        assert!(try_unpack_at(&Srec, text.as_bytes(), 0).is_none(), "{text}");
    }
}
