//! UBI against images of ubinize.

use std::process::Command;

use super::header::crc;
use super::*;
use crate::format::testing::tree::noise;
use crate::format::testing::{Unpacked, carve, survives_damage, tool, unpack, unpack_at};
use crate::problem::Code;

const PEB: usize = 16 << 10;

/// A dynamic volume over four LEBs, a static one over three, one aligned to odd sizes and an empty one.
fn image(options: &[&str]) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let (root, kernel) = (noise(55_000), noise(40_000));
    std::fs::write(folder.path().join("root"), &root).unwrap();
    std::fs::write(folder.path().join("kernel"), &kernel).unwrap();
    let volume = |id: u32, name: &str, kind: &str, rest: &str| {
        format!("[{name}]\nmode=ubi\nvol_id={id}\nvol_type={kind}\nvol_name={name}\nvol_size=100KiB\n{rest}\n")
    };
    let path = |name: &str| folder.path().join(name).display().to_string();
    let volumes = [
        volume(0, "rootfs", "dynamic", &format!("image={}", path("root"))),
        volume(3, "kernel", "static", &format!("image={}", path("kernel"))),
        volume(4, "odd", "dynamic", &format!("image={}\nvol_alignment=1000", path("root"))),
        volume(5, "data", "dynamic", "vol_flags=autoresize"),
    ];
    std::fs::write(path("ini"), volumes.concat()).unwrap();
    tool(Command::new("ubinize").args(["-o", &path("ubi"), "-p", "16KiB"]).args(options).arg(path("ini")));
    (std::fs::read(path("ubi")).unwrap(), root, kernel)
}

fn starts_with_then_erased(found: &[u8], expected: &[u8]) {
    assert!(found.starts_with(expected));
    assert!(found[expected.len()..].iter().all(|byte| *byte == 0xff));
}

fn check(unpacked: &Unpacked, root: &[u8], kernel: &[u8]) {
    assert_eq!(unpacked.problems, []);
    assert_eq!(unpacked.names(), ["rootfs", "kernel", "odd", "data"]);
    starts_with_then_erased(unpacked.file("rootfs"), root);
    assert!(unpacked.file("kernel") == kernel, "a static volume has its exact size");
    starts_with_then_erased(unpacked.file("odd"), root);
    assert_eq!(unpacked.file("odd").len() % 1000, 0);
    assert!(unpacked.file("data").is_empty());
}

#[test]
fn volumes_come_out_by_name() {
    if crate::testing::lacking(&["ubinize"]) {
        return;
    }
    for options in [&["-m", "1"][..], &["-m", "512", "-s", "256"], &["-m", "2048", "-O", "2048", "-Q", "77"]] {
        let (image, root, kernel) = image(options);
        assert_eq!(carve(&Ubi, &image, 0), Some(image.len() as u64));
        check(&unpack(&Ubi, &image), &root, &kernel);
        let around = [&[1; 777], image.as_slice(), &[2; 200_000]].concat();
        assert_eq!(carve(&Ubi, &around, 777), Some(image.len() as u64));
        check(&unpack_at(&Ubi, &around, 777), &root, &kernel);
    }
}

fn pebs(image: &[u8]) -> Vec<Vec<u8>> {
    image.chunks(PEB).map(<[u8]>::to_vec).collect()
}

/// Sets a field of the volume identifier header, 64 bytes behind the other in these images, and its checksum.
fn set(peb: &mut [u8], field: usize, value: &[u8]) {
    let header = &mut peb[64..128];
    header[field..field + value.len()].copy_from_slice(value);
    let sum = crc(&header[..60]).to_be_bytes();
    header[60..].copy_from_slice(&sum);
}

#[test]
fn the_order_on_flash_does_not_matter() {
    if crate::testing::lacking(&["ubinize"]) {
        return;
    }
    let (image, root, kernel) = image(&["-m", "1"]);
    let mut pebs = pebs(&image);
    pebs.reverse();
    let empty = vec![0xff; PEB];
    pebs.insert(1, empty.clone());
    pebs.insert(5, [&pebs[0][..64], &empty[64..]].concat()); // erased, counted, unused
    let image = pebs.concat();
    assert_eq!(carve(&Ubi, &[image.as_slice(), &empty].concat(), 0), Some(image.len() as u64));
    check(&unpack(&Ubi, &image), &root, &kernel);
}

#[test]
fn the_newest_whole_copy_wins() {
    if crate::testing::lacking(&["ubinize"]) {
        return;
    }
    let (image, root, _) = image(&["-m", "1"]);
    let mut pebs = pebs(&image);
    let old = pebs[2].clone();
    let mut newer = old.clone();
    newer[128..PEB].fill(0x33);
    set(&mut newer, 40, &7_u64.to_be_bytes());
    pebs.insert(0, newer.clone());
    let unpacked = unpack(&Ubi, &pebs.concat());
    assert_eq!(unpacked.file("rootfs")[0], 0x33, "the higher sequence number");
    assert!(unpacked.file("rootfs")[PEB - 128..].starts_with(&root[PEB - 128..]));
    set(&mut newer, 6, &[1]);
    pebs[0] = newer.clone();
    starts_with_then_erased(unpack(&Ubi, &pebs.concat()).file("rootfs"), &root);
    set(&mut newer, 20, &100_u32.to_be_bytes());
    set(&mut newer, 32, &crc(&[0x33; 100]).to_be_bytes());
    pebs[0] = newer;
    assert_eq!(unpack(&Ubi, &pebs.concat()).file("rootfs")[0], 0x33, "a copy that was finished");
}

#[test]
fn damage_is_told_and_the_rest_comes_out() {
    if crate::testing::lacking(&["ubinize"]) {
        return;
    }
    let (image, root, kernel) = image(&["-m", "1"]);
    let lost = |peb: usize, at: usize, bytes: &[u8]| {
        let mut pebs = pebs(&image);
        pebs[peb][at..at + bytes.len()].copy_from_slice(bytes);
        unpack(&Ubi, &pebs.concat())
    };
    let codes = |unpacked: &Unpacked| unpacked.problems.iter().map(|problem| problem.0).collect::<Vec<_>>();
    check(&lost(0, 1000, b"garbage in one copy of the table, which has no such record"), &root, &kernel);
    check(&lost(0, 130, b"xxxx"), &root, &kernel);
    let unpacked = lost(3, 70, b"xxxx");
    assert_eq!(codes(&unpacked), [Code::Truncated, Code::Checksum], "one for the volume, one for the image");
    assert!(unpacked.file("rootfs")[PEB - 128..2 * (PEB - 128)].iter().all(|byte| *byte == 0xff), "a hole");
    assert!(unpacked.file("kernel") == kernel);
    let unpacked = lost(6, 500, b"xxxx");
    assert_eq!(codes(&unpacked), [Code::Checksum], "data_crc of a static volume");
    let unpacked = lost(7, 70, b"xxxx");
    assert_eq!(codes(&unpacked), [Code::Truncated, Code::Checksum]);
    assert_eq!(unpacked.file("kernel").len(), kernel.len());
    let unpacked = unpack(&Ubi, &image[..image.len() - PEB - 3000]);
    assert!(unpacked.file("kernel") == kernel);
    assert!(unpacked.file("odd").starts_with(&root[..45_000]));
    assert_eq!(codes(&unpacked), [Code::Truncated]);
}

#[test]
fn without_a_table_volumes_have_numbers() {
    if crate::testing::lacking(&["ubinize"]) {
        return;
    }
    let (image, root, kernel) = image(&["-m", "1"]);
    let unpacked = unpack(&Ubi, &image[2 * PEB..]);
    assert_eq!(unpacked.names(), ["volume-0", "volume-3", "volume-4"]);
    starts_with_then_erased(unpacked.file("volume-0"), &root);
    assert!(unpacked.file("volume-3") == kernel);
    assert_eq!(unpacked.problems.len(), 1);
}

#[test]
fn two_images_side_by_side_are_two() {
    if crate::testing::lacking(&["ubinize"]) {
        return;
    }
    let (one, _, _) = image(&["-m", "1", "-Q", "1"]);
    let (two, root, kernel) = image(&["-m", "1", "-Q", "2"]);
    let both = [one.as_slice(), &two].concat();
    assert_eq!(carve(&Ubi, &both, 0), Some(one.len() as u64));
    check(&unpack_at(&Ubi, &both, one.len() as u64), &root, &kernel);
}

#[test]
fn strings_of_a_driver_are_no_image() {
    if crate::testing::lacking(&["ubinize"]) {
        return;
    }
    assert_eq!(carve(&Ubi, b"UBI#\x01\0\0\0 UBI! bad magic number", 0), None);
    assert_eq!(carve(&Ubi, &[b"UBI#\x01\0\0\0".as_slice(), &[0; 300_000]].concat(), 0), None);
    let (image, _, _) = image(&["-m", "1"]);
    assert_eq!(carve(&Ubi, &image[..PEB], 0), None, "one erase block says nothing");
}

#[test]
fn absurd_numbers_cost_nothing() {
    if crate::testing::lacking(&["ubinize"]) {
        return;
    }
    let (image, root, _) = image(&["-m", "1"]);
    let mut pebs = pebs(&image);
    set(&mut pebs[3], 12, &0x7fff_ffff_u32.to_be_bytes());
    let unpacked = unpack(&Ubi, &pebs.concat());
    assert!(unpacked.file("rootfs").len() < 200_000 && unpacked.file("rootfs").starts_with(&root[..PEB - 128]));
    assert_eq!(unpacked.problems.len(), 1);
    survives_damage(&Ubi, &image);
}

#[test]
fn erase_blocks_of_any_number_of_pages() {
    if crate::testing::lacking(&["ubinize"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, root) = (|name: &str| folder.path().join(name).display().to_string(), noise(900_000));
    std::fs::write(path("root"), &root).unwrap();
    let ini = format!("[root]\nmode=ubi\nvol_id=0\nvol_type=dynamic\nvol_name=rootfs\nimage={}\nvol_size=2MiB\n", path("root"));
    std::fs::write(path("ini"), ini).unwrap();
    tool(Command::new("ubinize").args(["-o", &path("ubi"), "-p", "384KiB", "-m", "2048", "-s", "2048"]).arg(path("ini")));
    let image = std::fs::read(path("ubi")).unwrap();
    assert_eq!(carve(&Ubi, &image, 0), Some(image.len() as u64));
    let unpacked = unpack(&Ubi, &image);
    assert_eq!(unpacked.problems, []);
    starts_with_then_erased(unpacked.file("rootfs"), &root);
    // With spare areas between its pages it is not one yet.
    let dump: Vec<u8> = image.chunks(2048).flat_map(|page| [page, &[0xff; 64]].concat()).collect();
    assert_eq!(carve(&Ubi, &dump, 0), None);
}
