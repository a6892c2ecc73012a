//! What devices are updated with: images with a header, a trailer or a signature.

mod b000ff;
mod dfu;
mod fwtool;
mod jboot;
mod mcuboot;
mod nordic;
mod rauc;
mod rbl;
mod unisoc;

pub(super) use b000ff::B000ff;
pub(super) use dfu::{DFUSE, DfuSuffix};
pub(super) use fwtool::METADATA as FWTOOL;
pub(super) use jboot::{ARM as JBOOT_ARM, SCH2 as JBOOT_SCH2, STAG as JBOOT_STAG};
pub(super) use mcuboot::MCUBOOT;
pub(super) use nordic::INIT as NORDIC_INIT;
pub(super) use rauc::Rauc;
pub(super) use rbl::RBL;
pub(super) use unisoc::{DHTB, PAC};
