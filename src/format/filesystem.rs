//! Files with names, in folders.

use super::Format;

mod btrfs;
mod cramfs;
mod erofs;
mod ext;
mod ext_journal;
mod f2fs;
pub(super) mod fat;
mod jffs2;
mod minix;
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
    &ufs::Ufs,
    &ext::Ext,
    &ext_journal::ExtJournal,
    &minix::Minix,
    &fat::Fat,
];
