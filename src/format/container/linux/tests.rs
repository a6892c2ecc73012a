//! Kernels built by hand from their published layouts.

use std::process::{Command, Stdio};

use super::*;
use crate::format::Format;
use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
use crate::problem::Code;

fn vmlinux() -> Vec<u8> {
    (0..40_000_u32).flat_map(|number| (number / 3).to_le_bytes()).collect()
}

/// `input` through a compressor of the shell, as the build of Linux does.
fn compress(command: &[&str], input: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vmlinux.bin");
    std::fs::write(&path, input).unwrap();
    let file = std::fs::File::open(&path).unwrap();
    let mut command_line = Command::new(command[0]);
    let output = command_line.args(&command[1..]).stdin(Stdio::from(file)).output().unwrap();
    assert!(output.status.success() && !output.stdout.is_empty(), "{command:?}");
    output.stdout
}

const COMPRESSORS: [&[&str]; 7] = [
    &["gzip", "-n", "-9"],
    &["bzip2", "-9"],
    &["lzma", "-9"],
    &["xz", "--check=crc32", "--lzma2=preset=6"],
    &["lzop", "-9"],
    &["lz4", "-l", "-9", "-c"],
    &["zstd", "-19", "-c"],
];

/// A compressed kernel as the build leaves it: with its size appended, except after gzip, which has one.
fn piggy(command: &[&str]) -> (Vec<u8>, Vec<u8>) {
    let stream = compress(command, &vmlinux());
    let mut with_size = stream.clone();
    if command[0] != "gzip" {
        with_size.extend(u32::try_from(vmlinux().len()).unwrap().to_le_bytes());
    }
    (stream, with_size)
}

/// Code of a decompressor, with the constants that it compares heads with.
fn stub() -> Vec<u8> {
    let constants = HEADS.map(|(magic, _)| magic.to_vec()).concat();
    [vec![0x5a; 256], constants, vec![0x5a; 1004]].concat()
}

fn bzimage(protocol: u16, payload: &[u8]) -> Vec<u8> {
    let stub = stub();
    let mut setup = vec![0x90; 3 * 512];
    let code = [stub.as_slice(), payload, &[0xcc; 100]].concat();
    setup[0x1f1] = 2;
    setup[0x1f4..0x1f8].copy_from_slice(&u32::try_from(code.len().div_ceil(16)).unwrap().to_le_bytes());
    setup[0x1fe..0x202].copy_from_slice(&[0x55, 0xaa, 0xeb, 0x6a]);
    setup[0x202..0x206].copy_from_slice(b"HdrS");
    setup[0x206..0x208].copy_from_slice(&protocol.to_le_bytes());
    setup[0x248..0x24c].copy_from_slice(&u32::try_from(stub.len()).unwrap().to_le_bytes());
    setup[0x24c..0x250].copy_from_slice(&u32::try_from(payload.len()).unwrap().to_le_bytes());
    let padding = code.len().next_multiple_of(16) - code.len();
    [setup, code, vec![0; padding]].concat()
}

fn zimage(table: bool, big: bool, payload: &[u8]) -> Vec<u8> {
    let word = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let (stub, start) = (stub(), 0x8000_u32);
    let place = u32::try_from(0x40 + 28 + stub.len() + payload.len() - 4).unwrap();
    let length = u32::try_from(0x40 + 28 + stub.len() + payload.len() + 60).unwrap();
    let mut image = word(0xe1a0_0000).repeat(8);
    let marks = if table { [0x0403_0201, 0x4545_4545, 0x40, 0] } else { [0xe1a0_7001; 4] };
    [0xea00_0000, 0x016f_2818, start, start + length].into_iter().chain(marks).for_each(|value| image.extend(word(value)));
    [6, 0x5a53_4c4b, place, 0x1000, 0x8000, 0x1000, 0].into_iter().for_each(|value| image.extend(word(value)));
    [image, stub, payload.to_vec(), vec![0x5b; 60]].concat()
}

#[test]
fn the_compressed_kernel_comes_out_of_a_bzimage() {
    if crate::testing::lacking(&["bzip2", "lz4", "lzop", "xz", "zstd"]) {
        return;
    }
    for command in COMPRESSORS {
        let (stream, with_size) = piggy(command);
        let image = bzimage(0x20f, &with_size);
        let disk = [vec![0; 1024], image.clone(), b"signature".to_vec()].concat();
        assert_eq!(carve(&BzImage, &disk, 1024), Some(image.len() as u64));
        let unpacked = unpack_at(&BzImage, &disk, 1024);
        assert!(unpacked.file("piggy") == stream, "{command:?}");
        assert_eq!(unpacked.problems, []);
    }
}

#[test]
fn the_compressed_kernel_comes_out_of_an_old_bzimage() {
    if crate::testing::lacking(&["bzip2", "lz4", "lzop", "xz", "zstd"]) {
        return;
    }
    for command in COMPRESSORS {
        let (stream, with_size) = piggy(command);
        let unpacked = unpack(&BzImage, &bzimage(0x206, &with_size));
        assert!(unpacked.file("piggy").starts_with(&stream), "{command:?}");
    }
}

#[test]
fn the_compressed_kernel_comes_out_of_a_zimage() {
    if crate::testing::lacking(&["bzip2", "lz4", "lzop", "xz", "zstd"]) {
        return;
    }
    for command in COMPRESSORS {
        let (stream, with_size) = piggy(command);
        for (table, big) in [(true, false), (true, true), (false, false), (false, true)] {
            let image = zimage(table, big, &with_size);
            let flash = [b"boot".to_vec(), image.clone(), vec![0xd0, 0x0d, 0xfe, 0xed]].concat();
            assert_eq!(carve(&ZImage, &flash, 4), Some(image.len() as u64));
            let unpacked = unpack_at(&ZImage, &flash, 4);
            let found = unpacked.file("piggy");
            // Without the table nobody says where it ends: the rest of the kernel comes too.
            assert!(if table { found == stream } else { found.starts_with(&stream) }, "{command:?} {table} {big}");
            assert_eq!(unpacked.problems, []);
        }
    }
}

#[test]
fn a_truncated_kernel_gives_what_is_there() {
    if crate::testing::lacking(&["bzip2", "lz4", "lzop", "xz", "zstd"]) {
        return;
    }
    let (stream, with_size) = piggy(COMPRESSORS[3]);
    for (format, image) in [(&BzImage as &dyn Format, bzimage(0x20f, &with_size)), (&ZImage, zimage(true, false, &with_size))] {
        let unpacked = unpack(format, &image[..image.len() - 500]);
        assert!(stream.starts_with(unpacked.file("piggy")));
        assert_eq!(unpacked.problems[0].0, Code::Truncated);
    }
}

#[test]
fn without_a_compressed_kernel_it_is_a_problem() {
    assert_eq!(unpack(&ZImage, &zimage(false, false, b"nothing")).problems[0].0, Code::Unsupported);
    assert_eq!(unpack(&BzImage, &bzimage(0x206, b"nothing")).problems[0].0, Code::Unsupported);
}

#[test]
fn other_bytes_around_a_magic_are_no_kernel() {
    assert_eq!(carve(&BzImage, &[vec![0; 0x202], b"HdrS".to_vec(), vec![0; 0x1000]].concat(), 0), None);
    assert_eq!(carve(&ZImage, &[vec![0; 0x24], vec![0x18, 0x28, 0x6f, 0x01], vec![0; 0x1000]].concat(), 0), None);
    assert_eq!(carve(&Arm64, &[vec![0xff; 0x38], b"ARM\x64".to_vec(), vec![0xff; 0x1000]].concat(), 0), None);
}

fn image(size: u64, pe: u32) -> Vec<u8> {
    let mut image = vec![0; 0x40];
    image[..2].copy_from_slice(b"MZ");
    image[0x8..0x10].copy_from_slice(&0x8_0000_u64.to_le_bytes());
    image[0x10..0x18].copy_from_slice(&size.to_le_bytes());
    image[0x18] = 0xa;
    image[0x38..0x3c].copy_from_slice(b"ARM\x64");
    image[0x3c..0x40].copy_from_slice(&pe.to_le_bytes());
    image
}

#[test]
fn an_arm64_kernel_ends_where_its_header_says() {
    let rest = vec![7; 10_000];
    assert_eq!(carve(&Arm64, &[image(5000, 0), rest.clone()].concat(), 0), Some(5000));
    assert_eq!(carve(&Arm64, &[image(50_000, 0), rest.clone()].concat(), 0), Some(10_064), "truncated, or memory that no file holds");
    assert_eq!(carve(&Arm64, &[image(0, 0), rest].concat(), 0), Some(10_064));
}

#[test]
fn an_arm64_kernel_with_an_efi_stub_ends_with_its_last_section() {
    let mut kernel = [image(9000, 0x40), b"PE\0\0\x64\xaa\x02\0".to_vec(), vec![0; 12], vec![4, 0, 0, 0], vec![0; 4]].concat();
    for (size, offset) in [(0x1000_u32, 0x200_u32), (0x300, 0x1200)] {
        kernel.extend([vec![0; 16], size.to_le_bytes().to_vec(), offset.to_le_bytes().to_vec(), vec![0; 16]].concat());
    }
    kernel.resize(9000, 1);
    assert_eq!(carve(&Arm64, &kernel, 0), Some(0x1500));
}

#[test]
fn the_configuration_comes_out_from_between_its_marks() {
    if crate::testing::lacking(&["bzip2", "lz4", "lzop", "xz", "zstd"]) {
        return;
    }
    let config = "CONFIG_ARM=y\n# CONFIG_X86 is not set\n".repeat(200);
    let stream = compress(&["gzip", "-n", "-9"], config.as_bytes());
    let kernel = [b"kernel", b"IKCFG_ST".as_slice(), &stream, b"IKCFG_ED", b"more"].concat();
    assert_eq!(carve(&IkConfig, &kernel, 6), Some(16 + stream.len() as u64));
    let unpacked = unpack_at(&IkConfig, &kernel, 6);
    assert_eq!(unpacked.file(".config"), config.as_bytes());
    assert_eq!(unpacked.problems, []);
    let unmarked = unpack_at(&IkConfig, &kernel[..kernel.len() - 6], 6);
    assert_eq!(unmarked.file(".config"), config.as_bytes());
    assert_eq!(unmarked.problems[0].0, Code::Corrupt);
    assert_eq!(carve(&IkConfig, b"scripts/extract-ikconfig looks for IKCFG_ST and IKCFG_ED", 35), None);
}

#[test]
fn damage_does_no_harm() {
    if crate::testing::lacking(&["bzip2", "lz4", "lzop", "xz", "zstd"]) {
        return;
    }
    let (_, with_size) = piggy(COMPRESSORS[0]);
    survives_damage(&BzImage, &bzimage(0x20f, &with_size));
    survives_damage(&BzImage, &bzimage(0x206, &with_size));
    survives_damage(&ZImage, &zimage(true, false, &with_size));
    survives_damage(&Arm64, &image(0x1000, 0x40));
    survives_damage(&IkConfig, &[b"IKCFG_ST".as_slice(), &with_size, b"IKCFG_ED"].concat());
}
