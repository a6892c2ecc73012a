//! File systems of Linux and BSD for disks.

use std::fs;

use super::bench::{Bench, Names, lacking, text};

#[test]
fn erofs_file_systems() {
    if lacking(&["mkfs.erofs"]) {
        return;
    }
    let bench = Bench::new(Names::Any);
    let (tree, image) = (bench.tree(), bench.at("image"));
    for options in [&[][..], &["-zlz4hc"], &["-zlz4hc", "-C65536", "-Eztailpacking"], &["--chunksize=4096"]] {
        let arguments: Vec<&str> = options.iter().copied().chain([text(&image), text(&tree)]).collect();
        bench.run("mkfs.erofs", &arguments);
        bench.file_comes_back(&format!("EROFS {options:?}"), "image");
    }
}

#[test]
fn f2fs_file_systems() {
    if lacking(&["mkfs.f2fs", "sload.f2fs"]) {
        return;
    }
    let bench = Bench::new(Names::Any);
    let (tree, image) = (bench.tree(), bench.at("image"));
    fs::File::create(&image).unwrap().set_len(100 << 20).unwrap();
    bench.run("mkfs.f2fs", &["-q", "-f", text(&image)]);
    bench.run("sload.f2fs", &["-f", text(&tree), "-t", "/", text(&image)]);
    bench.file_comes_back("F2FS", "image");
}

#[test]
fn btrfs_file_systems() {
    if lacking(&["mkfs.btrfs"]) {
        return;
    }
    let bench = Bench::new(Names::Any);
    let (tree, image) = (bench.tree(), bench.at("image"));
    bench.run("mkfs.btrfs", &["-q", "--shrink", "-r", text(&tree), text(&image)]);
    bench.file_comes_back("btrfs", "image");
}

#[test]
fn bsd_file_systems() {
    if lacking(&["makefs"]) {
        return;
    }
    let bench = Bench::new(Names::Any);
    let (tree, image) = (bench.tree(), bench.at("image"));
    for (order, version) in [("le", "version=1"), ("be", "version=2")] {
        bench.run("makefs", &["-t", "ffs", "-s", "64m", "-f", "1000", "-B", order, "-o", version, text(&image), text(&tree)]);
        bench.file_comes_back(&format!("UFS {order} {version}"), "image");
    }
}

#[test]
fn android_sparse_images() {
    if lacking(&["mke2fs", "img2simg"]) {
        return;
    }
    let bench = Bench::new(Names::Any);
    let (tree, raw, image) = (bench.tree(), bench.at("raw"), bench.at("image"));
    bench.run("mke2fs", &["-q", "-t", "ext4", "-d", text(&tree), text(&raw), "16M"]);
    bench.run("img2simg", &[text(&raw), text(&image)]);
    bench.file_comes_back("ext4 in an Android sparse image", "image");
}
