//! Volumes by littlefs-python, which is littlefs itself.

use super::*;
use crate::format::EntryKind;
use crate::format::testing::{carve, survives_damage, tree, unpack, unpack_at};
use crate::problem::Code;

const STORY: &[u8] = include_bytes!("../../../../fixtures/content/tree/story.txt");

#[test]
fn both_versions_and_any_size_of_blocks() {
    for (image, block) in [
        (&include_bytes!("../../../../fixtures/littlefs/v2.0.littlefs")[..], 4096),
        (include_bytes!("../../../../fixtures/littlefs/v2.1.littlefs"), 512),
        (include_bytes!("../../../../fixtures/littlefs/v1.littlefs"), 512),
    ] {
        assert_eq!(Volume::read(Bytes(image)).unwrap().block, block);
        let among = [tree::noise(777), image.to_vec(), vec![0xff; 999]].concat();
        assert_eq!(carve(&LittleFs, &among, 777), Some(image.len() as u64));
        let unpacked = unpack_at(&LittleFs, &among, 777);
        assert_eq!(unpacked.problems, []);
        assert_eq!(unpacked.file("story.txt"), STORY);
        assert_eq!(unpacked.file("etc/long"), STORY.repeat(3));
        assert_eq!(unpacked.file("etc/motd"), include_bytes!("../../../../fixtures/content/tree/etc/motd"));
        assert_eq!(unpacked.file("empty"), b"");
        assert_eq!(tree::kind(&unpacked, "empty-folder"), Some(EntryKind::Directory));
        assert!((0..30).all(|index| unpacked.file(&format!("www/{index:02}.txt")) == format!("page {index}\n").as_bytes()));
        assert_eq!(unpacked.files.len(), 34, "what was deleted is not there");
        survives_damage(&LittleFs, image);
    }
}

#[test]
fn damage_is_told() {
    let image = include_bytes!("../../../../fixtures/littlefs/v2.1.littlefs");
    let cut = unpack(&LittleFs, &image[..image.len() / 2]);
    assert!(cut.problems.iter().any(|(code, _)| *code == Code::Truncated));
    let mut changed = image.to_vec();
    changed[20] ^= 1;
    assert_eq!(carve(&LittleFs, &changed, 0), None, "the checksum covers it");
    assert_eq!(carve(&LittleFs, &b"littlefs".repeat(100), 0), None);
}
