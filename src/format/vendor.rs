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
pub(super) static FORMATS: &[&dyn Format] = &[&hwnp::Hwnp, &huawei_update::HuaweiUpdate, &zte_image::ZteImage, &zte_config::ZteConfig, &hikvision::Hikvision, &dahua::Dahua, &instar_hd::InstarHd, &instar_bneg::InstarBneg, &reolink::Reolink, &anjvision::Anjvision, &milbeaut::Milbeaut, &sunplus::Sunplus, &novatek_bcl::NovatekBcl, &dji_imah::DjiImah, &samsung_tzar::SamsungTzar, &tesla_sbfh::TeslaSbfh, &matter_ota::MatterOta, &zigbee_ota::ZigbeeOta, &tplink_v1::TPLINK_V1, &tplink_v2::TPLINK_V2, &tplink_safeloader::TPLINK_SAFELOADER, &tplink_rtos::TPLINK_RTOS, &netgear_chk::NETGEAR_CHK, &alpha_encimg::ALPHA_ENCIMG, &dlink_deafbead::DLINK_DEAFBEAD, &dlink_encrpted_img::DLINK_ENCRPTED_IMG, &dlink_fpkg::DLINK_FPKG, &dlink_mh01::DLINK_MH01, &dlink_shrs::DLINK_SHRS, &dlink_tlv::DLINK_TLV, &seama::SEAMA, &wrgg::WRGG, &buffalo_enc::BUFFALO_ENC, &senao::SENAO, &edimax_csys::EDIMAX_CSYS, &realtek_image::REALTEK_IMAGE, &zynos::ZYNOS, &zcomax::ZCOMAX, &luxul_lxl::LUXUL_LXL, &h3c_image::H3C_IMAGE, &moxa_frm::MOXA_FRM, &hp_bdl::HP_BDL, &hp_ipkg::HP_IPKG, &xiaomi_hdr::XIAOMI_HDR, &qnap::QNAP, &ubiquiti::UBIQUITI, &bcm63xx_tag::BCM63XX_TAG, &jcg::JCG, &netgear_dni::NETGEAR_DNI, &iptime_nas::IPTIME_NAS, &poray::PORAY, &cisco_mzip::CISCO_MZIP, &cybertan_bin::CYBERTAN_BIN, &linksys_footer::LINKSYS_FOOTER, &sercomm::SERCOMM, &mikrotik_npk::MikrotikNpk, &avm_eva::AVM_EVA, &meraki::MERAKI, &zyxel_ras::ZYXEL_RAS, &programstore::PROGRAMSTORE];
