//! What boot loaders read: parts with a header, and kernels.

use super::Format;

mod android;
mod android_boot;
mod bcm63xx_nvram;
mod dtb;
mod esp;
mod fip;
mod fit;
mod linux;
mod qnx_startup;
mod soc;
mod trx;
mod uboot_env;
mod uimage;
mod update;
mod vxworks;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] = &[
    &uimage::UImage,
    &trx::Trx,
    &fit::Fit,
    &dtb::Dtb,
    &android_boot::AndroidBoot,
    &qnx_startup::QnxStartup,
    &linux::BzImage,
    &linux::ZImage,
    &linux::Arm64,
    &linux::IkConfig,
    &fip::FIP,
    &android::VBMETA,
    &android::FOOTER,
    &android::DTBO,
    &android::QCDT,
    &android::FBPK,
    &android::BOOTLDR,
    &android::META,
    &android::FUGU,
    &android::IMGDATA,
    &android::Payload,
    &update::Rauc,
    &update::MCUBOOT,
    &update::DFUSE,
    &update::DfuSuffix,
    &update::B000ff,
    &update::RBL,
    &update::JBOOT_ARM,
    &update::JBOOT_STAG,
    &update::JBOOT_SCH2,
    &update::PAC,
    &update::DHTB,
    &update::FWTOOL,
    &update::NORDIC_INIT,
    &uboot_env::UBootEnv,
    &bcm63xx_nvram::BCM63XX_NVRAM,
    &soc::RKFW,
    &soc::RKAF,
    &soc::RK_LOADER,
    &soc::RK_IDBLOCK,
    &soc::RK_STAGE,
    &soc::RK_TRUST,
    &soc::RK_RESOURCE,
    &soc::RK_CRC,
    &soc::IMAGEWTY,
    &soc::EGON,
    &soc::TOC0,
    &soc::TOC1,
    &soc::AML_PACKAGE,
    &soc::AML_RESOURCE,
    &soc::AML_BOOT,
    &soc::HISILICON_BOOT,
    &soc::HISILICON_TABLE,
    &soc::SBL,
    &soc::MBN,
    &soc::MTK_BOOT,
    &soc::MTK_GFH,
    &soc::MTK_PART,
    &soc::IMX,
    &soc::IMX_FIRST,
    &soc::SbStream,
    &soc::Pbl,
    &soc::GBL,
    &soc::AIS,
    &soc::BOOTGEN,
    &soc::OMAP,
    &soc::SOCFPGA,
    &soc::STM32,
    &soc::INGENIC_SPL,
    &soc::WINNER,
    &soc::AMEBA,
    &soc::KWBIMAGE,
    &esp::FLASH,
    &esp::IMAGE,
    &esp::TABLE,
    &linux::ZBOOT,
    &vxworks::SymbolTable,
    &soc::IMX8,
    &linux::RiscV,
    &android::NB0,
];
