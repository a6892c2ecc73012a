//! Files with names, in folders.

use super::Format;

mod apfs;
mod btrfs;
mod cramfs;
mod dlink_romfs;
mod erofs;
mod exfat;
mod ext;
mod ext_journal;
mod f2fs;
pub(super) mod fat;
mod flat;
mod hfsplus;
pub(super) mod iso9660;
mod jffs2;
mod littlefs;
mod minifs;
mod minix;
mod ntfs;
mod qnx4;
mod qnx6;
mod qnx_ifs;
mod recognized;
mod romfs;
mod spiffs;
mod squashfs;
mod ubifs;
mod udf;
mod ufs;
mod xfs;
pub(super) mod yaffs;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] = &[
    &squashfs::Squashfs,
    &cramfs::Cramfs,
    &romfs::Romfs,
    &dlink_romfs::DlinkRomfs,
    &jffs2::Jffs2,
    &ubifs::Ubifs,
    &iso9660::Iso9660,
    &exfat::ExFat,
    &ntfs::Ntfs,
    &littlefs::LittleFs,
    &qnx_ifs::QnxIfs,
    &qnx6::Qnx6,
    &qnx4::Qnx4,
    &recognized::REISERFS,
    &recognized::JFS,
    &recognized::NILFS2,
    &recognized::LOGFS,
    &apfs::Apfs,
    &minifs::Minifs,
    &flat::MEMFS,
    &flat::AMBARELLA,
    &yaffs::Yaffs,
    &ext::Ext,
    &erofs::Erofs,
    &f2fs::F2fs,
    &btrfs::Btrfs,
    &xfs::Xfs,
    &ufs::Ufs,
    &ext_journal::ExtJournal,
    &minix::Minix,
    &fat::Fat,
    &hfsplus::HfsPlus,
    &hfsplus::Hfs,
    &spiffs::Spiffs,
    &udf::Udf,
];
