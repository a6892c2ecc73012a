//! Images of one maker, or of few: headers, encryption, signatures around what the maker ships.

use super::Format;

mod alpha_encimg;
mod ami_bios_guard;
mod ami_ucp;
mod anjvision;
mod apple_image4;
mod apple_pbzx;
mod autel_ecc;
mod avm_eva;
mod bcm63xx_tag;
mod belkin_trx;
mod buffalo_enc;
mod cisco_mzip;
mod cybertan_bin;
mod dahua;
mod dell_pfs;
mod dell_pfs_section;
mod dji_imah;
mod dlink_deafbead;
mod dlink_encrpted_img;
mod dlink_fpkg;
mod dlink_mh01;
mod dlink_shrs;
mod dlink_tlv;
mod edimax_csys;
mod h3c_image;
mod hikvision;
mod hp_bdl;
mod hp_ipkg;
mod huawei_update;
mod hwnp;
mod instar_bneg;
mod instar_hd;
mod insyde_iflash;
mod inverted_cab;
mod iptime_nas;
mod jcg;
mod linksys_footer;
mod luxul_lxl;
mod matter_ota;
mod meraki;
mod mikrotik_npk;
mod milbeaut;
mod moxa_frm;
mod netgear_chk;
mod netgear_dni;
mod novatek_bcl;
mod packimg;
mod parrot_plf;
mod poray;
mod programstore;
mod qnap;
mod realtek_image;
mod reolink;
mod samsung_tzar;
mod seama;
mod senao;
mod sercomm;
mod sunplus;
mod tesla_sbfh;
mod tplink_rtos;
mod tplink_safeloader;
mod tplink_v1;
mod tplink_v2;
mod ubiquiti;
mod wrgg;
mod xiaomi_hdr;
mod zcomax;
mod zigbee_ota;
mod zte_config;
mod zte_image;
mod zynos;
mod zyxel_ras;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] = &[
    &hwnp::Hwnp,
    &huawei_update::HuaweiUpdate,
    &zte_image::ZTE_IMAGE,
    &zte_config::ZteConfig,
    &hikvision::Hikvision,
    &dahua::Dahua,
    &instar_hd::InstarHd,
    &instar_bneg::INSTAR_BNEG,
    &reolink::REOLINK,
    &anjvision::ANJVISION,
    &milbeaut::MILBEAUT,
    &sunplus::SUNPLUS,
    &novatek_bcl::NovatekBcl,
    &dji_imah::DJI_IMAH,
    &samsung_tzar::SAMSUNG_TZAR,
    &tesla_sbfh::TESLA_SBFH,
    &matter_ota::MATTER_OTA,
    &zigbee_ota::ZIGBEE_OTA,
    &tplink_v1::TPLINK_V1,
    &tplink_v2::TPLINK_V2,
    &tplink_safeloader::TPLINK_SAFELOADER,
    &tplink_rtos::TPLINK_RTOS,
    &netgear_chk::NETGEAR_CHK,
    &alpha_encimg::ALPHA_ENCIMG,
    &dlink_deafbead::DLINK_DEAFBEAD,
    &dlink_encrpted_img::DLINK_ENCRPTED_IMG,
    &dlink_fpkg::DLINK_FPKG,
    &dlink_mh01::DLINK_MH01,
    &dlink_shrs::DLINK_SHRS,
    &dlink_tlv::DLINK_TLV,
    &seama::SEAMA,
    &wrgg::WRGG,
    &buffalo_enc::BUFFALO_ENC,
    &senao::SENAO,
    &edimax_csys::EDIMAX_CSYS,
    &realtek_image::REALTEK_IMAGE,
    &zynos::ZYNOS,
    &zcomax::ZCOMAX,
    &luxul_lxl::LUXUL_LXL,
    &h3c_image::H3C_IMAGE,
    &moxa_frm::MOXA_FRM,
    &hp_bdl::HP_BDL,
    &hp_ipkg::HP_IPKG,
    &xiaomi_hdr::XIAOMI_HDR,
    &qnap::QNAP,
    &ubiquiti::UBIQUITI,
    &bcm63xx_tag::BCM63XX_TAG,
    &jcg::JCG,
    &netgear_dni::NETGEAR_DNI,
    &iptime_nas::IPTIME_NAS,
    &poray::PORAY,
    &cisco_mzip::CISCO_MZIP,
    &cybertan_bin::CYBERTAN_BIN,
    &linksys_footer::LINKSYS_FOOTER,
    &sercomm::SERCOMM,
    &mikrotik_npk::MikrotikNpk,
    &avm_eva::AVM_EVA,
    &meraki::MERAKI,
    &zyxel_ras::ZYXEL_RAS,
    &programstore::PROGRAMSTORE,
    &dell_pfs::DellPfs,
    &dell_pfs_section::DellPfsSection,
    &apple_image4::IMAGE,
    &apple_image4::PAYLOAD,
    &apple_pbzx::Pbzx,
    &inverted_cab::INVERTED_CAB,
    &ami_bios_guard::AmiBiosGuard,
    &ami_ucp::AmiUcp,
    &insyde_iflash::InsydeIflash,
    &belkin_trx::BELKIN_TRX,
    &packimg::PACKIMG,
    &autel_ecc::AUTEL_ECC,
    &parrot_plf::ParrotPlf,
];
