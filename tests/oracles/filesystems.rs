//! Copies of partitions without their free blocks, and discs with two file systems beside each other.

use std::fs;

use super::bench::{Bench, Names, lacking, text};

#[test]
fn copies_of_partclone() {
    if lacking(&["mke2fs", "partclone.ext4", "mkfs.fat", "mcopy", "partclone.fat"]) {
        return;
    }
    let bench = Bench::new(Names::Plain);
    let (tree, raw, image) = (bench.tree(), bench.at("raw"), bench.at("image"));
    bench.run("mke2fs", &["-q", "-t", "ext4", "-d", text(&tree), text(&raw), "16M"]);
    bench.run("partclone.ext4", &["-c", "-F", "-s", text(&raw), "-o", text(&image)]);
    fs::remove_file(&raw).unwrap();
    bench.file_comes_back("ext4 by partclone", "image");
    fs::remove_file(&image).unwrap();
    fs::File::create(&raw).unwrap().set_len(40 << 20).unwrap();
    bench.run("mkfs.fat", &["-F", "32", text(&raw)]);
    bench.run("mcopy", &["-s", "-Q", "-i", text(&raw), text(&tree), "::/"]);
    bench.run("partclone.fat", &["-c", "-F", "-s", text(&raw), "-o", text(&image)]);
    bench.file_comes_back("FAT32 by partclone", "image");
}

#[test]
fn discs_with_udf_beside_iso_9660() {
    if lacking(&["genisoimage"]) {
        return;
    }
    let bench = Bench::new(Names::Plain);
    let (tree, image) = (bench.tree(), bench.at("disc"));
    bench.run("genisoimage", &["-quiet", "-udf", "-R", "-J", "-o", text(&image), text(&tree)]);
    bench.file_comes_back("UDF and ISO 9660", "disc");
}
