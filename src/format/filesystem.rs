//! Files with names, in folders.

use super::Format;

mod cramfs;
mod ext;
pub(super) mod fat;
mod flat;
mod jffs2;
mod minifs;
mod romfs;
mod squashfs;
mod ubifs;
pub(super) mod yaffs;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] = &[
    &squashfs::Squashfs,
    &cramfs::Cramfs,
    &romfs::Romfs,
    &jffs2::Jffs2,
    &ubifs::Ubifs,
    &minifs::Minifs,
    &flat::MEMFS,
    &flat::AMBARELLA,
    &yaffs::Yaffs,
    &ext::Ext,
    &fat::Fat,
];
