//! Files with names, in folders.

use super::Format;

mod cramfs;
mod exfat;
mod ext;
pub(super) mod fat;
pub(super) mod iso9660;
mod jffs2;
mod ntfs;
mod romfs;
mod squashfs;
mod ubifs;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] =
    &[&squashfs::Squashfs, &cramfs::Cramfs, &romfs::Romfs, &jffs2::Jffs2, &ubifs::Ubifs, &iso9660::Iso9660, &ext::Ext, &fat::Fat];
