//! Images made by the tools that device makers use, from a tree of files: each file must come back, byte for byte.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test whose tool fails must fail"
)]

mod bench;
mod boot;
mod disks;
mod filesystems;
mod flash;
mod linuxfs;
mod thousand;
mod uefi;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use bench::{Bench, Names, inspected, lacking, text};

#[test]
fn ext_file_systems() {
    if lacking(&["mke2fs"]) {
        return;
    }
    let bench = Bench::new(Names::Any);
    let (tree, image) = (bench.tree(), bench.at("image"));
    for (kind, block) in [("ext2", "1024"), ("ext3", "1024"), ("ext3", "4096"), ("ext4", "1024"), ("ext4", "4096")] {
        let _ = fs::remove_file(&image);
        bench.run("mke2fs", &["-q", "-t", kind, "-b", block, "-d", text(&tree), text(&image), "16M"]);
        bench.file_comes_back(&format!("{kind} {block}"), "image");
    }
}

fn fat(bench: &Bench, bits: &str, kibibytes: &str) -> PathBuf {
    let image = bench.at(&format!("fat{bits}"));
    bench.run("mkfs.fat", &["-F", bits, "-C", text(&image), kibibytes]);
    let mut names: Vec<String> = fs::read_dir(bench.tree()).unwrap().map(|entry| text(&entry.unwrap().path()).to_owned()).collect();
    names.sort();
    let arguments: Vec<&str> = ["-s", "-i", text(&image)].into_iter().chain(names.iter().map(String::as_str)).chain(["::/"]).collect();
    bench.run("mcopy", &arguments);
    image
}

#[test]
fn fat_file_systems() {
    if lacking(&["mkfs.fat", "mcopy"]) {
        return;
    }
    let bench = Bench::new(Names::Plain);
    for (bits, kibibytes) in [("12", "6144"), ("16", "20480"), ("32", "40960")] {
        fat(&bench, bits, kibibytes);
        bench.file_comes_back(&format!("FAT{bits}"), &format!("fat{bits}"));
    }
}

/// An image of 48 MiB with an ext4 file system at 1 MiB and a FAT file system at 20 MiB.
fn disk(bench: &Bench, ext: &Path, fat: &Path) -> Vec<u8> {
    let mut disk = vec![0; 48 << 20];
    for (start, part) in [(1 << 20, ext), (20 << 20, fat)] {
        let part = fs::read(part).unwrap();
        disk[start..start + part.len()].copy_from_slice(&part);
    }
    fs::write(bench.at("disk"), &disk).unwrap();
    disk
}

#[test]
fn disks_with_partitions() {
    if lacking(&["mke2fs", "mkfs.fat", "mcopy", "sgdisk", "sfdisk"]) {
        return;
    }
    let bench = Bench::new(Names::Plain);
    let (tree, ext) = (bench.tree(), bench.at("ext"));
    bench.run("mke2fs", &["-q", "-t", "ext4", "-d", text(&tree), text(&ext), "16M"]);
    let fat = fat(&bench, "16", "20480");
    let image = bench.at("disk");
    // 512 bytes a sector: 1 MiB is sector 2048, 20 MiB is sector 40960.
    disk(&bench, &ext, &fat);
    bench.run("sgdisk", &["-n", "1:2048:40959", "-n", "2:40960:90000", text(&image)]);
    bench.file_comes_back("GPT", "disk");
    disk(&bench, &ext, &fat);
    let table = b"label: dos\nstart=2048, size=38912, type=83\nstart=40960, size=49152, type=e\n";
    bench.run_with("sfdisk", &["-q", "--no-reread", text(&image)], table);
    bench.file_comes_back("MBR", "disk");
}

#[test]
fn squashfs_in_all_compressions() {
    if lacking(&["mksquashfs"]) {
        return;
    }
    let bench = Bench::new(Names::Any);
    let (tree, image) = (bench.tree(), bench.at("image"));
    for compression in ["gzip", "lzma", "lzo", "lz4", "xz", "zstd"] {
        for more in [&["-b", "131072"][..], &["-b", "4096", "-no-fragments"]] {
            let arguments = [&[text(&tree), text(&image), "-noappend", "-quiet", "-no-progress", "-comp", compression], more].concat();
            bench.run("mksquashfs", &arguments);
            bench.file_comes_back(&format!("squashfs {compression} {more:?}"), "image");
        }
    }
    bench.run("mksquashfs", &[text(&tree), text(&image), "-noappend", "-quiet", "-no-progress", "-noI", "-noD", "-noF"]);
    bench.file_comes_back("squashfs, nothing compressed", "image");
}

#[test]
fn jffs2_in_both_byte_orders() {
    if lacking(&["mkfs.jffs2"]) {
        return;
    }
    let bench = Bench::new(Names::Any);
    let (tree, image) = (bench.tree(), bench.at("image"));
    for order in ["-l", "-b"] {
        for more in [&["-e", "0x10000"][..], &["-e", "0x20000", "-n", "-p"], &["-e", "0x10000", "-m", "none"]] {
            bench.run("mkfs.jffs2", &[&["-r", text(&tree), "-o", text(&image), order], more].concat());
            bench.file_comes_back(&format!("jffs2 {order} {more:?}"), "image");
        }
    }
}

#[test]
fn ubifs_in_ubi() {
    if lacking(&["mkfs.ubifs", "ubinize"]) {
        return;
    }
    let bench = Bench::new(Names::Any);
    let (tree, volume, image) = (bench.tree(), bench.at("volume"), bench.at("image"));
    for compression in ["none", "lzo", "zlib", "zstd"] {
        bench.run("mkfs.ubifs", &["-r", text(&tree), "-o", text(&volume), "-m", "2048", "-e", "126976", "-c", "200", "-x", compression]);
        bench.file_comes_back(&format!("ubifs {compression}"), "volume");
        let section =
            format!("[root]\nmode=ubi\nimage={}\nvol_id=0\nvol_type=dynamic\nvol_name=root\nvol_flags=autoresize\n", text(&volume));
        fs::write(bench.at("ubi.ini"), section).unwrap();
        bench.run("ubinize", &["-o", text(&image), "-m", "2048", "-p", "128KiB", text(&bench.at("ubi.ini"))]);
        bench.file_comes_back(&format!("ubi with ubifs {compression}"), "image");
    }
}

#[test]
fn romfs_and_cramfs() {
    if lacking(&["genromfs", "mkfs.cramfs"]) {
        return;
    }
    let bench = Bench::new(Names::Any);
    let (tree, image) = (bench.tree(), bench.at("image"));
    bench.run("genromfs", &["-d", text(&tree), "-f", text(&image)]);
    bench.file_comes_back("romfs", "image");
    for order in ["little", "big"] {
        bench.run("mkfs.cramfs", &["-N", order, text(&tree), text(&image)]);
        bench.file_comes_back(&format!("cramfs {order}"), "image");
    }
}

#[test]
fn tar_in_all_dialects() {
    if lacking(&["tar", "bzip2", "xz", "zstd"]) {
        return;
    }
    let bench = Bench::new(Names::Any);
    for dialect in ["v7", "ustar", "gnu", "posix"] {
        let archive = bench.run("tar", &["-c", &format!("--format={dialect}"), "."]);
        bench.all_come_back(&format!("tar {dialect}"), &archive);
    }
    for dialect in [&["--format=gnu"][..], &["--format=posix"], &["--format=posix", "--sparse-version=0.1"]] {
        let archive = bench.run("tar", &[&["-c", "-S"], dialect, &["."]].concat());
        bench.all_come_back(&format!("tar with holes {dialect:?}"), &archive);
    }
    for compression in ["-z", "-j", "-J", "--zstd", "--lzma"] {
        bench.all_come_back(&format!("tar {compression}"), &bench.run("tar", &["-c", compression, "."]));
    }
}

#[test]
fn cpio_in_all_dialects() {
    if lacking(&["cpio"]) {
        return;
    }
    let bench = Bench::new(Names::Any);
    for dialect in ["newc", "crc", "odc"] {
        let archive = bench.run_with("cpio", &["-o", "-H", dialect, "--quiet"], &bench.list());
        bench.all_come_back(&format!("cpio {dialect}"), &archive);
    }
}

#[test]
fn zip_and_7z() {
    if lacking(&["zip", "7z"]) {
        return;
    }
    let bench = Bench::new(Names::Plain);
    for level in ["-0", "-9"] {
        bench.run("zip", &["-q", "-r", level, text(&bench.at("image.zip")), "."]);
        bench.file_comes_back(&format!("zip {level}"), "image.zip");
        fs::remove_file(bench.at("image.zip")).unwrap();
    }
    for method in ["LZMA2", "LZMA", "BZip2", "Deflate", "Copy"] {
        bench.run("7z", &["a", "-bd", &format!("-m0={method}"), text(&bench.at("image.7z")), "."]);
        bench.file_comes_back(&format!("7z {method}"), "image.7z");
        fs::remove_file(bench.at("image.7z")).unwrap();
    }
}

#[test]
fn debian_packages_and_ar() {
    if lacking(&["ar", "dpkg-deb"]) {
        return;
    }
    let bench = Bench::new(Names::Any);
    let (tree, image) = (bench.tree(), bench.at("image.deb"));
    let mut files: Vec<String> = bench.files().into_keys().filter(|name| name.starts_with("etc/")).collect();
    files.insert(0, text(&bench.at("archive")).to_owned());
    bench.run("ar", &[&["rc"], files.iter().map(String::as_str).collect::<Vec<_>>().as_slice()].concat());
    let (archive, report) = (fs::read(bench.at("archive")).unwrap(), bench.files());
    let report = (inspected(&archive), report);
    let missing: Vec<_> = files[1..].iter().filter(|name| !report.0.artifacts.iter().any(|one| one.sha256 == report.1[*name])).collect();
    assert!(missing.is_empty(), "ar: missing {missing:?}");
    fs::create_dir(tree.join("DEBIAN")).unwrap();
    let control = "Package: example\nVersion: 1\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\nDescription: an example\n";
    fs::write(tree.join("DEBIAN/control"), control).unwrap();
    for compression in ["xz", "gzip", "zstd", "none"] {
        bench.run("dpkg-deb", &[&format!("-Z{compression}"), "-b", text(&tree), text(&image)]);
        bench.file_comes_back(&format!("deb {compression}"), "image.deb");
    }
}

#[test]
fn android_boot_images() {
    if lacking(&["cpio", "mkbootimg"]) {
        return;
    }
    let bench = Bench::new(Names::Any);
    let archive = bench.run_with("cpio", &["-o", "-H", "newc", "--quiet"], &bench.list());
    let mut ramdisk = Vec::new();
    flate2::bufread::GzEncoder::new(archive.as_slice(), flate2::Compression::default()).read_to_end(&mut ramdisk).unwrap();
    let (kernel, disk, image) = (bench.at("kernel"), bench.at("ramdisk"), bench.at("boot"));
    fs::write(&disk, ramdisk).unwrap();
    fs::copy(bench.tree().join("big"), &kernel).unwrap();
    for version in ["0", "1", "2", "3"] {
        let mut arguments = vec!["--kernel", text(&kernel), "--ramdisk", text(&disk), "--header_version", version, "-o", text(&image)];
        if version == "2" {
            arguments.extend(["--dtb", text(&kernel)]);
        }
        bench.run("mkbootimg", &arguments);
        bench.file_comes_back(&format!("Android boot image {version}"), "boot");
    }
}
