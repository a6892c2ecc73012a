//! Images of one maker, or of few: headers, encryption, signatures around what the maker ships.

use super::Format;

mod anjvision;
mod dahua;
mod dji_imah;
mod hikvision;
mod huawei_update;
mod hwnp;
mod instar_bneg;
mod instar_hd;
mod matter_ota;
mod milbeaut;
mod novatek_bcl;
mod reolink;
mod samsung_tzar;
mod sunplus;
mod tesla_sbfh;
mod zigbee_ota;
mod zte_config;
mod zte_image;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] = &[&hwnp::Hwnp, &huawei_update::HuaweiUpdate, &zte_image::ZteImage, &zte_config::ZteConfig, &hikvision::Hikvision, &dahua::Dahua, &instar_hd::InstarHd, &instar_bneg::InstarBneg, &reolink::Reolink, &anjvision::Anjvision, &milbeaut::Milbeaut, &sunplus::Sunplus, &novatek_bcl::NovatekBcl, &dji_imah::DjiImah, &samsung_tzar::SamsungTzar, &tesla_sbfh::TeslaSbfh, &matter_ota::MatterOta, &zigbee_ota::ZigbeeOta];
