//! A disk, and what QEMU makes of it, for the formats of virtual machines.

use super::{tool, tree};

/// A disk with bytes at its start, holes, bytes that compress and bytes at its end.
pub(crate) fn raw() -> Vec<u8> {
    let mut disk = vec![0; 3 << 20];
    disk[..70_000].copy_from_slice(&tree::noise(70_000));
    disk[1 << 20..(1 << 20) + 300_000].copy_from_slice(&tree::code(300_000));
    disk[(2 << 20) + 1000..(2 << 20) + 5000].copy_from_slice(&tree::code(4000));
    disk
}

/// What `qemu-img convert` with these options makes of the disk.
pub(crate) fn converted(options: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("raw"), folder.path().join("image"));
    std::fs::write(&from, raw()).unwrap();
    tool(std::process::Command::new("qemu-img").args(["convert", "-f", "raw"]).args(options).arg(&from).arg(&to));
    std::fs::read(to).unwrap()
}
