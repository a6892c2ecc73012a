//! A flash of 256 KiB with two levels of directories, addressed in each way there is.

use super::*;
use crate::format::testing::{carve, gunzip, survives_damage, try_unpack_at, unpack};
use crate::problem::Code;

const STORY: &[u8] = include_bytes!("../../../../fixtures/content/tree/story.txt");
const PROGRAM: &[u8] = include_bytes!("../../../../fixtures/amd-psp-program/program.bin");

fn flash() -> Vec<u8> {
    gunzip(include_bytes!("../../../../fixtures/amd-flash/flash.bin.gz"))
}

#[test]
fn entries_come_out_by_name() {
    let unpacked = unpack(&AMD_FLASH, &flash());
    assert_eq!(unpacked.problems, []);
    let files = unpacked.by_name();
    assert_eq!(files["psp@0x21000/boot-loader"], PROGRAM);
    assert_eq!(files["psp-level-2@0x22000/smu-firmware.sub-1"], PROGRAM);
    assert_eq!(files["psp-level-2@0x22000/security-policy"], &STORY[..100]);
    assert_eq!(files["bios-level-2@0x24000/apcb.2"], &STORY[100..200]);
    assert_eq!(files["bios-level-2@0x24000/bios"], STORY, "what was compressed");
    assert_eq!(&files["combo@0x20800/directory"][..4], b"2PSP");
    let unnamed: Vec<_> = files.keys().filter(|name| name.starts_with("at-")).collect();
    assert_eq!(unnamed, [&"at-0x293b4"], "what lies before the volume, and all of it: an entry inside is not taken out");
}

#[test]
fn the_upper_half_of_a_larger_flash() {
    let (small, mut flash) = (flash(), vec![0xff; 32 << 20]);
    flash[0x1fc_0000..].copy_from_slice(&small);
    flash.copy_within(0x1fe_0000..0x1fe_0050, 0x102_0000);
    flash[0x1fe_0000..0x1fe_0050].fill(0xff);
    let unpacked = unpack(&AMD_FLASH, &flash);
    assert_eq!(unpacked.problems, []);
    assert_eq!(unpacked.by_name()["psp@0x1fe1000/boot-loader"], PROGRAM);
}

#[test]
fn more_directories_than_are_followed() {
    let mut flash = flash();
    let place = |index: u32| 0x2_a000 + index * 0x40;
    for index in 0..70_u32 {
        let at = usize::try_from(place(index)).unwrap();
        let numbers = [0, 1, 0, 0x40, 0x10, 0xfffc_0000 + place(index + 1), 0];
        flash[at..at + 4].copy_from_slice(b"$PSP");
        flash[at + 4..at + 32].copy_from_slice(&numbers.map(u32::to_le_bytes).concat());
    }
    flash[0x2_0010..0x2_0014].copy_from_slice(&(0xfffc_0000 + place(0)).to_le_bytes());
    assert!(unpack(&AMD_FLASH, &flash).problems.iter().any(|(code, _)| *code == Code::Unsupported));
}

#[test]
fn what_is_cut_off_and_a_wrong_checksum() {
    let mut flash = flash();
    flash.truncate(0x32000);
    assert!(unpack(&AMD_FLASH, &flash).by_name().contains_key("psp@0x21000/boot-loader"), "the size is that of the chip");
    let mut changed = flash;
    changed[0x21010] ^= 2;
    assert_eq!(unpack(&AMD_FLASH, &changed).problems[0].0, Code::Checksum);
}

#[test]
fn damage_does_no_harm() {
    let flash = flash();
    assert_eq!(carve(&AMD_FLASH, &[&flash[..], &[0x55; 99]].concat(), 0), Some(0x40000), "what is behind it is not its");
    assert_eq!(carve(&AMD_FLASH, &vec![0x55; 0x40000], 0), None);
    let mut file = flash.clone();
    file[0x1ff00..0x1ff1c].copy_from_slice(b"LARCHIVE\0\0\x40\0\0\0\0\x50\0\0\0\0\0\0\0\x50apu\0");
    assert_eq!(carve(&AMD_FLASH, &file, 0), None, "a file of coreboot, which must not be cut");
    for (at, value) in [(0x20014, 0xff), (0x21008, 0xff), (0x20828, 0x3f), (0x2100c, 0xff), (0x22008, 7)] {
        let mut changed = flash.clone();
        changed[at] = value;
        let _ = try_unpack_at(&AMD_FLASH, &changed, 0);
    }
    survives_damage(&AMD_FLASH, &flash[..0x21400]);
}
