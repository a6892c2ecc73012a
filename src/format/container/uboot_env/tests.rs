//! Environments as mkenvimage writes them.

use std::process::Command;

use super::*;
use crate::format::testing::{carve, survives_damage, tool, try_unpack_at, unpack_at};

const TEXT: &str = "bootargs=console=ttyS0,115200 root=/dev/mtdblock4\nbootcmd=bootm 0x9f020000\nboard=example-100\nver=U-Boot 2021.07\n";

fn mkenvimage(text: &str, arguments: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("env.txt"), text).unwrap();
    tool(Command::new("mkenvimage").current_dir(folder.path()).args(arguments).args(["-o", "env.bin", "env.txt"]));
    std::fs::read(folder.path().join("env.bin")).unwrap()
}

#[test]
fn environments_of_every_kind_are_read() {
    if crate::testing::lacking(&["mkenvimage"]) {
        return;
    }
    let cases: [&[&str]; 6] = [
        &["-s", "4096"],
        &["-s", "0x40000"],
        &["-s", "8192", "-r"],
        &["-s", "65536", "-b"],
        &["-s", "131072", "-r", "-b"],
        &["-s", "0x2000", "-p", "0"],
    ];
    for arguments in cases {
        let image = mkenvimage(TEXT, arguments);
        let flash = [vec![0xff; 64], image.clone(), vec![0xff; 5000]].concat();
        assert_eq!(carve(&UBootEnv, &flash, 64), Some(image.len() as u64), "{arguments:?}");
        let unpacked = unpack_at(&UBootEnv, &flash, 64);
        let variables: Vec<_> = unpacked.facts.iter().filter(|fact| fact.key == "u-boot.environment").collect();
        assert_eq!(variables.len(), 4);
        for (variable, line) in variables.iter().zip(TEXT.lines()) {
            assert_eq!(variable.value, line.as_bytes());
            assert_eq!(Bytes(&image).get(variable.span.start, variable.span.length).unwrap(), line.as_bytes());
        }
        assert_eq!(unpacked.fact("header.board").unwrap(), "example-100");
        assert_eq!(unpacked.fact("header.version").unwrap(), "U-Boot 2021.07");
        assert_eq!(unpacked.problems, []);
    }
}

#[test]
fn the_crc_decides() {
    if crate::testing::lacking(&["mkenvimage"]) {
        return;
    }
    let mut image = mkenvimage(TEXT, &["-s", "4096"]);
    survives_damage(&UBootEnv, &image);
    image[30] ^= 1;
    assert_eq!(carve(&UBootEnv, &image, 0), None);
}

#[test]
fn remains_of_a_longer_environment_do_not_matter() {
    if crate::testing::lacking(&["mkenvimage"]) {
        return;
    }
    let mut image = mkenvimage(TEXT, &["-s", "4096"]);
    image[200..220].copy_from_slice(b"0\0oldvariable=value\0");
    let sum = crate::format::crc32(&image[4..]).to_le_bytes();
    image[..4].copy_from_slice(&sum);
    let flash = [vec![0xff; 512], image].concat();
    assert_eq!(carve(&UBootEnv, &flash, 512), Some(4096));
}

#[test]
fn text_about_variables_is_none() {
    assert_eq!(carve(&UBootEnv, b"set bootcmd=bootm to boot\0and so on\0\0", 0), None);
    let list = [b"1234bootcmd=a\0".as_slice(), &b"bootargs=b\0".repeat(2000), &[0; 4096]].concat();
    assert!(try_unpack_at(&UBootEnv, &list, 0).is_none());
    assert!(follows_text(Bytes(&list), 200));
}
