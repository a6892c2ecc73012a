//! Volumes by mkfs.exfat, filled through exfat-fuse.

use std::path::Path;
use std::process::Command;

use super::*;
use crate::format::testing::{carve, survives_damage, tool, tree, unpack, unpack_at};
use crate::problem::Code;

const FIXTURE: &[u8] = include_bytes!("../../../../fixtures/exfat/card.img.xz");
const STORY: &[u8] = include_bytes!("../../../../fixtures/content/tree/story.txt");

fn fixture() -> Vec<u8> {
    crate::codec::Codec::Xz.block(FIXTURE, 1 << 20).unwrap()
}

#[test]
fn files_in_a_row_and_in_pieces() {
    let image = fixture();
    let among = [tree::noise(777), image.clone(), vec![0xff; 999]].concat();
    assert_eq!(carve(&ExFat, &among, 777), Some(image.len() as u64));
    let unpacked = unpack_at(&ExFat, &among, 777);
    assert_eq!(unpacked.problems, []);
    assert_eq!(unpacked.file("folder/a story with a long name, größer.txt"), STORY);
    assert_eq!(unpacked.file("pieces"), [STORY, STORY].concat());
    assert_eq!(unpacked.file("empty"), b"");
    assert_eq!(tree::kind(&unpacked, "empty-folder"), Some(EntryKind::Directory));
    assert!(unpacked.names().contains(&"bin/tool"));
}

#[test]
fn a_damaged_volume_gives_what_is_left() {
    let mut image = fixture();
    survives_damage(&ExFat, &image);
    let story = image.windows(STORY.len()).position(|bytes| bytes == STORY).unwrap();
    let cut = unpack(&ExFat, &image[..story + 100]);
    assert!(cut.problems.iter().any(|(code, _)| *code == Code::Truncated));
    assert!(cut.files.iter().any(|(_, bytes)| bytes == &STORY[..100]));
    image[120] ^= 1;
    let changed = unpack(&ExFat, &image);
    assert_eq!(changed.problems.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [Code::Checksum]);
    assert_eq!(carve(&ExFat, &image[12 * 512..], 0), None, "the backup of the boot sector");
    assert_eq!(carve(&ExFat, b"\xeb\x76\x90EXFAT   is how it begins", 0), None);
}

/// Runs `fill` with the path where `image` is mounted, if this machine lets us.
fn mounted(image: &Path, fill: impl FnOnce(&Path)) -> bool {
    let place = tempfile::tempdir().unwrap();
    let device = Command::new("losetup").args(["-f", "--show"]).arg(image).output();
    let device = device.ok().filter(|output| output.status.success()).map(|output| String::from_utf8(output.stdout).unwrap());
    let Some(device) = device.as_deref().map(str::trim) else {
        eprintln!("skipped: nothing can be mounted here");
        return false;
    };
    let mount = Command::new("mount.exfat-fuse").arg(device).arg(place.path()).output();
    let there = mount.is_ok_and(|output| output.status.success());
    if there {
        fill(place.path());
        tool(Command::new("umount").arg(place.path()));
    } else {
        eprintln!("skipped: exFAT cannot be mounted here");
    }
    tool(Command::new("losetup").args(["-d", device]));
    there
}

#[test]
fn volumes_hold_what_was_put_in() {
    if crate::testing::lacking(&["mkfs.exfat", "mount.exfat-fuse"]) {
        return;
    }
    for cluster in ["512", "4096", "32768"] {
        let folder = tempfile::tempdir().unwrap();
        let (image, source) = (folder.path().join("image"), folder.path().join("source"));
        tree::plant(&source);
        for link in ["bin/sh", "etc/gone"] {
            std::fs::remove_file(source.join(link)).unwrap();
        }
        std::fs::File::create(&image).unwrap().set_len(8 << 20).unwrap();
        tool(Command::new("mkfs.exfat").args(["-b", "4096", "-c", cluster]).arg(&image));
        let there = mounted(&image, |place| {
            tool(Command::new("cp").arg("-r").arg(source.join(".")).arg(place));
            // Holes between other files, so that the next one is in pieces.
            (0..40).for_each(|index| std::fs::write(place.join(format!("fill{index:02}")), tree::noise(9000)).unwrap());
            (0..40).for_each(|index| std::fs::remove_file(place.join(format!("fill{index:02}"))).unwrap());
            std::fs::write(place.join("pieces"), tree::code(100_000)).unwrap();
        });
        if there {
            std::fs::write(source.join("pieces"), tree::code(100_000)).unwrap();
            let unpacked = unpack(&ExFat, &std::fs::read(&image).unwrap());
            assert_eq!(unpacked.problems, []);
            tree::assert_same(&unpacked, &source);
        }
    }
}
