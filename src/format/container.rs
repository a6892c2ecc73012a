//! What boot loaders read: parts with a header, and kernels.

use super::Format;

mod android_boot;
mod dtb;
mod fit;
mod linux;
mod qnx_startup;
mod trx;
mod uimage;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] = &[&uimage::UImage, &trx::Trx, &fit::Fit, &dtb::Dtb, &android_boot::AndroidBoot, &qnx_startup::QnxStartup, &linux::BzImage, &linux::ZImage, &linux::Arm64, &linux::IkConfig];
