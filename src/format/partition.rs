//! Tables of partitions, and layers between flash and file systems.

use super::Format;

mod apple;
mod dmg;
mod gpt;
pub(super) mod mbr;
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
    &gpt::Gpt,
    &apple::ApplePartitionMap,
    &mbr::Mbr,
    &ubi::Ubi,
];
