//! What chips of flash hold: file systems that only writers of ours make, and dumps of the chips themselves.

use std::fs;

use crate::bench::{Bench, Names, lacking, text};

const WRITERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/make");

fn made(bench: &Bench, writer: &str, options: &[&str]) {
    let (writer, tree, image) = (format!("{WRITERS}/{writer}"), bench.tree(), bench.at("image"));
    bench.run("python3", &[&[writer.as_str(), text(&tree), text(&image)], options].concat());
}

#[test]
fn squashfs_of_all_versions_and_dialects() {
    if lacking(&["python3"]) {
        return;
    }
    let bench = Bench::new(Names::Any);
    for version in ["1", "2", "3", "4"] {
        for order in ["little", "big"] {
            made(&bench, "flash_squashfs.py", &["--version", version, "--endian", order]);
            bench.file_comes_back(&format!("squashfs {version}, {order} endian"), "image");
        }
    }
    for options in [
        &["--magic", "shsq", "--codec", "lzma"][..],
        &["--magic", "hsqt", "--codec", "bare", "--properties", "022", "--prefix", "01020304"],
        &["--version", "4", "--endian", "big", "--avm", "--codec", "xz"],
    ] {
        made(&bench, "flash_squashfs.py", options);
        bench.file_comes_back(&format!("squashfs {options:?}"), "image");
    }
}

#[test]
fn yaffs_of_all_sizes() {
    if lacking(&["python3"]) {
        return;
    }
    let bench = Bench::new(Names::Any);
    for options in [
        &["--version", "1", "--page", "512", "--spare", "16"][..],
        &["--tags-at", "2", "--ecc"],
        &["--page", "4096", "--spare", "224", "--endian", "big", "--extra"],
        &["--inband", "--spare", "0", "--history"],
    ] {
        made(&bench, "flash_yaffs.py", options);
        bench.file_comes_back(&format!("yaffs {options:?}"), "image");
    }
}

#[test]
fn dumps_of_nand_flash() {
    if lacking(&["python3", "mkfs.jffs2", "mkfs.ubifs", "ubinize"]) {
        return;
    }
    let bench = Bench::new(Names::Any);
    let (tree, volume, image, dump) = (bench.tree(), bench.at("volume"), bench.at("image"), bench.at("dump"));
    let writer = format!("{WRITERS}/flash_nand.py");
    bench.run("mkfs.jffs2", &["-r", text(&tree), "-o", text(&image), "-l", "-n", "-e", "0x4000", "-s", "512"]);
    bench.run("python3", &[&writer, text(&dump), "512", "16", "0x4000", text(&image)]);
    bench.file_comes_back("jffs2 on small pages", "dump");
    bench.run("mkfs.ubifs", &["-r", text(&tree), "-o", text(&volume), "-m", "2048", "-e", "126976", "-c", "200"]);
    let section = format!("[root]\nmode=ubi\nimage={}\nvol_id=0\nvol_type=dynamic\nvol_name=root\nvol_flags=autoresize\n", text(&volume));
    fs::write(bench.at("ubi.ini"), section).unwrap();
    bench.run("ubinize", &["-o", text(&image), "-m", "2048", "-p", "128KiB", text(&bench.at("ubi.ini"))]);
    for spare in ["64", "128"] {
        bench.run("python3", &[&writer, text(&dump), "2048", spare, "0x20000", text(&image)]);
        bench.file_comes_back("UBI on large pages", "dump");
    }
}
