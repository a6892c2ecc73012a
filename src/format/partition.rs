//! Tables of partitions, and layers between flash and file systems.

use super::Format;

mod android_sparse;
mod android_super;
mod gpt;
mod linux_swap;
mod luks;
mod lvm2;
mod mbr;
mod md_raid;
mod ubi;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] = &[
    &android_sparse::AndroidSparse,
    &android_super::AndroidSuper,
    &lvm2::Lvm2,
    &luks::Luks,
    &md_raid::MdRaid,
    &linux_swap::LinuxSwap,
    &gpt::Gpt,
    &mbr::Mbr,
    &ubi::Ubi,
];
