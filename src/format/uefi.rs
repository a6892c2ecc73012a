//! The firmware of PCs: flash chips of Intel and AMD platforms, UEFI volumes and what is in them, coreboot.

use super::Format;

mod acpi_table;
mod amd_flash;
mod amd_microcode;
mod amd_psp_directory;
mod amd_psp_program;
mod apple_fsys;
mod cbfs;
mod efi_signature_list;
mod fmap;
mod fmap_flash;
mod intel_bpdt;
mod intel_cpd;
mod intel_fit;
mod intel_flash_descriptor;
mod intel_gbe;
mod intel_manifest;
mod intel_me;
mod intel_microcode;
mod pci_option_rom;
mod phoenix_evsa;
mod phoenix_flash_map;
mod uefi_capsule;
mod uefi_file;
mod uefi_ftw;
mod uefi_nvar;
mod uefi_variables;
mod uefi_volume;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] = &[
    &uefi_capsule::Capsule,
    &intel_flash_descriptor::FlashDescriptor,
    &fmap_flash::FMAP_FLASH,
    &amd_flash::AMD_FLASH,
    &intel_me::ManagementEngine,
    &intel_bpdt::BPDT,
    &intel_cpd::CodePartition,
    &intel_manifest::Manifest,
    &uefi_volume::Volume,
    &uefi_variables::Variables,
    &uefi_ftw::FTW,
    &phoenix_evsa::EVSA,
    &phoenix_flash_map::FlashMap,
    &apple_fsys::FSYS,
    &efi_signature_list::SignatureList,
    &uefi_nvar::Nvar,
    &cbfs::Cbfs,
    &fmap::Fmap,
    &intel_fit::InterfaceTable,
    &amd_psp_program::PspProgram,
    &amd_psp_directory::PspDirectory,
    &amd_microcode::AmdMicrocode,
    &pci_option_rom::OptionRom,
    &acpi_table::AcpiTable,
    &uefi_file::File,
    &intel_microcode::IntelMicrocode,
    &intel_gbe::Gbe,
];
