//! Files with names, in folders.

use super::Format;

mod cramfs;
mod exfat;
mod ext;
pub(super) mod fat;
mod hfsplus;
pub(super) mod iso9660;
mod jffs2;
mod littlefs;
mod ntfs;
mod qnx_ifs;
mod recognized;
mod romfs;
mod squashfs;
mod ubifs;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] = &[
    &squashfs::Squashfs,
    &cramfs::Cramfs,
    &romfs::Romfs,
    &jffs2::Jffs2,
    &ubifs::Ubifs,
    &iso9660::Iso9660,
    &hfsplus::HfsPlus,
    &exfat::ExFat,
    &ntfs::Ntfs,
    &littlefs::LittleFs,
    &qnx_ifs::QnxIfs,
    &recognized::REISERFS,
    &recognized::JFS,
    &recognized::NILFS2,
    &recognized::APFS,
    &recognized::UDF,
    &ext::Ext,
    &fat::Fat,
];
