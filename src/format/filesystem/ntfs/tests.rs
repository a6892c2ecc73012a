//! Volumes by mkfs.ntfs, filled through ntfs-3g.

use std::path::Path;
use std::process::Command;

use super::*;
use crate::format::EntryKind;
use crate::format::testing::{Unpacked, carve, survives_damage, tool, tree, unpack, unpack_at};
use crate::problem::Code;

const FIXTURE: &[u8] = include_bytes!("../../../../fixtures/ntfs/volume.img.xz");
const STORY: &[u8] = include_bytes!("../../../../fixtures/content/tree/story.txt");

fn fixture() -> Vec<u8> {
    crate::codec::Codec::Xz.block(FIXTURE, 4 << 20).unwrap()
}

#[test]
fn files_of_all_kinds() {
    let image = fixture();
    let unpacked = unpack(&Ntfs, &image);
    assert_eq!(unpacked.problems, []);
    assert_eq!(unpacked.file("folder/a story with a long name, größer.txt"), STORY);
    assert_eq!(unpacked.file("folder/a story with a long name, größer.txt:notes"), b"a stream beside\n");
    assert_eq!(unpacked.file("packed/twice.txt"), STORY.repeat(12));
    assert_eq!(unpacked.file("pieces"), [STORY, STORY].concat());
    assert_eq!(unpacked.file("small"), b"it fits into the record\n");
    assert_eq!(unpacked.file("empty"), b"");
    let holes = unpacked.file("holes");
    assert_eq!((holes.len(), &holes[100_000..]), (100_007, &b"the end"[..]));
    assert!(holes[..100_000].iter().all(|byte| *byte == 0));
    assert_eq!(tree::kind(&unpacked, "folder/link"), Some(EntryKind::Symlink("../small".to_owned())));
    assert_eq!(tree::kind(&unpacked, "empty-folder"), Some(EntryKind::Directory));
    assert!(unpacked.entries.iter().any(|entry| matches!(entry.kind, EntryKind::HardLink(_))));
}

#[test]
fn a_damaged_volume_gives_what_is_left() {
    let image = fixture();
    let among = [tree::noise(777), image.clone(), vec![0xff; 999]].concat();
    assert_eq!(carve(&Ntfs, &among, 777), Some(image.len() as u64));
    assert_eq!(unpack_at(&Ntfs, &among, 777).files, unpack(&Ntfs, &image).files);
    survives_damage(&Ntfs, &image);
    let boot = Boot::read(Bytes(&image)).unwrap();
    // One record breaks, and its file is gone, but no other.
    let broken = (24..200).map(|number| (boot.table + number * boot.record) as usize).find(|at| {
        let record = &image[*at..*at + 1024];
        record.windows(10).any(|name| name == b"s\0m\0a\0l\0l\0")
    });
    let mut changed = image.clone();
    changed[broken.unwrap() + 510] ^= 0xff;
    let unpacked = unpack(&Ntfs, &changed);
    assert_eq!(unpacked.problems.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [Code::Corrupt]);
    assert!(!unpacked.names().contains(&"small") && unpacked.names().contains(&"empty"));
    let story = image.windows(STORY.len()).position(|bytes| bytes == STORY).unwrap();
    if story as u64 > boot.table {
        let cut = unpack(&Ntfs, &image[..story + 100]);
        assert!(cut.problems.iter().any(|(code, _)| *code == Code::Truncated));
    }
    assert_eq!(carve(&Ntfs, b"xxxNTFS    is what a boot sector begins with", 0), None);
}

/// Runs `fill` with the path where `image` is mounted, if this machine lets us.
fn mounted(image: &Path, options: &str, fill: impl FnOnce(&Path)) -> bool {
    let place = tempfile::tempdir().unwrap();
    let mount = Command::new("ntfs-3g").args(["-o", options]).arg(image).arg(place.path()).output();
    let there = mount.is_ok_and(|output| output.status.success());
    if there {
        fill(place.path());
        tool(Command::new("umount").arg(place.path()));
    } else {
        eprintln!("skipped: NTFS cannot be mounted here");
    }
    there
}

fn filled(cluster: &str, compressed: bool) -> Option<(tempfile::TempDir, Unpacked)> {
    let folder = tempfile::tempdir().unwrap();
    let (image, source) = (folder.path().join("image"), folder.path().join("source"));
    tree::plant(&source);
    std::fs::File::create(&image).unwrap().set_len(12 << 20).unwrap();
    tool(Command::new("mkfs.ntfs").args(["-F", "-Q", "-q", "-c", cluster]).arg(&image));
    let there = mounted(&image, "compression", |place| {
        if compressed {
            tool(Command::new("setfattr").args(["-n", "system.ntfs_attrib_be", "-v", "0x00000800"]).arg(place));
        }
        tool(Command::new("cp").arg("-r").arg(source.join(".")).arg(place));
    });
    there.then(|| (folder, unpack(&Ntfs, &std::fs::read(&image).unwrap())))
}

#[test]
fn volumes_hold_what_was_put_in() {
    if crate::testing::lacking(&["mkfs.ntfs", "ntfs-3g", "setfattr"]) {
        return;
    }
    for (cluster, compressed) in [("512", false), ("4096", false), ("65536", false), ("4096", true), ("512", true)] {
        let Some((folder, unpacked)) = filled(cluster, compressed) else { return };
        assert_eq!(unpacked.problems, [], "{cluster}");
        tree::assert_same(&unpacked, &folder.path().join("source"));
        assert_eq!(tree::kind(&unpacked, "bin/sh"), Some(EntryKind::Symlink("busybox".to_owned())));
    }
}
