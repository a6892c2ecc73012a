//! Volumes as a build of EDK II has them: made by fixtures/make/uefi.py.

use super::*;
use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
use crate::problem::Code;

const IMAGE: &[u8] = include_bytes!("../../../../fixtures/uefi-volume/edk2.fd");
const NVRAM: &[u8] = include_bytes!("../../../../fixtures/uefi-volume/nvram.fd");

#[test]
fn files_come_out_by_name() {
    let flash = [&[0xff; 9], IMAGE, b"next"].concat();
    assert_eq!(carve(&Volume, &flash, 9), Some(IMAGE.len() as u64));
    let unpacked = unpack_at(&Volume, &flash, 9);
    let names = unpacked.names();
    assert_eq!(names.len(), 15, "{names:?}");
    assert_eq!(
        names[..4],
        [
            "PeiApriori 1B45CC0A-156A-428A-AF62-49864DA0E6E6",
            "PeiCore 52C05B14-0B98-496C-BC3B-04B50211D680",
            "PlainDxe 7E57F1E5-0000-4000-8000-000000000002",
            "HiddenDxe 7E57F1E5-0000-4000-8000-00000000000D",
        ]
    );
    assert_eq!(names[14], "7E57F1E5-0000-4000-8000-00000000000C");
    assert_eq!(unpacked.fact("header.name").as_deref(), Some("7E57F1E5-0000-4000-8000-000000000200"));
    assert_eq!(unpacked.problems, []);
}

#[test]
fn what_is_no_file_system_is_handed_over_whole() {
    let unpacked = unpack(&Volume, NVRAM);
    assert_eq!(unpacked.names(), ["NvramVolume FFF12B8D-7696-4C8B-A985-2747075B4F50"]);
    assert_eq!(unpacked.files[0].1, NVRAM[72..]);
}

#[test]
fn damage_is_said_and_the_rest_comes_out() {
    let cut = unpack(&Volume, &IMAGE[..0x4000]);
    assert!(cut.files.len() > 2 && cut.problems.iter().any(|problem| problem.0 == Code::Truncated), "{:?}", cut.problems);
    let mut changed = IMAGE.to_vec();
    changed[0x2c] ^= 1;
    let unpacked = unpack(&Volume, &changed);
    assert_eq!((unpacked.files.len(), unpacked.problems[0].0), (15, Code::Checksum));
    let mut free = IMAGE.to_vec();
    free[IMAGE.len() - 20] = 7;
    assert_eq!(unpack(&Volume, &free).names().last(), Some(&"after the files"));
    survives_damage(&Volume, IMAGE);
}

#[test]
fn deleted_and_broken_files() {
    let mut image = IMAGE.to_vec();
    let first = 72 + 24;
    image[first + 23] = 0xe8;
    assert!(unpack(&Volume, &image).names()[0].ends_with("(deleted)"));
    image[first + 20..first + 23].fill(0);
    let unpacked = unpack(&Volume, &image);
    assert_eq!((unpacked.names(), unpacked.problems[0].0), (vec!["no file"], Code::Corrupt));
}

#[test]
fn four_letters_are_no_volume() {
    let mut text = vec![b' '; 200];
    text[40..44].copy_from_slice(b"_FVH");
    assert_eq!(carve(&Volume, &text, 0), None);
    let mut broken = IMAGE.to_vec();
    broken[0x22] ^= 1;
    assert_eq!(carve(&Volume, &broken, 0), None, "neither checksum nor block map");
}

/// Programs in a volume, in the volumes in it, and so on.
fn programs(volume: &[u8]) -> usize {
    let inside = |file: &[u8]| {
        let unpacked = unpack(&crate::format::uefi::uefi_file::File, file);
        assert_eq!(unpacked.problems, []);
        let volumes = unpacked.files.iter().filter(|(name, _)| name.contains("volume ")).map(|(_, bytes)| programs(bytes)).sum::<usize>();
        volumes + unpacked.names().iter().filter(|name| name.ends_with("PE32") || name.ends_with("TE")).count()
    };
    unpack(&Volume, volume).files.iter().map(|(_, file)| inside(file)).sum()
}

#[test]
fn a_build_of_edk2_comes_apart() {
    // Debian package ovmf. uefi-firmware-parser finds as many.
    let Ok(image) = std::fs::read("/usr/share/OVMF/OVMF_CODE_4M.fd") else { return };
    assert!(programs(&image) > 100, "{}", programs(&image));
}
