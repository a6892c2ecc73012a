//! Packages that wixl writes, and damaged ones.

use std::process::Command;

use super::*;
use crate::format::testing::{carve, survives_damage, tool, unpack, unpack_at};
use crate::problem::Code;

const IMAGE: &[u8] = include_bytes!("../../../../fixtures/cfb/gateway.msi");

#[test]
fn streams_are_what_msiinfo_finds() {
    if crate::testing::lacking(&["msiinfo"]) {
        return;
    }
    let junk = [b"before".as_slice(), IMAGE, b"after"].concat();
    assert_eq!(carve(&Cfb, &junk, 6), Some(IMAGE.len() as u64));
    let unpacked = unpack_at(&Cfb, &junk, 6);
    assert_eq!(unpacked.problems, []);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("image.msi"), IMAGE).unwrap();
    let streams = tool(Command::new("msiinfo").arg("streams").arg(folder.path().join("image.msi")));
    for name in String::from_utf8(streams).unwrap().lines() {
        let name = name.trim();
        let bytes = tool(Command::new("msiinfo").arg("extract").arg(folder.path().join("image.msi")).arg(name));
        assert!(unpacked.file(&name.replace('\u{5}', "[5]")) == bytes, "{name}");
    }
    assert!(unpacked.names().contains(&"!_StringData") && unpacked.file("gateway.cab").starts_with(b"MSCF"), "{:?}", unpacked.names());
}

#[test]
fn damage_is_told_and_the_rest_kept() {
    let cut = unpack(&Cfb, &IMAGE[..IMAGE.len() - 4096]);
    assert!(!cut.problems.is_empty() && cut.problems.iter().all(|(code, _)| matches!(code, Code::Truncated | Code::Corrupt)));
    survives_damage(&Cfb, IMAGE);
}

#[test]
fn look_alikes_are_refused() {
    assert_eq!(carve(&Cfb, &[IMAGE[..8].to_vec(), vec![b' '; 1000]].concat(), 0), None);
}
