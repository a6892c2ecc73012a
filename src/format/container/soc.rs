//! What the boot ROMs and flashing tools of chip makers read.

mod ahab;
mod ais;
mod allwinner;
mod amlogic;
mod amlogic_boot;
mod hisilicon;
mod imx_first;
mod ingenic;
mod marvell;
mod mediatek;
mod nxp;
mod pbl;
mod qualcomm;
mod rockchip;
mod sb_stream;
mod silabs;
mod small;
mod wireless;
mod xilinx;

pub(super) use ahab::CONTAINERS as IMX8;
pub(super) use ais::AIS;
pub(super) use allwinner::{EGON, IMAGEWTY, TOC0, TOC1};
pub(super) use amlogic::{PACKAGE as AML_PACKAGE, RESOURCE as AML_RESOURCE};
pub(super) use amlogic_boot::BOOT as AML_BOOT;
pub(super) use hisilicon::{BOOT as HISILICON_BOOT, TABLE as HISILICON_TABLE};
pub(super) use imx_first::IMX_FIRST;
pub(super) use ingenic::SPL as INGENIC_SPL;
pub(super) use marvell::KWBIMAGE;
pub(super) use mediatek::{BOOT as MTK_BOOT, GFH as MTK_GFH, PART as MTK_PART};
pub(super) use nxp::IMX;
pub(super) use pbl::Pbl;
pub(super) use qualcomm::{MBN, SBL};
pub(super) use rockchip::{
    CRC as RK_CRC, IDBLOCK as RK_IDBLOCK, LOADER as RK_LOADER, RESOURCE as RK_RESOURCE, RKAF, RKFW, STAGE as RK_STAGE, TRUST as RK_TRUST,
};
pub(super) use sb_stream::SbStream;
pub(super) use silabs::GBL;
pub(super) use small::{OMAP, SOCFPGA, STM32};
pub(super) use wireless::{AMEBA, WINNER};
pub(super) use xilinx::BOOTGEN;

use crate::blob::{Bytes, Endian};

/// The sum of all words, little endian, without the ones cut off.
fn word_sum(bytes: &[u8]) -> u32 {
    let words = Bytes(bytes);
    (0..words.len() / 4).fold(0, |sum, index| sum.wrapping_add(words.u32(index.saturating_mul(4), Endian::Little).unwrap_or(0)))
}
