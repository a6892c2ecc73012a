//! UDF in the layouts of discs that are pressed, written once and written often; mkudffs makes an empty one, genisoimage one beside ISO 9660.

use std::process::Command;

use super::*;
use crate::codec::Codec;
use crate::format::EntryKind;
use crate::format::testing::{Unpacked, carve, survives_damage, tool, tree, unpack, unpack_at};
use crate::problem::Code;

fn opened(packed: &[u8]) -> Vec<u8> {
    Codec::Xz.block(packed, 4 << 20).unwrap()
}

fn images() -> [Vec<u8>; 4] {
    [
        opened(include_bytes!("../../../../fixtures/udf/plain.udf.xz")),
        opened(include_bytes!("../../../../fixtures/udf/sparable.udf.xz")),
        opened(include_bytes!("../../../../fixtures/udf/metadata.udf.xz")),
        opened(include_bytes!("../../../../fixtures/udf/virtual.udf.xz")),
    ]
}

fn check(unpacked: &Unpacked) {
    assert_eq!(unpacked.problems, []);
    assert_eq!(unpacked.fact("header.name").as_deref(), Some("EXAMPLE"));
    assert_eq!(unpacked.file("story.txt"), include_bytes!("../../../../fixtures/content/tree/story.txt"));
    assert!(unpacked.file("bin/tool").starts_with(b"\x7fELF"));
    assert!(unpacked.file("etc/empty").is_empty());
    assert_eq!(unpacked.file("\u{e4}\u{6587} \u{fc}ber.txt"), b"a name of two bytes a letter\n");
    assert_eq!(unpacked.file("holes"), [vec![0; 8192], b"behind a hole".repeat(700)].concat());
    assert_eq!(tree::kind(unpacked, "bin/sh"), Some(EntryKind::Symlink("tool".to_owned())));
    assert_eq!(tree::kind(unpacked, "console"), Some(EntryKind::CharacterDevice(5, 1)));
    let folder = unpacked.entries.iter().find(|entry| entry.path == "empty-folder").unwrap();
    assert_eq!((folder.attributes.mode, folder.attributes.modified), (Some(0o040_755), Some(1_625_443_200)));
}

#[test]
fn files_come_back_from_all_kinds_of_partitions() {
    for image in images() {
        let flash = [vec![0x5a; 77], image.clone(), vec![0x5a; 5000]].concat();
        assert_eq!(carve(&Udf, &flash, 77), Some(image.len() as u64));
        check(&unpack_at(&Udf, &flash, 77));
    }
}

#[test]
fn damage_is_survived() {
    for image in images() {
        survives_damage(&Udf, &image);
    }
}

#[test]
fn what_is_cut_off_or_changed_is_a_problem() {
    let [mut plain, ..] = images();
    let cut = unpack(&Udf, &plain[..plain.len() - 2000]);
    assert!(cut.problems.iter().any(|(code, _)| *code == Code::Truncated));
    assert!(cut.names().len() > 3);
    let place = plain.windows(9).position(|bytes| bytes == b"\x08story.tx").unwrap();
    plain[place + 1] = b'S';
    let changed = unpack(&Udf, &plain);
    assert!(changed.names().contains(&"Story.txt"));
    assert!(changed.problems.iter().any(|(code, _)| *code == Code::Checksum));
}

#[test]
fn the_tools_of_linux_are_understood() {
    let empty = opened(include_bytes!("../../../../fixtures/udf/head.udf.xz"));
    assert_eq!(carve(&Udf, &empty, 0), Some(empty.len() as u64));
    if crate::testing::lacking(&["genisoimage"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (root, image) = (folder.path().join("root"), folder.path().join("image"));
    std::fs::create_dir_all(root.join("folder")).unwrap();
    std::fs::write(root.join("folder/noise"), tree::noise(70_000)).unwrap();
    std::fs::write(root.join("text"), b"a text").unwrap();
    tool(Command::new("genisoimage").args(["-quiet", "-udf", "-o"]).arg(&image).arg(&root));
    let image = std::fs::read(image).unwrap();
    let mut unpacked = Unpacked::default();
    let (budget, blob) = (crate::limits::Budget::new(crate::limits::Limits::default(), std::sync::Arc::default()), Blob::new(image));
    let mut notes = crate::format::Notes::default();
    let mut deliver = |child: crate::format::Child| {
        unpacked.files.push((child.name, child.blob.as_slice().to_vec()));
        Ok(())
    };
    beside(blob.bytes(), &mut Children::new(&budget, &blob, &mut deliver, &mut notes)).unwrap();
    tree::assert_same(&unpacked, &root);
}

#[test]
fn words_alone_are_nothing() {
    let mut image = vec![0; 1 << 20];
    image[0x8000..0x8008].copy_from_slice(b"\0BEA01\x01\0");
    image[0x8800..0x8808].copy_from_slice(b"\0NSR03\x01\0");
    assert_eq!(carve(&Udf, &image, 0), None);
}
