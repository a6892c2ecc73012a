//! Files with names, in folders.

use super::Format;

mod btrfs;
mod cramfs;
pub(super) mod crc;
mod erofs;
mod ext;
mod f2fs;
pub(super) mod fat;
mod inodes;
mod jffs2;
mod minix;
mod pointers;
mod romfs;
mod squashfs;
mod ubifs;
mod ufs;
mod xfs;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] = &[
    &squashfs::Squashfs,
    &cramfs::Cramfs,
    &romfs::Romfs,
    &jffs2::Jffs2,
    &ubifs::Ubifs,
    &erofs::Erofs,
    &f2fs::F2fs,
    &btrfs::Btrfs,
    &xfs::Xfs,
    &ext::Ext,
    &minix::Minix,
    &fat::Fat,
];
