//! Tables of partitions, and layers between flash and file systems.

use super::Format;

mod android_sparse;
mod android_super;
mod apple;
mod dmg;
mod gpt;
mod labels;
mod linux_swap;
mod luks;
mod lvm2;
pub(super) mod mbr;
mod md_raid;
mod partclone;
mod qcow2;
mod ubi;
mod uzip;
mod vdi;
mod vhd;
mod vhdx;
mod vmdk;
mod vmdk_descriptor;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] = &[
    &dmg::Dmg,
    &qcow2::Qcow2,
    &vmdk::Vmdk,
    &vmdk_descriptor::VmdkDescriptor,
    &vdi::Vdi,
    &vhdx::Vhdx,
    &vhd::Vhd,
    &uzip::Uzip,
    &partclone::Partclone,
    &labels::SGI,
    &labels::SUN,
    &labels::BSD,
    &gpt::Gpt,
    &apple::ApplePartitionMap,
    &android_sparse::AndroidSparse,
    &android_super::AndroidSuper,
    &lvm2::Lvm2,
    &luks::Luks,
    &md_raid::MdRaid,
    &linux_swap::LinuxSwap,
    &mbr::Mbr,
    &ubi::Ubi,
];
