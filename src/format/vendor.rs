//! Images of one maker, or of few: headers, encryption, signatures around what the maker ships.

use super::Format;

mod hwnp;
mod netgear_chk;
mod tplink_rtos;
mod tplink_safeloader;
mod tplink_v1;
mod tplink_v2;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] = &[
    &hwnp::Hwnp,
    &tplink_v1::TPLINK_V1,
    &tplink_v2::TPLINK_V2,
    &tplink_safeloader::TPLINK_SAFELOADER,
    &tplink_rtos::TPLINK_RTOS,
    &netgear_chk::NETGEAR_CHK,
];
