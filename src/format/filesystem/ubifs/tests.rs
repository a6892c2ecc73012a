//! UBIFS against images of mkfs.ubifs, and against nodes written by hand.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use super::*;
use crate::format::EntryKind;
use crate::format::filesystem::jffs2::tests::{compare, noise, sample};
use crate::format::testing::{carve, survives_damage, tool, try_unpack_at, unpack, unpack_at};
use crate::problem::Code;

const LEB: usize = 31 << 10;

fn image(root: &Path, options: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("image");
    let size = ["-m", "512", "-e", "31KiB", "-c", "500"];
    tool(Command::new("mkfs.ubifs").arg("-r").arg(root).args(size).args(options).arg("-o").arg(&file));
    std::fs::read(file).unwrap()
}

fn check(options: &[&str]) {
    let root = tempfile::tempdir().unwrap();
    sample(root.path());
    let image = image(root.path(), options);
    assert_eq!(carve(&Ubifs, &image, 0), Some(image.len() as u64));
    compare(root.path(), &unpack(&Ubifs, &image));
    let around = [&[0x55; 1003], image.as_slice(), &[0x55; 300_000]].concat();
    assert_eq!(carve(&Ubifs, &around, 1003), Some(image.len() as u64));
    compare(root.path(), &unpack_at(&Ubifs, &around, 1003));
}

#[test]
fn every_compression_that_mkfs_knows() {
    if crate::testing::lacking(&["mkfs.ubifs"]) {
        return;
    }
    for compression in ["none", "lzo", "favor_lzo", "zlib", "zstd"] {
        check(&["-x", compression]);
    }
}

#[test]
fn every_way_to_number_names() {
    if crate::testing::lacking(&["mkfs.ubifs"]) {
        return;
    }
    check(&["-k", "test"]);
    check(&["-f", "32"]);
}

#[test]
fn extended_attributes_are_no_files() {
    if crate::testing::lacking(&["mkfs.ubifs"]) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("file"), noise(5000)).unwrap();
    compare(root.path(), &unpack(&Ubifs, &image(root.path(), &["-a"])));
}

#[test]
fn links_devices_and_owners() {
    if crate::testing::lacking(&["mkfs.ubifs"]) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("file"), b"x").unwrap();
    std::fs::hard_link(root.path().join("file"), root.path().join("same")).unwrap();
    let table = root.path().with_extension("table");
    std::fs::write(&table, "/console c 600 3 4 5 1 0 0 -\n/disk b 640 0 6 259 700 0 0 -\n").unwrap();
    let image = image(root.path(), &["-D", table.to_str().unwrap()]);
    std::fs::remove_file(table).unwrap();
    let unpacked = unpack(&Ubifs, &image);
    assert_eq!(unpacked.problems, []);
    let entry = |path: &str| unpacked.entries.iter().find(|entry| entry.path == path).unwrap();
    assert_eq!(entry("console").kind, EntryKind::CharacterDevice(5, 1));
    assert_eq!(entry("disk").kind, EntryKind::BlockDevice(259, 700));
    assert_eq!((entry("console").attributes.uid, entry("console").attributes.gid), (Some(3), Some(4)));
    assert_eq!(entry("same").kind, EntryKind::HardLink("file".to_owned()));
    assert_eq!(unpacked.file("file"), b"x");
}

#[test]
fn what_is_encrypted_is_said_to_be() {
    if crate::testing::lacking(&["mkfs.ubifs"]) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("folder")).unwrap();
    std::fs::write(root.path().join("folder/secret"), noise(10_000)).unwrap();
    let key = root.path().with_extension("key");
    std::fs::write(&key, noise(64)).unwrap();
    let image = image(root.path(), &["-K", key.to_str().unwrap(), "-b", "0123456789abcdef", "-C", "AES-256-XTS"]);
    std::fs::remove_file(key).unwrap();
    let unpacked = unpack(&Ubifs, &image);
    assert_eq!(unpacked.files.len(), 1);
    assert!(unpacked.files[0].1.is_empty());
    assert!(unpacked.names()[0].bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'/'));
    assert!(unpacked.problems.iter().all(|problem| problem.0 == Code::Encrypted) && unpacked.problems.len() == 2);
}

/// Puts nodes into the last LEB of an image, as the journal would.
struct Journal {
    image: Vec<u8>,
    at: usize,
    sqnum: u64,
}

impl Journal {
    fn new(image: &[u8]) -> Self {
        let at = image.len();
        let mut image = [image, &[0xff; 2 * LEB]].concat();
        let lebs = (image.len() / LEB) as u32;
        image[40..44].copy_from_slice(&lebs.to_le_bytes());
        seal(&mut image[..4096]);
        Self { image, at, sqnum: 1 << 40 }
    }

    fn node(&mut self, kind: u8, body: &[u8]) -> &mut Self {
        let mut node = [&node::MAGIC[..], &[0; 4], &self.sqnum.to_le_bytes(), &(24 + body.len() as u32).to_le_bytes()].concat();
        node.extend([kind, 0, 0, 0]);
        node.extend(body);
        seal(&mut node);
        self.image[self.at..self.at + node.len()].copy_from_slice(&node);
        self.at += node.len().next_multiple_of(8);
        self.sqnum += 1;
        self
    }

    fn key(inode: u32, kind: u32, rest: u32) -> Vec<u8> {
        [&inode.to_le_bytes()[..], &(kind << 29 | rest).to_le_bytes(), &[0; 8]].concat()
    }

    fn inode(&mut self, inode: u32, size: u64, nlink: u32) -> &mut Self {
        let numbers = [nlink, 0, 0, 0o100_644, 1, 0, 0, 0, 0, 0];
        let numbers: Vec<u8> = numbers.iter().flat_map(|number: &u32| number.to_le_bytes()).collect();
        let body = [Self::key(inode, 0, 0), vec![0; 8], size.to_le_bytes().to_vec(), vec![0; 36], numbers, vec![0; 28]].concat();
        assert_eq!(body.len(), 136);
        self.node(node::INODE, &body)
    }

    fn data(&mut self, inode: u32, block: u32, data: &[u8]) -> &mut Self {
        let body = [Self::key(inode, 1, block), (data.len() as u32).to_le_bytes().to_vec(), vec![0; 4], data.to_vec()].concat();
        self.node(node::DATA, &body)
    }

    fn name(&mut self, parent: u32, inode: u64, name: &str) -> &mut Self {
        let head = [Self::key(parent, 2, 77), inode.to_le_bytes().to_vec(), vec![0, 0, name.len() as u8, 0, 0, 0, 0, 0]].concat();
        self.node(node::DENTRY, &[head, name.as_bytes().to_vec(), vec![0]].concat())
    }

    fn cut(&mut self, inode: u32, old: u64, new: u64) -> &mut Self {
        let numbers = [&old.to_le_bytes()[..], &new.to_le_bytes()].concat();
        self.node(4, &[inode.to_le_bytes().to_vec(), vec![0; 12], numbers].concat())
    }
}

fn seal(node: &mut [u8]) {
    let mut crc = flate2::Crc::new();
    crc.update(&node[8..]);
    node[4..8].copy_from_slice(&(!crc.sum()).to_le_bytes());
}

/// An image with `keep`, `gone` and `log`, and the number of the inode of each.
fn three() -> (Vec<u8>, [u32; 3]) {
    let root = tempfile::tempdir().unwrap();
    for name in ["keep", "gone", "log"] {
        std::fs::write(root.path().join(name), noise(10_000)).unwrap();
    }
    let image = image(root.path(), &["-x", "none"]);
    let number = |name: &[u8]| {
        let at = image.windows(name.len()).position(|window| window == name).unwrap();
        u32::from_le_bytes(image[at - 16..at - 12].try_into().unwrap())
    };
    let numbers = [number(b"keep\0"), number(b"gone\0"), number(b"log\0")];
    (image, numbers)
}

#[test]
fn the_journal_is_newer_than_the_index() {
    if crate::testing::lacking(&["mkfs.ubifs"]) {
        return;
    }
    let (image, [keep, gone, log]) = three();
    let mut journal = Journal::new(&image);
    journal.name(1, 0, "gone").inode(gone, 10_000, 0);
    journal.inode(log, 4096, 1).cut(log, 10_000, 4096).inode(log, 8200, 1).data(log, 2, b"the tail");
    journal.name(1, 900, "new").inode(900, 4, 1).data(900, 0, b"1234").data(900, 1, b"after the size was written");
    journal.name(1, keep.into(), "again");
    let unpacked = unpack(&Ubifs, &journal.image);
    assert_eq!(unpacked.problems, []);
    assert_eq!(unpacked.names(), ["again", "log", "new"]);
    assert!(unpacked.entries.iter().any(|entry| entry.kind == EntryKind::HardLink("again".to_owned())));
    let expected = [&noise(10_000)[..4096], &[0; 4096], b"the tail"].concat();
    assert!(unpacked.file("log") == expected, "cut, then written behind a hole");
    assert_eq!(unpacked.file("new").len(), 4096 + 26);
}

#[test]
fn what_no_index_leads_to_is_old() {
    if crate::testing::lacking(&["mkfs.ubifs"]) {
        return;
    }
    let (image, [_, gone, _]) = three();
    let mut journal = Journal::new(&image);
    journal.sqnum = 1;
    journal.name(1, 900, "stale").inode(900, 4, 1).data(900, 0, b"1234").data(gone, 0, b"an old block");
    let unpacked = unpack(&Ubifs, &journal.image);
    assert_eq!(unpacked.problems, []);
    assert_eq!(unpacked.names(), ["gone", "keep", "log"]);
    assert!(unpacked.file("gone") == noise(10_000));
    // Without a master node there is no index: then everything is handed over that is there.
    let mut image = journal.image.clone();
    image[LEB..3 * LEB].fill(0xff);
    let unpacked = unpack(&Ubifs, &image);
    assert_eq!(unpacked.names(), ["gone", "keep", "log", "stale"]);
    assert!(unpacked.file("gone") == noise(10_000), "the newer block, still");
    assert_eq!(unpacked.problems.len(), 1);
}

#[test]
fn a_damaged_node_costs_its_bytes_and_nothing_else() {
    if crate::testing::lacking(&["mkfs.ubifs"]) {
        return;
    }
    let (mut image, _) = three();
    let content = noise(10_000);
    let at = image.windows(100).position(|window| window == &content[4096..4196]).unwrap();
    image[at] ^= 1;
    let unpacked = unpack(&Ubifs, &image);
    let codes: Vec<Code> = unpacked.problems.iter().map(|problem| problem.0).collect();
    assert_eq!(codes, [Code::Corrupt, Code::Checksum], "one for the file, one for the image");
    let whole = |name: &&str| unpacked.file(name) == content;
    assert_eq!(["keep", "gone", "log"].iter().filter(|name| whole(name)).count(), 2);
    assert!(unpacked.files.iter().all(|(_, bytes)| bytes.len() == 10_000 && bytes[..4096] == content[..4096]));
}

#[test]
fn a_truncated_image_gives_what_it_has() {
    if crate::testing::lacking(&["mkfs.ubifs"]) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    sample(root.path());
    let image = image(root.path(), &["-x", "zlib"]);
    let unpacked = unpack(&Ubifs, &image[..image.len() * 3 / 4]);
    assert!(unpacked.problems.iter().any(|problem| problem.0 == Code::Truncated));
    assert!(!unpacked.files.is_empty());
}

#[test]
fn what_lost_its_name_is_kept() {
    if crate::testing::lacking(&["mkfs.ubifs"]) {
        return;
    }
    let (image, _) = three();
    let mut journal = Journal::new(&image);
    journal.inode(900, 4, 1).data(900, 0, b"1234").inode(901, 4, 0).data(901, 0, b"gone");
    let unpacked = unpack(&Ubifs, &journal.image);
    assert_eq!(unpacked.file("lost+found/inode-900"), b"1234");
    assert_eq!((unpacked.files.len(), unpacked.problems.len()), (4, 1));
}

#[test]
fn a_magic_alone_is_nothing() {
    if crate::testing::lacking(&["mkfs.ubifs"]) {
        return;
    }
    assert_eq!(carve(&Ubifs, &node::MAGIC.repeat(2000), 0), None);
    let (mut image, _) = three();
    assert_eq!(carve(&Ubifs, &image, 3 * LEB as u64), None, "no node but the superblock and the master node begins a file system");
    image[100] ^= 1;
    assert_eq!(carve(&Ubifs, &image, 0), None);
}

#[test]
fn damage_is_survived() {
    if crate::testing::lacking(&["mkfs.ubifs"]) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("folder")).unwrap();
    std::fs::write(root.path().join("folder/a"), noise(20_000)).unwrap();
    symlink("b", root.path().join("c")).unwrap();
    survives_damage(&Ubifs, &image(root.path(), &["-x", "lzo"]));
}

/// Damage behind valid checksums: forged, not broken.
#[test]
fn forgeries_are_survived() {
    if crate::testing::lacking(&["mkfs.ubifs"]) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("folder")).unwrap();
    std::fs::write(root.path().join("folder/a"), noise(20_000)).unwrap();
    symlink("b", root.path().join("c")).unwrap();
    let image = image(root.path(), &["-x", "zlib"]);
    let superblock = Superblock::read(crate::blob::Bytes(&image)).unwrap();
    let nodes: Vec<usize> = (0..image.len()).step_by(8).filter(|at| image[*at..].starts_with(&node::MAGIC)).collect();
    assert!(superblock.leb_size == LEB as u64 && nodes.len() > 10);
    let mut state = 1_usize;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for _ in 0..1000 {
        let mut forged = image.clone();
        for _ in 0..=random(3) {
            let at = nodes[random(nodes.len())];
            let length = u32::from_le_bytes(forged[at + 16..at + 20].try_into().unwrap()) as usize;
            let place = at + 8 + random(length.clamp(24, 160) - 8);
            forged[place] = [0, 1, 0x7f, 0xff, forged[place] ^ 0x40][random(5)];
            if at + length <= forged.len() && length > 8 {
                seal(&mut forged[at..at + length]);
            }
        }
        let _ = try_unpack_at(&Ubifs, &forged, 0);
    }
}

#[test]
fn without_its_superblock_the_master_nodes_tell_the_sizes() {
    if crate::testing::lacking(&["mkfs.ubifs"]) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    sample(root.path());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("image");
    for (page, leb) in [("512", 31 << 10), ("2048", 124 << 10), ("4096", 248 << 10)] {
        let sizes = ["-m", page, "-e", &leb.to_string(), "-c", "500"];
        tool(Command::new("mkfs.ubifs").arg("-r").arg(root.path()).args(sizes).arg("-o").arg(&file));
        let image = std::fs::read(&file).unwrap();
        let rest = &image[leb..];
        assert_eq!(carve(&Ubifs, rest, 0), Some(rest.len() as u64), "{leb}");
        let mut unpacked = unpack(&Ubifs, rest);
        assert_eq!(unpacked.problems.len(), 1, "{:?}", unpacked.problems);
        unpacked.problems.clear();
        compare(root.path(), &unpacked);
    }
}
