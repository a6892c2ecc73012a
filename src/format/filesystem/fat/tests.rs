//! Volumes by `mkfs.fat`, filled by mtools, compared with the files that they were filled with.

use std::path::Path;
use std::process::Command;

use super::*;
use crate::format::testing::{Unpacked, carve, survives_damage, tool, unpack, unpack_at};
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

const LONG: &str = "sub/Ein sehr langer Name mit größeren Zeichen, über dreizehn hinaus.data";

fn content() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("HELLO.TXT", b"hello\n".to_vec()),
        ("lower.txt", b"lower case".to_vec()),
        ("empty.bin", Vec::new()),
        ("first.bin", noise(50_001)),
        ("sub/deeper/one.bin", noise(512)),
        ("sub/deeper/two", noise(513)),
        (LONG, noise(4096)),
        ("Mixed Case.Name", b"mixed".to_vec()),
    ]
}

fn mtools(program: &str, image: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("MTOOLS_SKIP_CHECK", "1").env("LC_ALL", "C.UTF-8").arg("-i").arg(image);
    command
}

/// A volume with the content, one label, one deleted file and one file in several pieces.
fn image(options: &[&str], kilobytes: u64) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image");
    tool(Command::new("mkfs.fat").args(["-n", "LABEL", "-C"]).args(options).arg(&path).arg(kilobytes.to_string()));
    tool(mtools("mmd", &path).args(["::sub", "::sub/deeper"]));
    let source = folder.path().join("source");
    for (name, bytes) in content() {
        std::fs::write(&source, bytes).unwrap();
        tool(Command::new("touch").args(["-d", "2021-03-04 05:06:08"]).arg(&source));
        tool(mtools("mcopy", &path).arg("-m").arg(&source).arg(format!("::{name}")));
    }
    // Fill holes between other files, so that the last one is not in one piece.
    for index in 0..12 {
        std::fs::write(&source, noise(3000 + index)).unwrap();
        tool(mtools("mcopy", &path).arg(&source).arg(format!("::fill{index}")));
    }
    let odd = (0..12).step_by(2).map(|index| format!("::fill{index}"));
    tool(mtools("mdel", &path).args(odd));
    std::fs::write(&source, noise(60_000)).unwrap();
    tool(mtools("mcopy", &path).arg(&source).arg("::pieces"));
    std::fs::read(path).unwrap()
}

fn same(unpacked: &Unpacked) {
    assert_eq!(unpacked.problems, []);
    for (name, bytes) in content() {
        assert!(unpacked.file(name) == bytes, "{name} differs");
    }
    for index in (1..12).step_by(2) {
        assert!(unpacked.file(&format!("fill{index}")) == noise(3000 + index));
    }
    assert!(unpacked.file("pieces") == noise(60_000));
    assert_eq!(unpacked.files.len(), content().len() + 7, "{:?}", unpacked.names());
    let folders = unpacked.entries.iter().map(|entry| (entry.path.as_str(), &entry.kind)).collect::<Vec<_>>();
    assert_eq!(folders, [("sub", &EntryKind::Directory), ("sub/deeper", &EntryKind::Directory)]);
}

#[test]
fn every_width_is_read_whole() {
    if crate::testing::lacking(&["mcopy", "mdel", "mkfs.fat", "mmd"]) {
        return;
    }
    for (options, kilobytes) in [
        (&["-F", "12"][..], 1440),
        (&["-F", "12", "-s", "2", "-f", "1"], 2000),
        (&["-F", "16"], 9000),
        (&["-F", "16", "-S", "2048", "-s", "1"], 20_000),
        (&["-F", "16", "-s", "1", "-r", "64"], 3000),
        (&["-F", "32"], 36_000),
    ] {
        let image = image(options, kilobytes);
        let length = carve(&Fat, &image, 0).unwrap_or_else(|| panic!("{options:?}"));
        assert!(length <= image.len() as u64 && length > image.len() as u64 * 9 / 10);
        same(&unpack(&Fat, &image));
    }
}

#[test]
fn the_walk_goes_in_the_order_of_the_folders() {
    if crate::testing::lacking(&["mcopy", "mdel", "mkfs.fat", "mmd"]) {
        return;
    }
    let unpacked = unpack(&Fat, &image(&["-F", "12"], 1440));
    assert_eq!(unpacked.names()[..4], ["HELLO.TXT", "lower.txt", "empty.bin", "first.bin"]);
    assert_eq!(unpacked.names().iter().rev().take(3).rev().copied().collect::<Vec<_>>(), [LONG, "sub/deeper/one.bin", "sub/deeper/two"]);
}

#[test]
fn times_are_kept() {
    if crate::testing::lacking(&["mcopy", "mdel", "mkfs.fat", "mmd"]) {
        return;
    }
    use crate::blob::Blob;
    use crate::format::{Child, Notes};
    use crate::limits::Limits;
    let (budget, blob) = (Budget::new(Limits::default(), std::sync::Arc::default()), Blob::new(image(&["-F", "12"], 1440)));
    let (mut found, mut notes) = (Vec::new(), Notes::default());
    let mut deliver = |child: Child| {
        found.push((child.name, child.attributes.modified, child.span.is_some()));
        Ok(())
    };
    Fat.unpack(&blob, &mut Children::new(&budget, &blob, &mut deliver, &mut notes)).unwrap();
    assert!(found.contains(&("HELLO.TXT".to_owned(), Some(1_614_834_368), true)), "{found:?}");
    assert!(found.iter().any(|(name, _, as_it_is)| name == "pieces" && !as_it_is));
}

#[test]
fn found_inside_other_bytes_and_its_backup_is_not() {
    if crate::testing::lacking(&["mcopy", "mdel", "mkfs.fat", "mmd"]) {
        return;
    }
    let image = image(&["-F", "32"], 36_000);
    let around = [&noise(777)[..], &image, &noise(500)].concat();
    same(&unpack_at(&Fat, &around, 777));
    assert!(image[6 * 512..].starts_with(&[0xeb, 0x58, 0x90]), "the backup of the boot sector");
    assert_eq!(carve(&Fat, &image, 6 * 512), None);
}

#[test]
fn a_broken_chain_keeps_what_it_leads_to() {
    if crate::testing::lacking(&["mcopy", "mdel", "mkfs.fat", "mmd"]) {
        return;
    }
    let mut image = image(&["-F", "12"], 1440);
    let boot = Boot::read(Bytes(&image)).unwrap();
    let start = image.windows(3).position(|bytes| bytes == [0xf0, 0xff, 0xff]).unwrap();
    // first.bin: its chain gets lost after some clusters, in the first copy of the table, which is the one that counts.
    let at = image.windows(512).position(|bytes| bytes == &noise(50_001)[5120..5632]).unwrap() as u64;
    let cluster = ((at - boot.data_at) / boot.cluster_size + 2) as usize;
    let place = start + cluster + cluster / 2;
    image[place..place + 2].fill(0);
    let unpacked = unpack(&Fat, &image);
    assert_eq!(unpacked.file("first.bin"), &noise(50_001)[..5632]);
    assert!(unpacked.problems.iter().any(|(code, _)| *code == Code::Corrupt), "{:?}", unpacked.problems);
    assert!(unpacked.file("pieces") == noise(60_000));
}

#[test]
fn truncated_keeps_what_is_there() {
    if crate::testing::lacking(&["mcopy", "mdel", "mkfs.fat", "mmd"]) {
        return;
    }
    let mut image = image(&["-F", "12"], 1440);
    let wanted = &noise(60_000)[50_000..50_100];
    let at = image.windows(100).position(|bytes| bytes == wanted).unwrap();
    image.truncate(at);
    let unpacked = unpack(&Fat, &image);
    assert_eq!(unpacked.file("pieces"), &noise(60_000)[..50_000]);
    assert_eq!(unpacked.file("HELLO.TXT"), b"hello\n");
    let codes = unpacked.problems.iter().map(|(code, _)| *code).collect::<Vec<_>>();
    assert_eq!(codes, [Code::Truncated, Code::Truncated]);
}

#[test]
fn damage_is_survived() {
    if crate::testing::lacking(&["mcopy", "mdel", "mkfs.fat", "mmd"]) {
        return;
    }
    survives_damage(&Fat, &image(&["-F", "12"], 360));
    survives_damage(&Fat, &image(&["-F", "32", "-s", "1"], 36_000)[..1_000_000]);
}

#[test]
fn a_jump_is_no_volume() {
    let mut bytes = noise(100_000);
    bytes[..3].copy_from_slice(&[0xeb, 0x3c, 0x90]);
    bytes[510..512].copy_from_slice(&[0x55, 0xaa]);
    assert_eq!(carve(&Fat, &bytes, 0), None);
    assert_eq!(carve(&Fat, &bytes[..40], 0), None);
}
