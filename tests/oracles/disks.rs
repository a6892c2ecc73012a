//! Discs and the disks of virtual machines.

use crate::bench::{Bench, Names, lacking, text};

#[test]
fn optical_discs() {
    if lacking(&["xorriso"]) {
        return;
    }
    let bench = Bench::new(Names::Any);
    let (tree, image) = (bench.tree(), bench.at("disc"));
    for options in [&["-R"][..], &["-R", "-J"], &["-R", "-hfsplus"]] {
        let _ = std::fs::remove_file(&image);
        bench.run("xorriso", &[&["-as", "mkisofs", "-quiet"], options, &["-o", text(&image), text(&tree)]].concat());
        bench.file_comes_back(&format!("ISO 9660 {options:?}"), "disc");
    }
}

#[test]
fn disks_of_virtual_machines() {
    if lacking(&["mke2fs", "qemu-img"]) {
        return;
    }
    let bench = Bench::new(Names::Any);
    let (tree, raw, image) = (bench.tree(), bench.at("raw"), bench.at("image"));
    bench.run("mke2fs", &["-q", "-t", "ext4", "-d", text(&tree), text(&raw), "16M"]);
    for options in [
        &["-O", "qcow2", "-c"][..],
        &["-O", "vmdk"],
        &["-O", "vmdk", "-o", "subformat=streamOptimized"],
        &["-O", "vdi"],
        &["-O", "vpc"],
        &["-O", "vhdx"],
    ] {
        bench.run("qemu-img", &[&["convert", "-f", "raw"], options, &[text(&raw), text(&image)]].concat());
        bench.file_comes_back(&format!("{options:?}"), "image");
    }
}
