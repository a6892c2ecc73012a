//! A tree of files, the tools that make images of it, and what must come back.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
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
pub(crate) const PACKAGES: &[(&str, &str)] = &[
    ("7z", "p7zip-full"),
    ("UEFIExtract", "uefitool-cli"),
    ("ar", "binutils"),
    ("bzip2", "bzip2"),
    ("cpio", "cpio"),
    ("dpkg-deb", "dpkg"),
    ("genisoimage", "genisoimage"),
    ("dumpimage", "u-boot-tools"),
    ("genromfs", "genromfs"),
    ("ifdtool", "coreboot-utils"),
    ("img2simg", "android-sdk-libsparse-utils"),
    ("makefs", "makefs"),
    ("mcopy", "mtools"),
    ("mkbootimg", "mkbootimg"),
    ("mke2fs", "e2fsprogs"),
    ("mkfs.btrfs", "btrfs-progs"),
    ("mkfs.cramfs", "util-linux-extra"),
    ("mkfs.erofs", "erofs-utils"),
    ("mkfs.f2fs", "f2fs-tools"),
    ("mkfs.fat", "dosfstools"),
    ("mkfs.jffs2", "mtd-utils"),
    ("mkfs.ubifs", "mtd-utils"),
    ("mkimage", "u-boot-tools"),
    ("mksquashfs", "squashfs-tools"),
    ("partclone.ext4", "partclone"),
    ("partclone.fat", "partclone"),
    ("openssl", "openssl"),
    ("python3", "python3"),
    ("qemu-img", "qemu-utils"),
    ("sfdisk", "fdisk"),
    ("sgdisk", "gdisk"),
    ("sh", "dash"),
    ("sload.f2fs", "f2fs-tools"),
    ("tar", "tar"),
    ("ubinize", "mtd-utils"),
    ("xorriso", "xorriso"),
    ("xz", "xz-utils"),
    ("zip", "zip"),
    ("zstd", "zstd"),
];

/// Whether one of `tools` is not there, so that the test that asks cannot run. In CI nothing may be lacking.
pub(crate) fn lacking(tools: &[&str]) -> bool {
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
pub(crate) struct Bench {
    folder: TempDir,
}

/// Which names and sizes a format can hold.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Names {
    /// Any that Linux allows.
    Any,
    /// None that Windows forbids.
    Plain,
}

impl Bench {
    pub(crate) fn new(names: Names) -> Self {
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

    pub(crate) fn tree(&self) -> PathBuf {
        self.folder.path().join("tree")
    }

    /// Where an image goes.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `tool` with `arguments` in the tree.
    pub(crate) fn run(&self, tool: &str, arguments: &[&str]) -> Vec<u8> {
        self.run_with(tool, arguments, b"")
    }

    /// The same with `input` on standard input.
    pub(crate) fn run_with(&self, tool: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
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
    pub(crate) fn files(&self) -> BTreeMap<String, String> {
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
    pub(crate) fn list(&self) -> Vec<u8> {
        self.files().keys().map(|name| format!("./{name}\n")).collect::<String>().into_bytes()
    }

    /// Every file of the tree is among the artifacts of `image`, and nothing went wrong.
    #[track_caller]
    pub(crate) fn all_come_back(&self, what: &str, image: &[u8]) {
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
    pub(crate) fn file_comes_back(&self, what: &str, name: &str) {
        self.all_come_back(what, &fs::read(self.at(name)).unwrap_or_else(|error| panic!("{what}: {error}")));
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes without any pattern, the same each time.
pub(crate) fn noise(seed: usize, count: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(count + 32);
    let mut block = Sha256::digest(seed.to_le_bytes());
    while bytes.len() < count {
        bytes.extend_from_slice(&block);
        block = Sha256::digest(block);
    }
    bytes.truncate(count);
    bytes
}

pub(crate) fn inspected(image: &[u8]) -> Report {
    let database = Database::of(&[]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    inspect(&Input::Image(Blob::new(image.to_vec())), "image", &database, &Options { jobs: 2, ..Options::default() })
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
