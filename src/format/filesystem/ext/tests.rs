//! Images by `mke2fs`, compared with the tree that they were made of.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::format::testing::{Unpacked, carve, survives_damage, tool, try_unpack_at, unpack, unpack_at};
use crate::format::{EntryKind, path_text};
use crate::problem::Code;

fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x1234_5678_u32;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(length)
    .collect()
}

/// A small tree with all that file systems trip over.
fn plant(root: &Path) {
    std::fs::create_dir_all(root.join("sub/deeper")).unwrap();
    let long = "x".repeat(200);
    for (name, bytes) in [
        ("hello.txt", b"hello\n".to_vec()),
        ("noise.bin", noise(300_123)),
        ("empty", Vec::new()),
        ("sub/größe mit leer.txt", noise(4096)),
        ("sub/deeper/one.bin", noise(1025)),
        ("sub/inline.txt", noise(100)),
        (&long, b"long name".to_vec()),
    ] {
        std::fs::write(root.join(name), bytes).unwrap();
    }
    std::fs::write(root.join(std::ffi::OsStr::from_bytes(b"latin-\xe4")), b"not UTF-8").unwrap();
    let mut sparse = vec![0; 700_001];
    // Many pieces, so that extents and pointers need blocks of their own, in two levels.
    for piece in sparse.chunks_mut(2048).skip(5) {
        piece[0] = 1;
    }
    sparse[500_000..600_000].fill(0);
    std::fs::write(root.join("sparse"), [&sparse[..], &vec![0; 100_000]].concat()).unwrap();
    std::os::unix::fs::symlink("sub/deeper/one.bin", root.join("short")).unwrap();
    std::os::unix::fs::symlink(format!("sub/{}", "y".repeat(90)), root.join("long")).unwrap();
    std::fs::hard_link(root.join("hello.txt"), root.join("sub/also hello")).unwrap();
    tool(Command::new("mkfifo").arg(root.join("pipe")));
}

fn image(folder: &Path, root: &Path, options: &[&str], size: &str) -> Vec<u8> {
    let path = folder.join("image");
    let _ = std::fs::remove_file(&path);
    tool(Command::new("mke2fs").args(["-q", "-F", "-E", "root_owner=0:0", "-d"]).arg(root).args(options).arg(&path).arg(size));
    std::fs::read(path).unwrap()
}

/// All files below `folder`, named as in the image.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut found, mut waiting) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(at) = waiting.pop() {
        for entry in std::fs::read_dir(&at).unwrap().map(Result::unwrap) {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                waiting.push(entry.path());
            } else if kind.is_file() {
                let name: PathBuf = entry.path().strip_prefix(folder).unwrap().to_owned();
                found.insert(path_text(name.as_os_str().as_bytes()), std::fs::read(entry.path()).unwrap());
            }
        }
    }
    found
}

fn entry<'u>(unpacked: &'u Unpacked, path: &str) -> &'u EntryKind {
    &unpacked.entries.iter().find(|entry| entry.path == path).unwrap_or_else(|| panic!("no {path}")).kind
}

/// Every file, link and folder of the planted tree is in `unpacked`.
fn same(unpacked: &Unpacked, root: &Path, options: &[&str]) {
    let mut expected = files(root);
    let (first, second) = ("hello.txt", "sub/also hello");
    let linked = if unpacked.names().contains(&first) { (second, first) } else { (first, second) };
    expected.remove(linked.0);
    assert_eq!(unpacked.problems, [], "{options:?}");
    assert_eq!(unpacked.names().len(), expected.len(), "{options:?}: {:?}", unpacked.names());
    if options.iter().any(|option| option.contains("inline_data")) {
        // mke2fs 1.47 loses the hole at the end of a file then.
        let sparse = expected.get_mut("sparse").unwrap();
        sparse.truncate(unpacked.file("sparse").len().max(699_392));
    }
    for (name, bytes) in &expected {
        assert!(unpacked.file(name) == bytes, "{options:?}: {name} differs");
    }
    assert_eq!(entry(unpacked, linked.0), &EntryKind::HardLink(linked.1.to_owned()));
    assert_eq!(entry(unpacked, "short"), &EntryKind::Symlink("sub/deeper/one.bin".to_owned()));
    assert_eq!(entry(unpacked, "long"), &EntryKind::Symlink(format!("sub/{}", "y".repeat(90))));
    assert_eq!(entry(unpacked, "pipe"), &EntryKind::Fifo);
    for folder in ["lost+found", "sub", "sub/deeper"] {
        assert_eq!(entry(unpacked, folder), &EntryKind::Directory);
    }
}

#[test]
fn every_kind_is_read_whole() {
    if crate::testing::lacking(&["mke2fs"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    plant(&root);
    for options in [
        &["-t", "ext2", "-b", "1024"][..],
        &["-t", "ext2", "-b", "4096", "-r", "0", "-O", "none"],
        &["-t", "ext2", "-b", "1024", "-I", "128", "-O", "^filetype,^sparse_super,^resize_inode"],
        &["-t", "ext3", "-b", "1024"],
        &["-t", "ext3", "-b", "2048"],
        &["-t", "ext4", "-b", "1024"],
        &["-t", "ext4", "-b", "4096"],
        &["-t", "ext4", "-b", "1024", "-O", "inline_data,64bit,metadata_csum"],
        &["-t", "ext4", "-b", "4096", "-O", "^64bit,^flex_bg,^metadata_csum,uninit_bg"],
        &["-t", "ext4", "-b", "1024", "-O", "meta_bg,^resize_inode", "-g", "1024", "-N", "2048"],
        &["-t", "ext4", "-b", "4096", "-O", "bigalloc", "-C", "16384"],
        &["-t", "ext4", "-b", "1024", "-O", "sparse_super2,casefold,ea_inode,large_dir"],
    ] {
        let image = image(folder.path(), &root, options, "12M");
        assert_eq!(carve(&Ext, &image, 0), Some(image.len() as u64), "{options:?}");
        same(&unpack(&Ext, &image), &root, options);
    }
}

#[test]
fn found_inside_other_bytes_and_copies_are_not() {
    if crate::testing::lacking(&["mke2fs"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    plant(&root);
    let image = image(folder.path(), &root, &["-t", "ext4", "-b", "1024", "-g", "1024"], "4M");
    let around = [&noise(777)[..], &image, &noise(5000)].concat();
    assert_eq!(carve(&Ext, &around, 777), Some(image.len() as u64));
    same(&unpack_at(&Ext, &around, 777), &root, &[]);
    let magic = (0..image.len() - 2).filter(|at| image[*at..].starts_with(&[0x53, 0xef])).collect::<Vec<_>>();
    assert!(magic.len() > 2, "there are copies of the superblock");
    for at in &magic[1..] {
        assert_eq!(carve(&Ext, &image, (*at - 0x438) as u64), None);
    }
}

#[test]
fn truncated_keeps_what_is_there() {
    if crate::testing::lacking(&["mke2fs"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    plant(&root);
    let mut image = image(folder.path(), &root, &["-t", "ext4", "-b", "1024"], "4M");
    let wanted = &noise(300_123)[250_000..250_064];
    let at = image.windows(64).position(|bytes| bytes == wanted).unwrap();
    image.truncate(at);
    let unpacked = unpack(&Ext, &image);
    assert_eq!(unpacked.file("hello.txt"), b"hello\n");
    let part = unpacked.file("noise.bin");
    assert!(part.len() >= 240_000 && part == &noise(300_123)[..part.len()]);
    assert!(unpacked.problems.iter().filter(|(code, _)| *code == Code::Truncated).count() >= 2, "{:?}", unpacked.problems);
}

#[test]
fn devices_times_and_hashed_folders() {
    if crate::testing::lacking(&["debugfs", "mke2fs"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (root, path) = (folder.path().join("root"), folder.path().join("image"));
    std::fs::create_dir_all(root.join("many")).unwrap();
    for index in 0..300 {
        std::fs::write(root.join(format!("many/file number {index:0100}")), index.to_string()).unwrap();
    }
    image(folder.path(), &root, &["-t", "ext4", "-b", "1024"], "4M");
    let commands = folder.path().join("commands");
    std::fs::write(&commands, "mknod tty c 5 1\nmknod disk b 260 300\nset_inode_field many mtime 20500102030405\n").unwrap();
    tool(Command::new("debugfs").args(["-w", "-f"]).arg(&commands).arg(&path));
    tool(Command::new("sh").args(["-c", "e2fsck -fyD \"$0\"; test $? -le 1"]).arg(&path));
    let unpacked = unpack(&Ext, &std::fs::read(&path).unwrap());
    assert_eq!(unpacked.problems, []);
    assert_eq!(unpacked.files.len(), 300);
    assert_eq!(unpacked.file(&format!("many/file number {:0100}", 299)), b"299");
    assert_eq!(entry(&unpacked, "tty"), &EntryKind::CharacterDevice(5, 1));
    assert_eq!(entry(&unpacked, "disk"), &EntryKind::BlockDevice(260, 300));
    let many = unpacked.entries.iter().find(|entry| entry.path == "many").unwrap();
    assert_eq!(many.attributes.modified, Some(2_524_705_445));
    assert_eq!(many.attributes.mode.map(|mode| mode & 0o170_000), Some(0o040_000));
}

#[test]
fn files_of_a_broken_folder_are_found_by_their_inodes() {
    if crate::testing::lacking(&["debugfs", "mke2fs"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (root, path) = (folder.path().join("root"), folder.path().join("image"));
    plant(&root);
    image(folder.path(), &root, &["-t", "ext2", "-b", "1024"], "4M");
    tool(Command::new("debugfs").args(["-w", "-R", "set_inode_field sub block[0] 0"]).arg(&path));
    tool(Command::new("debugfs").args(["-w", "-R", "set_inode_field sub block[IND] 99999999"]).arg(&path));
    tool(Command::new("debugfs").args(["-w", "-R", "set_inode_field sub size 20000"]).arg(&path));
    let unpacked = unpack(&Ext, &std::fs::read(&path).unwrap());
    assert!(unpacked.problems.iter().any(|(code, _)| *code == Code::Corrupt));
    let found = unpacked.files.iter().map(|(_, bytes)| bytes.as_slice()).collect::<Vec<_>>();
    for bytes in [noise(4096), noise(1025), noise(100)] {
        assert!(found.contains(&bytes.as_slice()), "{:?}", unpacked.names());
    }
}

#[test]
fn pointers_reach_through_three_levels() {
    if crate::testing::lacking(&["mke2fs"]) {
        return;
    }
    use std::os::unix::fs::FileExt;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    std::fs::create_dir(&root).unwrap();
    let file = std::fs::File::create(root.join("holes")).unwrap();
    let places = [3, 12, 300, 60_000, 70_000, 70_001];
    for place in places {
        file.write_at(b"data", place * 1024).unwrap();
    }
    let image = image(folder.path(), &root, &["-t", "ext2", "-b", "1024"], "1M");
    let mut volume = Volume::new(Bytes(&image), Superblock::read(Bytes(&image)).unwrap());
    let inode = volume.inode(12).unwrap();
    let map = map::Map::read(&mut volume, &inode);
    assert_eq!(map.fault, None);
    let found = map.runs.iter().flat_map(|run| run.logical..run.logical + run.count).collect::<Vec<_>>();
    assert_eq!(found, places);
}

#[test]
fn what_only_the_journal_has_is_read() {
    if crate::testing::lacking(&["debugfs", "mke2fs"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (root, path, commands) = (folder.path().join("root"), folder.path().join("image"), folder.path().join("commands"));
    std::fs::create_dir_all(&root).unwrap();
    std::fs::write(root.join("before"), b"hello\n").unwrap();
    let features = ["^64bit,^metadata_csum", "64bit,metadata_csum", "64bit,^metadata_csum"];
    for (features, options) in features.into_iter().flat_map(|features| [(features, ""), (features, " -v 3")]) {
        let image = image(folder.path(), &root, &["-t", "ext4", "-b", "1024", "-O", features], "8M");
        // The folder names another file in the newest of two transactions.
        let number: usize =
            String::from_utf8(tool(Command::new("debugfs").args(["-R", "blocks /"]).arg(&path))).unwrap().trim().parse().unwrap();
        let block = &image[number * 1024..][..1024];
        let mut script = format!("jo{options}\n");
        for name in ["middle", "behind"] {
            let at = block.windows(6).position(|bytes| bytes == b"before").unwrap();
            let copy = folder.path().join(name);
            std::fs::write(&copy, [&block[..at], name.as_bytes(), &block[at + 6..]].concat()).unwrap();
            script.push_str(&format!("jw -b {number} {}\n", copy.display()));
        }
        std::fs::write(&commands, script + "jc\n").unwrap();
        tool(Command::new("debugfs").args(["-w", "-f"]).arg(&commands).arg(&path));
        let image = std::fs::read(&path).unwrap();
        let unpacked = unpack(&Ext, &image);
        assert_eq!((unpacked.names(), unpacked.problems.len()), (vec!["behind"], 0), "{features}{options}");
        assert_eq!(unpacked.file("behind"), b"hello\n");
        survives_damage(&Ext, &image[..2 << 20]);
    }
}

#[test]
fn a_journal_that_cannot_be_replayed_is_said() {
    if crate::testing::lacking(&["debugfs", "mke2fs"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (root, path) = (folder.path().join("root"), folder.path().join("image"));
    plant(&root);
    image(folder.path(), &root, &["-t", "ext4", "-b", "1024"], "8M");
    tool(Command::new("debugfs").args(["-w", "-R", "feature needs_recovery"]).arg(&path));
    let mut image = std::fs::read(&path).unwrap();
    assert_eq!(unpack(&Ext, &image).problems, [], "there is nothing to do");
    let at = image.windows(4).position(|bytes| bytes == [0xc0, 0x3b, 0x39, 0x98]).unwrap();
    image[at] = 0;
    assert_eq!(unpack(&Ext, &image).problems.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [Code::Unsupported]);
}

#[test]
fn an_encrypted_file_is_said() {
    if crate::testing::lacking(&["debugfs", "mke2fs"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (root, path) = (folder.path().join("root"), folder.path().join("image"));
    plant(&root);
    image(folder.path(), &root, &["-t", "ext4", "-b", "1024", "-O", "encrypt"], "8M");
    tool(Command::new("debugfs").args(["-w", "-R", "set_inode_field noise.bin flags 0x80800"]).arg(&path));
    let unpacked = unpack(&Ext, &std::fs::read(&path).unwrap());
    assert_eq!(unpacked.problems.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [Code::Encrypted]);
    assert_eq!(unpacked.file("noise.bin"), noise(300_123));
}

#[test]
fn a_giant_hole_ends_one_file_only() {
    if crate::testing::lacking(&["mke2fs"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    plant(&root);
    std::fs::File::create(root.join("giant")).unwrap().set_len(1 << 40).unwrap();
    let unpacked = unpack(&Ext, &image(folder.path(), &root, &["-t", "ext4", "-b", "4096"], "8M"));
    assert_eq!(unpacked.problems.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [Code::Limit]);
    assert_eq!(unpacked.file("noise.bin"), noise(300_123));
    assert_eq!(unpacked.file("giant"), b"");
}

#[test]
fn damage_is_survived() {
    if crate::testing::lacking(&["mke2fs"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    plant(&root);
    for options in
        [&["-t", "ext2", "-b", "1024", "-N", "32"][..], &["-t", "ext4", "-b", "1024", "-N", "32", "-O", "inline_data,^has_journal"]]
    {
        survives_damage(&Ext, &image(folder.path(), &root, options, "1280K"));
    }
}

#[test]
fn two_bytes_are_no_file_system() {
    let mut bytes = noise(100_000);
    bytes[0x438..0x43a].copy_from_slice(&[0x53, 0xef]);
    assert_eq!(carve(&Ext, &bytes, 0), None);
    assert!(try_unpack_at(&Ext, &bytes[..0x500], 0).is_none());
}
