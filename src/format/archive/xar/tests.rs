//! Archives that bsdtar writes, and damaged ones.

use std::fs;
use std::process::Command;

use super::*;
use crate::format::testing::{carve, survives_damage, tool, tree, unpack, unpack_at};
use crate::problem::Code;

#[test]
fn trees_come_back() {
    if crate::testing::lacking(&["bsdtar"]) {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let root = work.path().join("tree");
    tree::plant(&root);
    fs::hard_link(root.join("bin/busybox"), root.join("bin/zcat")).unwrap();
    for compression in ["gzip", "bzip2", "xz", "lzma", "none"] {
        let image = work.path().join("image.xar");
        let options = format!("xar:compression={compression}");
        tool(Command::new("bsdtar").arg("-cf").arg(&image).args(["--format=xar", "--options", &options, "-C"]).arg(&root).arg("."));
        let image = fs::read(&image).unwrap();
        let junk = [b"before".as_slice(), &image, b"after"].concat();
        // bsdtar leaves as many bytes behind the last file as the checksum takes.
        assert_eq!(carve(&Xar, &junk, 6), Some(to_u64(image.len() - 20)), "{compression}");
        let mut unpacked = unpack_at(&Xar, &junk, 6);
        assert_eq!(unpacked.problems, [], "{compression}");
        unpacked.files.iter_mut().for_each(|(path, _)| *path = path.trim_start_matches("./").to_owned());
        tree::assert_same(&unpacked, &root);
        assert_eq!(tree::kind(&unpacked, "bin/sh"), Some(EntryKind::Symlink("busybox".to_owned())));
        assert_eq!(tree::kind(&unpacked, "proc"), Some(EntryKind::Directory));
    }
}

const IMAGE: &[u8] = include_bytes!("../../../../fixtures/xar/tree.xar");

#[test]
fn damage_is_told_and_the_rest_kept() {
    let whole = unpack(&Xar, IMAGE);
    assert_eq!(whole.problems, []);
    let cut = unpack(&Xar, &IMAGE[..IMAGE.len() - 100]);
    assert_eq!((cut.names(), cut.problems[0].0), (whole.names(), Code::Truncated));
    survives_damage(&Xar, IMAGE);
}

#[test]
fn look_alikes_are_refused() {
    assert_eq!(carve(&Xar, b"xar! is the magic of an archive, and this is only a text about one of them", 0), None);
}
