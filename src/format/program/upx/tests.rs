//! Programs come back byte for byte.

use super::*;
use crate::format::testing::{carve, survives_damage, try_unpack_at, unpack, unpack_at};
use crate::problem::Code;

const ARM: &[u8] = include_bytes!("../../../../fixtures/upx/arm.elf");
const MANGLED: &[u8] = include_bytes!("../../../../fixtures/upx/mangled-mipsel.elf");
const X86: &[u8] = include_bytes!("../../../../fixtures/upx/x86-64.elf");

#[test]
fn programs_come_back() {
    let arm = include_bytes!("../../../../fixtures/elf/dynamic-arm.elf").as_slice();
    let mipsel = include_bytes!("../../../../fixtures/elf/dynamic-mipsel.elf").as_slice();
    for (packed, program) in [(ARM, arm), (MANGLED, mipsel)] {
        let unpacked = unpack(&Upx, packed);
        assert_eq!((unpacked.file("") == program, unpacked.problems), (true, vec![]));
    }
    // Read, filtered and packed by another program: it is well-formed again.
    let unpacked = unpack(&Upx, X86);
    assert_eq!(unpacked.problems, []);
    let program = unpacked.file("");
    assert_eq!(carve(&Elf, program, 0), Some(program.len().try_into().unwrap()));
    let sum = crate::format::crc32(program).to_le_bytes();
    assert!(memchr::memmem::find(X86, &sum).is_some(), "the recipe leaves the checksum of the program in the trailer");
}

#[test]
fn they_are_found_in_the_middle_of_other_bytes() {
    let image = [&[0; 9], ARM, &[0xff; 500]].concat();
    assert_eq!(carve(&Upx, &image, 9), Some(ARM.len().try_into().unwrap()));
    assert_eq!(unpack_at(&Upx, &image, 9).problems, []);
}

#[test]
fn what_is_there_of_a_truncated_one_comes_back() {
    let unpacked = unpack(&Upx, &ARM[..ARM.len() - 300]);
    assert!(unpacked.file("").starts_with(b"\x7fELF") && !unpacked.file("").is_empty());
    assert_eq!(unpacked.problems[0].0, Code::Truncated);
}

#[test]
fn other_programs_are_not_packed() {
    assert!(try_unpack_at(&Upx, include_bytes!("../../../../fixtures/elf/dynamic-arm.elf"), 0).is_none());
    assert!(try_unpack_at(&Upx, &[b"\x7fELF".as_slice(), b"UPX! is the mark of UPX ".repeat(40).as_slice()].concat(), 0).is_none());
    survives_damage(&Upx, ARM);
    survives_damage(&Upx, X86);
}
