//! jffs2 against images of mkfs.jffs2, and against nodes written by hand.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::format::EntryKind;
use crate::format::testing::{Unpacked, carve, survives_damage, tool, unpack, unpack_at};
use crate::format::unix::inodes::device_numbers;
use crate::problem::Code;

/// Bytes that compress a little.
pub(in crate::format) fn noise(length: u32) -> Vec<u8> {
    (0..length).map(|at| (at.wrapping_mul(2_654_435_761) >> 27) as u8 ^ (at / 700) as u8).collect()
}

/// A folder with a bit of everything that a file system can hold.
pub(in crate::format) fn sample(root: &Path) {
    let write = |path: &str, bytes: &[u8]| {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    write("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n");
    write("etc/empty", b"");
    write("bin/program", &noise(300_000));
    write("bin/zeros", &[0; 20_000]);
    write("lib/a/b/c/d/deep.txt", &b"a line that comes back again and again\n".repeat(400));
    write("odd names/with space & größe", b"odd");
    write(&format!("odd names/{}", "n".repeat(200)), b"long");
    let sparse = std::fs::File::create(root.join("lib/sparse")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&sparse, b"after the hole", 200_000).unwrap();
    symlink("../bin/program", root.join("etc/link")).unwrap();
    symlink("/nowhere", root.join("dangling")).unwrap();
    std::fs::hard_link(root.join("bin/program"), root.join("bin/same")).unwrap();
    std::fs::create_dir(root.join("void")).unwrap();
    Command::new("mkfifo").arg(root.join("pipe")).status().unwrap();
}

/// What came out is what went in: no more, no less.
pub(in crate::format) fn compare(root: &Path, unpacked: &Unpacked) {
    assert_eq!(unpacked.problems, []);
    let mut expected = BTreeSet::new();
    let mut todo = vec![PathBuf::new()];
    while let Some(folder) = todo.pop() {
        for entry in std::fs::read_dir(root.join(&folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            let kind = root.join(&path).symlink_metadata().unwrap().file_type();
            let name = path.to_str().unwrap().to_owned();
            let entry = unpacked.entries.iter().find(|entry| entry.path == name).map(|entry| &entry.kind);
            if kind.is_dir() {
                assert_eq!(entry, Some(&EntryKind::Directory), "{name}");
                todo.push(path);
            } else if kind.is_symlink() {
                let target = std::fs::read_link(root.join(&path)).unwrap().to_str().unwrap().to_owned();
                assert_eq!(entry, Some(&EntryKind::Symlink(target)), "{name}");
            } else if kind.is_file() {
                let name = match entry {
                    Some(EntryKind::HardLink(first)) => first,
                    _ => &name,
                };
                assert!(unpacked.file(name) == std::fs::read(root.join(&path)).unwrap(), "{name}");
            } else {
                assert_eq!(entry, Some(&EntryKind::Fifo), "{name}");
            }
            expected.insert(name);
        }
    }
    let names = unpacked.names().into_iter().map(str::to_owned);
    let found: Vec<String> = names.chain(unpacked.entries.iter().map(|entry| entry.path.clone())).collect();
    assert_eq!(found.len(), expected.len());
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
}

fn image(root: &Path, options: &[&str]) -> Vec<u8> {
    tool(Command::new("mkfs.jffs2").arg("-r").arg(root).arg("-q").args(options))
}

fn check(options: &[&str]) {
    let root = tempfile::tempdir().unwrap();
    sample(root.path());
    let image = image(root.path(), options);
    compare(root.path(), &unpack(&Jffs2, &image));
    let end = carve(&Jffs2, &image, 0).unwrap();
    assert!(image[end as usize..].iter().all(|byte| *byte == 0xff), "only padding is left");
    let around = [&[0x55; 1003], image.as_slice(), &[0x55; 300_000]].concat();
    assert_eq!(carve(&Jffs2, &around, 1003), Some(end));
    compare(root.path(), &unpack_at(&Jffs2, &around, 1003));
}

#[test]
fn both_byte_orders() {
    if crate::testing::lacking(&["mkfs.jffs2"]) {
        return;
    }
    check(&["-l"]);
    check(&["-b", "-p", "-e", "128KiB"]);
}

#[test]
fn every_compression_that_mkfs_knows() {
    if crate::testing::lacking(&["mkfs.jffs2"]) {
        return;
    }
    check(&["-l", "-m", "none"]);
    check(&["-b", "-x", "zlib", "-m", "size"]);
    check(&["-l", "-X", "lzo", "-x", "zlib", "-x", "rtime"]);
    check(&["-l", "-n", "-s", "0x10000", "-e", "0x80000"]);
}

#[test]
fn the_tools_of_sumtool_change_nothing() {
    if crate::testing::lacking(&["mkfs.jffs2", "sumtool"]) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    sample(root.path());
    let (plain, summed) = (root.path().with_extension("img"), root.path().with_extension("sum"));
    std::fs::write(&plain, image(root.path(), &["-l", "-e", "64KiB"])).unwrap();
    tool(Command::new("sumtool").args(["-l", "-e", "64KiB", "-p", "-i"]).arg(&plain).arg("-o").arg(&summed));
    let bytes = std::fs::read(&summed).unwrap();
    std::fs::remove_file(plain).unwrap();
    std::fs::remove_file(summed).unwrap();
    compare(root.path(), &unpack(&Jffs2, &bytes));
}

#[test]
fn devices_and_owners_come_from_a_table() {
    if crate::testing::lacking(&["mkfs.jffs2"]) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("file"), b"x").unwrap();
    let table = root.path().with_extension("table");
    std::fs::write(&table, "/console c 600 3 4 5 1 0 0 -\n/disk b 640 0 6 259 70000 0 0 -\n/file f 4755 7 8 - - - - -\n").unwrap();
    let image = tool(Command::new("mkfs.jffs2").arg("-b").arg("-r").arg(root.path()).arg("-D").arg(&table));
    std::fs::remove_file(table).unwrap();
    let unpacked = unpack(&Jffs2, &image);
    let entry = |path: &str| unpacked.entries.iter().find(|entry| entry.path == path).unwrap();
    assert_eq!(entry("console").kind, EntryKind::CharacterDevice(5, 1));
    assert_eq!(entry("console").attributes.mode, Some(0o20600));
    assert_eq!((entry("console").attributes.uid, entry("console").attributes.gid), (Some(3), Some(4)));
    assert!(matches!(entry("disk").kind, EntryKind::BlockDevice(..)), "mkfs cuts large numbers off");
    assert_eq!(device_numbers(0x1110_0370), (3, 0x1_1170), "twelve bits of major number between those of the minor");
    assert_eq!(unpacked.file("file"), b"x");
}

/// Writes nodes as the kernel would.
struct Writer {
    endian: Endian,
    bytes: Vec<u8>,
}

impl Writer {
    fn new(endian: Endian) -> Self {
        Self { endian, bytes: Vec::new() }
    }

    fn numbers(&self, numbers: &[(u64, usize)]) -> Vec<u8> {
        let bytes = numbers.iter().flat_map(|(number, width)| match self.endian {
            Endian::Little => number.to_le_bytes()[..*width].to_vec(),
            Endian::Big => number.to_be_bytes()[8 - width..].to_vec(),
        });
        bytes.collect()
    }

    fn header(&self, kind: u16, length: usize) -> Vec<u8> {
        let mut head = self.numbers(&[(0x1985, 2), (kind.into(), 2), (length as u64, 4)]);
        let crc = node::crc(&head);
        head.extend(self.numbers(&[(crc.into(), 4)]));
        head
    }

    /// A dirent has the checksum of its head first, an inode that of its data.
    fn node(&mut self, head: &[u8], data: &[u8], head_first: bool) -> &mut Self {
        let crcs = self.numbers(&[(node::crc(head).into(), 4)]);
        let data_crc = self.numbers(&[(node::crc(data).into(), 4)]);
        match head_first {
            true => self.bytes.extend([head, &crcs, &data_crc, data].concat()),
            false => self.bytes.extend([head, &data_crc, &crcs, data].concat()),
        }
        while !self.bytes.len().is_multiple_of(4) {
            self.bytes.push(0xff);
        }
        self
    }

    /// `type` 8 is a file, 4 a folder.
    fn name(&mut self, pino: u64, version: u64, ino: u64, kind: u64, name: &str) -> &mut Self {
        let mut head = self.header(DIRENT, 40 + name.len());
        head.extend(self.numbers(&[(pino, 4), (version, 4), (ino, 4), (0, 4), (name.len() as u64, 1), (kind, 1), (0, 2)]));
        self.node(&head, name.as_bytes(), true)
    }

    /// `isize`, `offset`, `dsize`; `compr` decides what `data` is.
    fn data(&mut self, ino: u64, version: u64, (isize, offset, dsize): (u64, u64, u64), compr: u64, data: &[u8]) -> &mut Self {
        let mut head = self.header(INODE, 68 + data.len());
        head.extend(self.numbers(&[(ino, 4), (version, 4), (0o100_644, 4), (0, 2), (0, 2), (isize, 4), (1, 4), (2, 4), (3, 4)]));
        head.extend(self.numbers(&[(offset, 4), (data.len() as u64, 4), (dsize, 4), (compr, 1), (0, 1), (0, 2)]));
        self.node(&head, data, false)
    }
}

#[test]
fn the_newest_version_wins() {
    let mut log = Writer::new(Endian::Little);
    log.name(1, 1, 2, 8, "log").data(2, 1, (10, 0, 10), 0, b"0123456789");
    log.data(2, 3, (8, 4, 2), 0, b"EE").data(2, 2, (10, 3, 4), 0, b"abcd"); // version 2 stands behind version 3
    log.name(1, 2, 3, 8, "gone").data(3, 1, (4, 0, 4), 0, b"gone").name(1, 3, 0, 8, "gone");
    log.name(1, 4, 4, 8, "new").name(1, 5, 5, 8, "new").data(4, 1, (3, 0, 3), 0, b"old").data(5, 1, (3, 0, 3), 0, b"new");
    log.name(1, 6, 6, 8, "holes").data(6, 1, (100, 0, 4), 0, b"head").data(6, 2, (100, 4, 96), 1, b"");
    let unpacked = unpack(&Jffs2, &log.bytes);
    assert_eq!(unpacked.problems, []);
    assert_eq!(unpacked.names(), ["holes", "log", "new"]);
    assert_eq!(unpacked.file("log"), b"012aEEd7", "overwritten twice, and cut to 8 bytes");
    assert_eq!(unpacked.file("new"), b"new");
    assert_eq!(unpacked.file("holes"), [b"head".as_slice(), &[0; 96]].concat());
}

#[test]
fn lzma_as_openwrt_writes_it() {
    if crate::testing::lacking(&["xz"]) {
        return;
    }
    let text = b"the same words, the same words, the same words again".repeat(20);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("text");
    std::fs::write(&file, &text).unwrap();
    let packed = tool(Command::new("xz").args(["--format=raw", "--lzma1=lc=0,lp=0,pb=0,dict=8KiB", "-c"]).arg(&file));
    let mut log = Writer::new(Endian::Big);
    log.name(1, 1, 2, 8, "text").data(2, 1, (text.len() as u64, 0, text.len() as u64), 8, &packed);
    let unpacked = unpack(&Jffs2, &log.bytes);
    assert_eq!(unpacked.problems, []);
    assert_eq!(unpacked.file("text"), text);
}

#[test]
fn a_damaged_node_costs_its_bytes_and_nothing_else() {
    if crate::testing::lacking(&["mkfs.jffs2"]) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("a"), noise(100_000)).unwrap();
    std::fs::write(root.path().join("b"), b"whole").unwrap();
    let mut image = image(root.path(), &["-l", "-m", "none"]);
    image[50_000] ^= 1;
    let unpacked = unpack(&Jffs2, &image);
    assert_eq!(unpacked.file("b"), b"whole");
    assert_eq!(unpacked.file("a").len(), 100_000);
    let wrong = unpacked.file("a").iter().zip(noise(100_000)).filter(|(found, real)| *found != real).count();
    assert!(wrong > 0 && wrong <= 4096, "{wrong} bytes are wrong");
    let codes: Vec<Code> = unpacked.problems.iter().map(|problem| problem.0).collect();
    assert_eq!(codes, [Code::Corrupt, Code::Checksum], "one for the file, one for the image: {:?}", unpacked.problems);
    // The header of a node gone: everything behind it is found again.
    let at = 68 + 4096 + image.windows(4).position(|window| window == [0x85, 0x19, 0x02, 0xe0]).unwrap();
    image[at..at + 12].fill(0x77);
    let unpacked = unpack(&Jffs2, &image);
    assert_eq!(unpacked.file("b"), b"whole");
    assert!(unpacked.problems.iter().any(|problem| problem.1 == "2 nodes are damaged"), "{:?}", unpacked.problems);
}

#[test]
fn what_lost_its_name_is_kept() {
    let mut log = Writer::new(Endian::Big);
    log.data(7, 1, (4, 0, 4), 0, b"lost").name(9, 1, 10, 8, "inside").data(10, 1, (5, 0, 5), 0, b"below");
    let unpacked = unpack(&Jffs2, &log.bytes);
    assert_eq!(unpacked.names(), ["lost+found/inode-9/inside", "lost+found/inode-7"]);
    assert_eq!(unpacked.file("lost+found/inode-7"), b"lost");
    assert_eq!(unpacked.problems.len(), 1);
}

#[test]
fn a_truncated_image_gives_what_it_has() {
    if crate::testing::lacking(&["mkfs.jffs2"]) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("a"), b"early").unwrap();
    std::fs::write(root.path().join("b"), noise(100_000)).unwrap();
    let image = image(root.path(), &["-l", "-m", "none"]);
    let unpacked = unpack(&Jffs2, &image[..50_001]);
    assert_eq!(unpacked.file("a"), b"early");
    assert!(unpacked.file("b")[..40_000] == noise(100_000)[..40_000]);
    assert!(unpacked.problems.iter().any(|problem| problem.0 == Code::Truncated));
}

#[test]
fn folders_inside_themselves_end() {
    let mut log = Writer::new(Endian::Little);
    log.name(1, 1, 2, 4, "a").name(2, 1, 2, 4, "b").name(2, 2, 1, 4, "root").name(20, 1, 21, 4, "c").name(21, 1, 20, 4, "d");
    let unpacked = unpack(&Jffs2, &log.bytes);
    let entries: Vec<&str> = unpacked.entries.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(entries, ["a", "lost+found/inode-20", "lost+found/inode-20/c"]);
    let mut deep = Writer::new(Endian::Little);
    for level in 1..3000 {
        deep.name(level, 1, level + 1, 4, "x");
    }
    assert!(unpack(&Jffs2, &deep.bytes).entries.iter().all(|entry| entry.path.len() <= 1024));
}

#[test]
fn two_images_side_by_side_are_two() {
    if crate::testing::lacking(&["mkfs.jffs2"]) {
        return;
    }
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    sample(one.path());
    std::fs::write(two.path().join("settings"), b"a=1\n").unwrap();
    std::fs::write(two.path().join("state"), b"b=2\n").unwrap();
    let first = image(one.path(), &["-l", "-p", "-e", "64KiB"]);
    let second = image(two.path(), &["-l"]);
    let both = [first.as_slice(), &second].concat();
    assert_eq!(carve(&Jffs2, &both, 0), carve(&Jffs2, &first, 0));
    compare(one.path(), &unpack(&Jffs2, &both));
    compare(two.path(), &unpack_at(&Jffs2, &both, first.len() as u64));
}

#[test]
fn magics_alone_are_nothing() {
    assert_eq!(carve(&Jffs2, &[0x85, 0x19, 0x03, 0x20].repeat(100), 0), None);
    let mut log = Writer::new(Endian::Little);
    let marker = log.header(CLEANMARKER, 12);
    assert_eq!(carve(&Jffs2, &[marker.as_slice(), b"a table in a program"].concat(), 0), None);
    assert_eq!(carve(&Jffs2, &[marker.as_slice(), &[0xff; 5000]].concat(), 0), Some(12), "an erased block is one");
    log.name(1, 1, 2, 8, "x");
    let mut bytes = log.bytes.clone();
    bytes[12] ^= 1;
    assert_eq!(carve(&Jffs2, &bytes, 0), None, "the first node must be sound");
}

#[test]
fn damage_is_survived() {
    if crate::testing::lacking(&["mkfs.jffs2"]) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("folder")).unwrap();
    std::fs::write(root.path().join("folder/a"), noise(20_000)).unwrap();
    std::fs::write(root.path().join("b"), b"text").unwrap();
    symlink("b", root.path().join("c")).unwrap();
    survives_damage(&Jffs2, &image(root.path(), &["-l"]));
}

/// Damage behind valid checksums: forged, not broken.
#[test]
fn forgeries_are_survived() {
    let mut state = 1_u64;
    let mut random = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for _ in 0..2000 {
        let mut log = Writer::new(if random(2) == 0 { Endian::Little } else { Endian::Big });
        for _ in 0..random(40) {
            let mut number = || [0, 1, 2, 3, 4, 100, 0xffff_ffff][random(7) as usize];
            let (inode, version, size, offset, length) = (number(), number(), number(), number(), number());
            match random(2) {
                0 => log.name(inode, version, size, random(16), ["a", "b", "../c", "", "."][random(5) as usize]),
                _ => log.data(inode, version, (size.min(70_000), offset, length), random(10), &noise(200)[..random(200) as usize]),
            };
        }
        let _ = crate::format::testing::try_unpack_at(&Jffs2, &log.bytes, 0);
    }
}

#[test]
fn the_magic_of_2001_is_known() {
    let unpacked = unpack(&Jffs2, include_bytes!("../../../../fixtures/jffs2/old-magic.jffs2"));
    let today = unpack(&Jffs2, include_bytes!("../../../../fixtures/jffs2/zlib.jffs2"));
    assert_eq!((unpacked.problems.len(), unpacked.by_name()), (0, today.by_name()));
}
