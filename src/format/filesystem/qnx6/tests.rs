//! QNX6 in both byte orders.

use super::*;
use crate::codec::Codec;
use crate::format::EntryKind;
use crate::format::testing::{carve, survives_damage, tree, unpack, unpack_at};
use crate::problem::Code;

fn images() -> [Vec<u8>; 2] {
    let opened = |packed: &[u8]| Codec::Xz.block(packed, 4 << 20).unwrap();
    [
        opened(include_bytes!("../../../../fixtures/qnx6/little-endian.qnx6.xz")),
        opened(include_bytes!("../../../../fixtures/qnx6/big-endian.qnx6.xz")),
    ]
}

#[test]
fn files_folders_and_long_names_come_back() {
    for image in images() {
        let flash = [vec![0x5a; 77], image.clone(), vec![0x5a; 5000]].concat();
        assert_eq!(carve(&Qnx6, &flash, 77), Some(image.len() as u64));
        let unpacked = unpack_at(&Qnx6, &flash, 77);
        assert_eq!(unpacked.problems, []);
        assert_eq!(unpacked.file("story.txt"), include_bytes!("../../../../fixtures/content/tree/story.txt"));
        assert!(unpacked.file("bin/tool").starts_with(b"\x7fELF"));
        assert!(unpacked.file("etc/empty").is_empty());
        assert_eq!(unpacked.file("a name that is longer than 27 letters.txt"), b"long\n");
        assert_eq!(unpacked.file("levels"), b"behind pointers to pointers\n".repeat(1000));
        assert_eq!(tree::kind(&unpacked, "bin/sh"), Some(EntryKind::Symlink("tool".to_owned())));
        let folder = unpacked.entries.iter().find(|entry| entry.path == "empty-folder").unwrap();
        assert_eq!((folder.attributes.mode, folder.attributes.modified), (Some(0o040_755), Some(1_625_443_200)));
        survives_damage(&Qnx6, &image);
    }
}

#[test]
fn no_name_is_as_long_as_a_block() {
    let [mut image, _] = images();
    let place = image.windows(22).position(|name| name == b"a name that is longer ").unwrap();
    image[place - 2..place].copy_from_slice(&511_u16.to_le_bytes());
    let unpacked = unpack(&Qnx6, &image);
    assert!(unpacked.problems.iter().any(|(_, why)| why.contains("511 letters")), "{:?}", unpacked.problems);
    assert!(unpacked.names().contains(&"story.txt"));
}

#[test]
fn what_is_cut_off_is_a_problem_and_a_wrong_checksum_none() {
    let [mut image, _] = images();
    let cut = unpack(&Qnx6, &image[..image.len() - 9000]);
    assert!(cut.problems.iter().any(|(code, _)| *code == Code::Truncated));
    image[BOOT as usize + 100] ^= 1;
    assert_eq!(carve(&Qnx6, &image, 0), None);
}
