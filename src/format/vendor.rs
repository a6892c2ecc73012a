//! Images of one maker, or of few: headers, encryption, signatures around what the maker ships.

use super::Format;

mod ami_bios_guard;
mod ami_ucp;
mod dell_pfs;
mod dell_pfs_section;
mod hwnp;
mod insyde_iflash;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] = &[
    &hwnp::Hwnp,
    &dell_pfs::DellPfs,
    &dell_pfs_section::DellPfsSection,
    &ami_bios_guard::AmiBiosGuard,
    &ami_ucp::AmiUcp,
    &insyde_iflash::InsydeIflash,
];
