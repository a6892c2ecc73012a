//! Images that mkbootimg makes, and those of version 4, which it may be too old for.

use std::path::Path;
use std::process::Command;

use super::*;
use crate::format::testing::{carve, survives_damage, tool, unpack, unpack_at};
use crate::problem::Code;

const PARTS: [&str; 5] = ["kernel", "ramdisk", "second", "dtb", "vendor_ramdisk"];

/// What mkbootimg is given as `part`.
fn content(part: &str) -> Vec<u8> {
    format!("the {part} of this image, ").into_bytes().repeat(300)
}

fn mkbootimg(output: &str, arguments: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    for part in PARTS {
        std::fs::write(folder.path().join(part), content(part)).unwrap();
    }
    tool(Command::new("mkbootimg").current_dir(folder.path()).args(arguments).args([output, "image"]));
    std::fs::read(Path::new(folder.path()).join("image")).unwrap()
}

#[test]
fn parts_of_every_version_come_out() {
    if crate::testing::lacking(&["mkbootimg"]) {
        return;
    }
    let first = ["--kernel", "kernel", "--ramdisk", "ramdisk", "--second", "second", "--board", "hi6250", "--cmdline", "console=ttyAMA6"];
    let cases: [(&[&str], &[&str]); 4] = [
        (&["--pagesize", "2048"], &["kernel", "ramdisk", "second"]),
        (&["--pagesize", "16384"], &["kernel", "ramdisk", "second"]),
        (&["--header_version", "1"], &["kernel", "ramdisk", "second"]),
        (&["--header_version", "2", "--dtb", "dtb"], &["kernel", "ramdisk", "second", "dtb"]),
    ];
    for (arguments, parts) in cases {
        let image = mkbootimg("-o", &[&first, arguments].concat());
        let flash = [vec![0; 512], image.clone(), vec![0xff; 10_000]].concat();
        assert_eq!(carve(&AndroidBoot, &flash, 512), Some(image.len() as u64), "{arguments:?}");
        let unpacked = unpack_at(&AndroidBoot, &flash, 512);
        assert_eq!(unpacked.names(), parts);
        parts.iter().for_each(|part| assert_eq!(unpacked.file(part), content(part)));
        assert_eq!(unpacked.fact("android.name").unwrap(), "hi6250");
        assert_eq!(unpacked.fact("android.cmdline").unwrap(), "console=ttyAMA6");
        assert_eq!(unpacked.problems, []);
    }
}

#[test]
fn version_three_is_two_images() {
    if crate::testing::lacking(&["mkbootimg"]) {
        return;
    }
    let boot = mkbootimg("-o", &["--header_version", "3", "--kernel", "kernel", "--ramdisk", "ramdisk", "--cmdline", "quiet"]);
    let unpacked = unpack(&AndroidBoot, &boot);
    assert_eq!(unpacked.names(), ["kernel", "ramdisk"]);
    assert_eq!(unpacked.file("ramdisk"), content("ramdisk"));
    assert_eq!(unpacked.fact("android.cmdline").unwrap(), "quiet");

    let arguments = [
        "--header_version",
        "3",
        "--vendor_ramdisk",
        "vendor_ramdisk",
        "--dtb",
        "dtb",
        "--vendor_cmdline",
        "loglevel=3",
        "--board",
        "kirin",
    ];
    let vendor = mkbootimg("--vendor_boot", &arguments);
    assert_eq!(carve(&AndroidBoot, &vendor, 0), Some(vendor.len() as u64));
    let unpacked = unpack(&AndroidBoot, &vendor);
    assert_eq!(unpacked.names(), ["vendor_ramdisk", "dtb"]);
    assert_eq!(unpacked.file("dtb"), content("dtb"));
    assert_eq!((unpacked.fact("android.cmdline").unwrap(), unpacked.fact("android.name").unwrap()), ("loglevel=3".into(), "kirin".into()));
}

fn put(image: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    image.resize(image.len().max(at + bytes.len()), 0);
    image[at..at + bytes.len()].copy_from_slice(bytes);
}

fn put_words(image: &mut Vec<u8>, words: &[(usize, usize)]) {
    words.iter().for_each(|(at, value)| put(image, *at, &u32::try_from(*value).unwrap().to_le_bytes()));
}

/// A vendor boot image of version 4, with pages of 2048 bytes and two ramdisks.
fn vendor_boot() -> Vec<u8> {
    let mut image = VENDOR.to_vec();
    put_words(&mut image, &[(8, 4), (12, 2048), (24, 3000), (2096, 2128), (2100, 5), (2112, 216), (2116, 2), (2120, 108), (2124, 9)]);
    put(&mut image, 4096, &[1; 1000]);
    put(&mut image, 5096, &[2; 2000]);
    put(&mut image, 8192, b"board");
    put_words(&mut image, &[(10_240, 1000), (10_244, 0), (10_248, 1)]);
    put_words(&mut image, &[(10_348, 2000), (10_352, 1000), (10_356, 3)]);
    put(&mut image, 10_360, b"dlkm");
    put(&mut image, 12_288, b"android=1");
    image.resize(14_336, 0);
    image
}

#[test]
fn every_ramdisk_of_a_vendor_boot_image_comes_out() {
    let image = vendor_boot();
    assert_eq!(carve(&AndroidBoot, &image, 0), Some(14_336));
    let unpacked = unpack(&AndroidBoot, &image);
    assert_eq!(unpacked.names(), ["vendor_ramdisk/0", "vendor_ramdisk/dlkm", "dtb", "bootconfig"]);
    assert_eq!(unpacked.file("vendor_ramdisk/0"), [1; 1000]);
    assert_eq!(unpacked.file("vendor_ramdisk/dlkm"), [2; 2000]);
    assert_eq!(unpacked.file("bootconfig"), b"android=1");
    survives_damage(&AndroidBoot, &image);
}

#[test]
fn ramdisks_that_do_not_fit_are_a_problem() {
    let mut image = vendor_boot();
    put_words(&mut image, &[(10_348, 2001)]);
    let unpacked = unpack(&AndroidBoot, &image);
    assert_eq!(unpacked.names(), ["vendor_ramdisk/0", "dtb", "bootconfig"]);
    assert_eq!(unpacked.problems[0].0, Code::Corrupt);
    put_words(&mut image, &[(2116, 3)]);
    assert_eq!(unpack(&AndroidBoot, &image).file("vendor_ramdisk").len(), 3000);
}

#[test]
fn the_signature_of_version_four_comes_out() {
    let mut image = BOOT.to_vec();
    put_words(&mut image, &[(8, 6), (12, 7), (20, 1584), (40, 4), (1580, 9)]);
    put(&mut image, 4096, b"kernel");
    put(&mut image, 8192, b"ramdisk");
    put(&mut image, 12_288, b"signature");
    let unpacked = unpack(&AndroidBoot, &image);
    assert_eq!(unpacked.names(), ["kernel", "ramdisk", "boot_signature"]);
    assert_eq!(unpacked.file("boot_signature"), b"signature");
}

#[test]
fn a_table_of_device_trees_before_there_were_versions_comes_out() {
    if crate::testing::lacking(&["mkbootimg"]) {
        return;
    }
    let mut image = mkbootimg("-o", &["--kernel", "kernel", "--ramdisk", "ramdisk", "--pagesize", "2048"]);
    let end = image.len();
    put_words(&mut image, &[(40, 2048)]);
    put(&mut image, end, &[b'Q'; 2048]);
    assert_eq!(unpack(&AndroidBoot, &image).file("dt"), [b'Q'; 2048]);
}

#[test]
fn the_device_trees_of_a_recovery_come_out() {
    if crate::testing::lacking(&["mkbootimg"]) {
        return;
    }
    let mut image = mkbootimg("-o", &["--kernel", "kernel", "--ramdisk", "ramdisk", "--header_version", "1"]);
    let end = image.len();
    put_words(&mut image, &[(1632, 2048), (1636, end)]);
    put(&mut image, end, &[b'D'; 2048]);
    assert_eq!(unpack(&AndroidBoot, &image).file("recovery_dtbo"), [b'D'; 2048]);
}

#[test]
fn a_truncated_image_gives_what_is_there() {
    if crate::testing::lacking(&["mkbootimg"]) {
        return;
    }
    let image = mkbootimg("-o", &["--kernel", "kernel", "--ramdisk", "ramdisk", "--pagesize", "2048"]);
    let unpacked = unpack(&AndroidBoot, &image[..2048 + 7000]);
    assert_eq!(unpacked.file("kernel"), &content("kernel")[..7000]);
    assert!(unpacked.problems.iter().any(|(code, _)| *code == Code::Truncated));
}

#[test]
fn eight_letters_are_none() {
    let text = b"ANDROID! is what the header of a boot image begins with, and this is a text about it".repeat(50);
    assert_eq!(carve(&AndroidBoot, &text, 0), None);
    assert_eq!(carve(&AndroidBoot, &[VENDOR, &[0; 4096]].concat(), 0), None);
}
