//! What boot loaders read: parts with a header, and kernels.

use super::Format;

mod android_boot;
mod dtb;
mod esp;
mod fip;
mod fit;
mod linux;
mod trx;
mod uboot_env;
mod uimage;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] = &[
    &uimage::UImage,
    &trx::Trx,
    &fip::FIP,
    &fit::Fit,
    &dtb::Dtb,
    &android_boot::AndroidBoot,
    &uboot_env::UBootEnv,
    &esp::FLASH,
    &esp::IMAGE,
    &esp::TABLE,
    &linux::BzImage,
    &linux::ZImage,
    &linux::Arm64,
    &linux::IkConfig,
];
