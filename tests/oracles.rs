//! Images made by the tools that device makers use, from a tree of files: each file must come back, byte for byte.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test whose tool fails must fail"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use touchmark::blob::Blob;
use touchmark::report::Report;
use touchmark::signature::Database;
use touchmark::walk::Input;
use touchmark::{Options, inspect};

/// The Debian package of each tool.
const PACKAGES: &[(&str, &str)] = &[
    ("7z", "p7zip-full"),
    ("ar", "binutils"),
    ("bzip2", "bzip2"),
    ("cpio", "cpio"),
    ("dpkg-deb", "dpkg"),
    ("genromfs", "genromfs"),
    ("mcopy", "mtools"),
    ("mkbootimg", "mkbootimg"),
    ("mke2fs", "e2fsprogs"),
    ("mkfs.cramfs", "util-linux-extra"),
    ("mkfs.fat", "dosfstools"),
    ("mkfs.jffs2", "mtd-utils"),
    ("mkfs.ubifs", "mtd-utils"),
    ("mksquashfs", "squashfs-tools"),
    ("sfdisk", "fdisk"),
    ("sgdisk", "gdisk"),
    ("tar", "tar"),
    ("ubinize", "mtd-utils"),
    ("xz", "xz-utils"),
    ("zip", "zip"),
    ("zstd", "zstd"),
];

/// Whether one of `tools` is not there, so that the test that asks cannot run. In CI nothing may be lacking.
fn lacking(tools: &[&str]) -> bool {
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let there = |tool: &str| std::env::split_paths(&path).any(|folder| folder.join(tool).exists());
    let Some(missing) = tools.iter().find(|tool| !there(tool)) else { return false };
    let package = PACKAGES.iter().find(|(name, _)| name == missing).expect("each tool has its package in PACKAGES").1;
    let message = format!("{missing} is not on this machine (Debian package {package})");
    assert!(std::env::var_os("CI").is_none(), "{message}");
    eprintln!("skipped: {message}");
    true
}

/// A tree of files, and room for the images made of it.
struct Bench {
    folder: TempDir,
}

/// Which names and sizes a format can hold.
#[derive(Clone, Copy, PartialEq)]
enum Names {
    /// Any that Linux allows.
    Any,
    /// None that Windows forbids.
    Plain,
}

impl Bench {
    fn new(names: Names) -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        let put = |path: &str, bytes: &[u8]| {
            let path = bench.tree().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        let words = |number: usize, lines: usize| {
            (0..lines).map(|line| format!("{line} of file {number}: {}\n", line * 7919 % 1000)).collect::<String>()
        };
        (0..20).for_each(|number| put(&format!("etc/text-{number}.conf"), words(number, 1 << (number % 10)).as_bytes()));
        (0..16).for_each(|number| put(&format!("bin/program-{number}"), &noise(number + 1, 1000 + number * number * 700)));
        (0..4).for_each(|number| put(&format!("usr/share/copies/{number}"), &noise(99, 9000)));
        (0..4).for_each(|number| put(&format!("block-{number}"), &noise(200 + number, 4096 * (number + 1) - number % 2)));
        put("empty", b"");
        put("one-byte", b"x");
        put("zeros", &[0; 70_000]);
        put("a/b/c/d/e/f/g/h/i/j/k/l/m/deep", b"the deepest of all files\n");
        put(&format!("{}/long", "n".repeat(60)), b"under a long name\n");
        put("with space and.dots..txt", b"its name has spaces\n");
        put("-dash", b"its name begins with a dash\n");
        put(".hidden/.more", b"its name begins with a dot\n");
        put("big", &[noise(7, 150_000), words(7, 6000).into_bytes(), vec![0xff; 30_000]].concat());
        if names == Names::Any {
            put("co:lon*star?", b"its name has what shells expand\n");
            put("quote'\"back\\slash", b"its name has quotes\n");
            put("gr\u{fc}n-\u{4e2d}\u{6587}", b"its name is not ASCII\n");
            put("Case", b"its name is written large\n");
            put("case", b"its name is written small\n");
        }
        let sparse = fs::File::create(bench.tree().join("sparse")).unwrap();
        sparse.set_len(300_000).unwrap();
        std::os::unix::fs::FileExt::write_at(&sparse, b"in the middle of nothing", 150_000).unwrap();
        bench
    }

    fn tree(&self) -> PathBuf {
        self.folder.path().join("tree")
    }

    /// Where an image goes.
    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `tool` with `arguments` in the tree.
    fn run(&self, tool: &str, arguments: &[&str]) -> Vec<u8> {
        self.run_with(tool, arguments, b"")
    }

    /// The same with `input` on standard input.
    fn run_with(&self, tool: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let package = PACKAGES.iter().find(|(name, _)| *name == tool).expect("each tool has its package in PACKAGES").1;
        let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new(tool);
        command.args(arguments).current_dir(self.tree()).env("PATH", &path).env("LC_ALL", "C.UTF-8").env("MTOOLS_SKIP_CHECK", "1");
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{tool}: {error}: it is in the Debian package {package}"));
        let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_vec());
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().unwrap();
        let _ = writer.join().unwrap();
        assert!(output.status.success(), "{tool} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Path below the tree and SHA-256 of every file.
    fn files(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.tree()];
        while let Some(folder) = folders.pop() {
            for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(self.tree()).unwrap().to_str().unwrap().to_owned();
                    found.insert(name, sha256(&fs::read(&path).unwrap()));
                }
            }
        }
        assert!(found.len() > 50);
        found
    }

    /// The paths of all files, one a line.
    fn list(&self) -> Vec<u8> {
        self.files().keys().map(|name| format!("./{name}\n")).collect::<String>().into_bytes()
    }

    /// Every file of the tree is among the artifacts of `image`, and nothing went wrong.
    #[track_caller]
    fn all_come_back(&self, what: &str, image: &[u8]) {
        let report = inspected(image);
        let missing: Vec<String> = self
            .files()
            .into_iter()
            .filter(|(_, wanted)| !report.artifacts.iter().any(|one| one.sha256 == *wanted))
            .map(|(name, _)| name)
            .collect();
        let problems: Vec<_> = report.problems.iter().map(|one| (one.code, &one.message)).collect();
        assert!(missing.is_empty(), "{what}: missing {missing:?}, problems {problems:?}");
        assert!(problems.is_empty(), "{what}: {problems:?}");
    }

    #[track_caller]
    fn file_comes_back(&self, what: &str, name: &str) {
        self.all_come_back(what, &fs::read(self.at(name)).unwrap_or_else(|error| panic!("{what}: {error}")));
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes without any pattern, the same each time.
fn noise(seed: usize, count: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(count + 32);
    let mut block = Sha256::digest(seed.to_le_bytes());
    while bytes.len() < count {
        bytes.extend_from_slice(&block);
        block = Sha256::digest(block);
    }
    bytes.truncate(count);
    bytes
}

fn inspected(image: &[u8]) -> Report {
    let database = Database::of(&[]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    inspect(&Input::Image(Blob::new(image.to_vec())), "image", &database, &Options { jobs: 2, ..Options::default() })
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

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
