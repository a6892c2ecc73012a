//! Discs by xorriso and genisoimage, compared with the folders that they were made of.

use std::path::Path;
use std::process::Command;

use super::*;
use crate::format::EntryKind;
use crate::format::testing::{Unpacked, carve, survives_damage, tool, tree, unpack, unpack_at};
use crate::problem::Code;

fn image_of(program: &[&str], root: &Path) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image");
    tool(Command::new(program[0]).args(&program[1..]).arg("-o").arg(&image).arg(root));
    std::fs::read(image).unwrap()
}

fn planted() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    tree::plant(folder.path());
    // Deeper than the eight levels that ISO 9660 has.
    std::fs::create_dir_all(folder.path().join("1/2/3/4/5/6/7/8/9/10")).unwrap();
    std::fs::write(folder.path().join("1/2/3/4/5/6/7/8/9/10/deep"), "deep\n").unwrap();
    folder
}

const XORRISO: &[&str] = &["xorriso", "-as", "mkisofs", "-quiet"];

fn without_boot(mut unpacked: Unpacked) -> Unpacked {
    unpacked.files.retain(|(name, _)| !name.starts_with("gap@") && !name.starts_with("el-torito/"));
    unpacked
}

#[test]
fn rock_ridge_gives_back_what_was_put_in() {
    if crate::testing::lacking(&["genisoimage", "xorriso"]) {
        return;
    }
    let folder = planted();
    for more in [
        [XORRISO, &["-R"]].concat(),
        [XORRISO, &["-R", "-J", "-V", "EXAMPLE", "-publisher", "EXAMPLE WORKS"]].concat(),
        vec!["genisoimage", "-quiet", "-R", "-J", "-joliet-long"],
        vec!["genisoimage", "-quiet", "-r", "-U"],
    ] {
        let image = image_of(&more, folder.path());
        let unpacked = without_boot(unpack(&Iso9660, &image));
        assert_eq!(unpacked.problems, [], "{more:?}");
        tree::assert_same(&unpacked, folder.path());
        assert_eq!(tree::kind(&unpacked, "bin/sh"), Some(EntryKind::Symlink("busybox".to_owned())));
        assert_eq!(tree::kind(&unpacked, "etc/gone"), Some(EntryKind::Symlink("../../nowhere".to_owned())));
        assert_eq!(tree::kind(&unpacked, "proc"), Some(EntryKind::Directory));
        let empty = unpacked.entries.iter().find(|entry| entry.path == "proc").unwrap();
        assert_eq!(empty.attributes.mode, Some(if more.contains(&"-r") { 0o040_555 } else { 0o040_755 }));
        if more.contains(&"EXAMPLE") {
            assert_eq!(unpacked.fact("header.name").as_deref(), Some("EXAMPLE"));
            assert_eq!(unpacked.fact("header.vendor").as_deref(), Some("EXAMPLE WORKS"));
        }
    }
}

#[test]
fn devices_and_hard_links() {
    if crate::testing::lacking(&["genisoimage"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, numbers) in [("console", ["c", "5", "1"]), ("disk", ["b", "8", "17"])] {
        tool(Command::new("mknod").arg(folder.path().join(name)).args(numbers));
    }
    tool(Command::new("mkfifo").arg(folder.path().join("queue")));
    std::fs::write(folder.path().join("first"), "one file with two names").unwrap();
    std::fs::hard_link(folder.path().join("first"), folder.path().join("second")).unwrap();
    let unpacked = without_boot(unpack(&Iso9660, &image_of(&["genisoimage", "-quiet", "-R", "-cache-inodes"], folder.path())));
    assert_eq!(tree::kind(&unpacked, "console"), Some(EntryKind::CharacterDevice(5, 1)));
    assert_eq!(tree::kind(&unpacked, "disk"), Some(EntryKind::BlockDevice(8, 17)));
    assert_eq!(tree::kind(&unpacked, "queue"), Some(EntryKind::Fifo));
    assert_eq!(tree::kind(&unpacked, "second"), Some(EntryKind::HardLink("first".to_owned())));
    assert_eq!(unpacked.names(), ["first"]);
}

/// Names that all discs can have.
fn short() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("SUB")).unwrap();
    std::fs::write(folder.path().join("SUB/A.TXT"), tree::code(5000)).unwrap();
    std::fs::write(folder.path().join("README"), "read me\n").unwrap();
    std::fs::write(folder.path().join("EMPTY.BIN"), "").unwrap();
    folder
}

#[test]
fn joliet_and_plain_names() {
    if crate::testing::lacking(&["genisoimage", "xorriso"]) {
        return;
    }
    let folder = short();
    for more in [&["genisoimage", "-quiet"][..], &["genisoimage", "-quiet", "-N", "-d"], &[XORRISO, &["--norock"]].concat()] {
        let unpacked = without_boot(unpack(&Iso9660, &image_of(more, folder.path())));
        assert_eq!(unpacked.problems, []);
        tree::assert_same(&unpacked, folder.path());
    }
    let folder = tempfile::tempdir().unwrap();
    tree::plant(folder.path());
    for name in ["bin/sh", "etc/gone"] {
        std::fs::remove_file(folder.path().join(name)).unwrap();
    }
    // Joliet has 64 letters for a name, genisoimage 103 if it is told so.
    let unpacked = without_boot(unpack(
        &Iso9660,
        &image_of(&["genisoimage", "-quiet", "-J", "-joliet-long", "-input-charset", "utf-8"], folder.path()),
    ));
    assert_eq!(unpacked.problems, []);
    tree::assert_same(&unpacked, folder.path());
}

#[test]
fn what_only_one_of_the_names_lists_comes_too() {
    if crate::testing::lacking(&["genisoimage"]) {
        return;
    }
    let folder = short();
    let image = image_of(&["genisoimage", "-quiet", "-R", "-J", "-hide", "README", "-hide-joliet", "SUB"], folder.path());
    let unpacked = without_boot(unpack(&Iso9660, &image));
    assert_eq!(unpacked.names(), ["EMPTY.BIN", "SUB/A.TXT", "README"]);
}

#[test]
fn compressed_files_are_decompressed() {
    if crate::testing::lacking(&["genisoimage", "mkzftree", "xorriso"]) {
        return;
    }
    let folder = planted();
    let packed = folder.path().parent().unwrap().join(format!("{}-packed", folder.path().file_name().unwrap().to_str().unwrap()));
    tool(Command::new("mkzftree").arg(folder.path()).arg(&packed));
    let image = image_of(&["genisoimage", "-quiet", "-R", "-z"], &packed);
    std::fs::remove_dir_all(packed).unwrap();
    let unpacked = without_boot(unpack(&Iso9660, &image));
    assert_eq!(unpacked.problems, []);
    tree::assert_same(&unpacked, folder.path());
    let inside = tempfile::tempdir().unwrap();
    for version in ["version_2=off", "version_2=on"] {
        let image = inside.path().join(version);
        let mut command = Command::new("xorriso");
        command.args(["-zisofs", version, "-outdev"]).arg(&image).arg("-map").arg(folder.path()).arg("/");
        tool(command.args(["-find", "/", "-type", "f", "-exec", "set_filter", "--zisofs", "--"]));
        let unpacked = without_boot(unpack(&Iso9660, &std::fs::read(&image).unwrap()));
        assert_eq!(unpacked.problems, []);
        tree::assert_same(&unpacked, folder.path());
    }
}

#[test]
fn boot_images_are_handed_over() {
    if crate::testing::lacking(&["genisoimage", "xorriso"]) {
        return;
    }
    let folder = short();
    let boot = tree::noise(30_000);
    std::fs::write(folder.path().join("BOOT.IMG"), &boot).unwrap();
    let efi = folder.path().join("EFI.IMG");
    std::fs::write(&efi, tree::code(50_000)).unwrap();
    let options = ["-b", "BOOT.IMG", "-no-emul-boot", "-boot-load-size", "4", "-eltorito-alt-boot", "-e", "EFI.IMG", "-no-emul-boot", "-R"];
    let listed = unpack(&Iso9660, &image_of(&[XORRISO, &options].concat(), folder.path()));
    assert_eq!(listed.problems, []);
    assert!(listed.names().iter().all(|name| !name.starts_with("el-torito/")), "{:?}", listed.names());
    let hidden = ["-b", "BOOT.IMG", "-no-emul-boot", "-eltorito-alt-boot", "-b", "EFI.IMG", "-no-emul-boot", "-hide", "*.IMG"];
    let unpacked = unpack(&Iso9660, &image_of(&[&["genisoimage", "-quiet"][..], &hidden].concat(), folder.path()));
    let images: Vec<_> = unpacked.files.iter().filter(|(name, _)| name.starts_with("el-torito/")).collect();
    assert_eq!(images.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["el-torito/1-bios.img", "el-torito/3-bios.img"]);
    assert!(images[0].1.starts_with(&boot) && images[1].1.starts_with(&tree::code(50_000)));
}

#[test]
fn found_among_other_bytes_and_cut_off() {
    if crate::testing::lacking(&["xorriso"]) {
        return;
    }
    let folder = short();
    let image = image_of(&[XORRISO, &["-R", "-no-pad"]].concat(), folder.path());
    let among = [tree::noise(777), image.clone(), vec![0xff; 9000]].concat();
    assert_eq!(carve(&Iso9660, &among, 777), Some(image.len() as u64));
    tree::assert_same(&without_boot(unpack_at(&Iso9660, &among, 777)), folder.path());
    let data = image.windows(8).rposition(|bytes| bytes == b"read me\n").unwrap();
    let cut = unpack(&Iso9660, &image[..data + 4]);
    assert_eq!(cut.file("README"), b"read");
    assert!(cut.problems.iter().all(|(code, _)| *code == Code::Truncated) && !cut.problems.is_empty());
    survives_damage(&Iso9660, &image[..]);
}

#[test]
fn five_letters_are_no_disc() {
    let mut text = b"CD001 ".repeat(10_000);
    assert_eq!(carve(&Iso9660, &text, 0), None);
    text[0x8000..0x8007].copy_from_slice(b"\x01CD001\x01");
    assert_eq!(carve(&Iso9660, &text, 0), None);
}
