//! Images of one maker, or of few: headers, encryption, signatures around what the maker ships.

use super::Format;

mod alpha_encimg;
mod ambarella_firmware;
mod ami_bios_guard;
mod ami_ucp;
mod anjvision;
mod apple_img4;
mod apple_pbzx;
mod autel_ecc;
mod avm_eva;
mod bcm63xx_tag;
mod belkin_trx;
mod bosch_fw;
mod buffalo_enc;
mod cisco_mzip;
mod cybertan_bin;
mod dahua;
mod dell_pfs;
mod dell_pfs_section;
mod dji_imah;
mod dlink_deafbead;
mod dlink_dlk;
mod dlink_dwl;
mod dlink_encrpted_img;
mod dlink_fpkg;
mod dlink_mh01;
mod dlink_shrs;
mod dlink_tlv;
mod draytek_2rhd;
mod edimax_csys;
mod garmin;
mod h3c_image;
mod hikvision;
mod hp_bdl;
mod hp_ipkg;
mod huawei_config;
mod huawei_update;
mod hwnp;
mod instar_bneg;
mod instar_hd;
mod insyde_iflash;
mod inverted_cab;
mod iptime_nas;
mod jcg;
mod lg_epk1;
mod lg_epk2;
mod linksys_footer;
mod luxul_lxl;
mod matter_ota;
mod maxlinear_uimage;
mod meraki;
mod mikrotik_npk;
mod milbeaut;
mod moxa_frm;
mod mstar_bin;
mod nec_aterm;
mod netgear_chk;
mod netgear_dni;
mod novatek_bcl;
mod openssl_salted;
mod packimg;
mod parrot_plf;
mod pjl;
mod poray;
mod programstore;
mod qnap;
mod radlan_ros;
mod realtek_image;
mod reolink;
mod samsung_tzar;
mod seama;
mod senao;
mod sercomm;
mod sunplus;
mod synology_pat;
mod tesla_sbfh;
mod tplink_dkmgt;
mod tplink_rtos;
mod tplink_safeloader;
mod tplink_v1;
mod tplink_v2;
mod ubiquiti;
mod wrgg;
mod xerox_dlm;
mod xiaomi_hdr;
mod zcomax;
mod zigbee_ota;
mod zte_config;
mod zte_image;
mod zynos;
mod zyxel_ras;
mod zyxel_zytrx;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] = &[
    &hwnp::Hwnp,
    &huawei_update::HuaweiUpdate,
    &zte_image::ZTE_IMAGE,
    &huawei_config::HUAWEI_CONFIG,
    &zte_config::ZteConfig,
    &hikvision::Hikvision,
    &dahua::Dahua,
    &bosch_fw::BOSCH_FW,
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
    &ambarella_firmware::AMBARELLA_FIRMWARE,
    &lg_epk1::LG_EPK1,
    &lg_epk2::LG_EPK2,
    &tplink_v1::TPLINK_V1,
    &tplink_v2::TPLINK_V2,
    &tplink_safeloader::TPLINK_SAFELOADER,
    &tplink_rtos::TPLINK_RTOS,
    &tplink_dkmgt::TPLINK_DKMGT,
    &netgear_chk::NETGEAR_CHK,
    &alpha_encimg::ALPHA_ENCIMG,
    &dlink_deafbead::DLINK_DEAFBEAD,
    &dlink_encrpted_img::DLINK_ENCRPTED_IMG,
    &dlink_fpkg::DLINK_FPKG,
    &dlink_mh01::DLINK_MH01,
    &dlink_dwl::DLINK_DWL,
    &dlink_dlk::DLINK_DLK,
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
    &pjl::PJL,
    &xerox_dlm::XEROX_DLM,
    &xiaomi_hdr::XIAOMI_HDR,
    &qnap::QNAP,
    &synology_pat::SynologyPat,
    &ubiquiti::UBIQUITI,
    &bcm63xx_tag::BCM63XX_TAG,
    &jcg::JCG,
    &netgear_dni::NETGEAR_DNI,
    &iptime_nas::IPTIME_NAS,
    &poray::PORAY,
    &cisco_mzip::CISCO_MZIP,
    &radlan_ros::RADLAN_ROS,
    &draytek_2rhd::DRAYTEK_2RHD,
    &cybertan_bin::CYBERTAN_BIN,
    &linksys_footer::LINKSYS_FOOTER,
    &sercomm::SERCOMM,
    &mikrotik_npk::MikrotikNpk,
    &avm_eva::AVM_EVA,
    &meraki::MERAKI,
    &zyxel_ras::ZYXEL_RAS,
    &zyxel_zytrx::ZYXEL_ZYTRX,
    &programstore::PROGRAMSTORE,
    &dell_pfs::DellPfs,
    &dell_pfs_section::DellPfsSection,
    &apple_pbzx::Pbzx,
    &inverted_cab::INVERTED_CAB,
    &ami_bios_guard::AmiBiosGuard,
    &ami_ucp::AmiUcp,
    &insyde_iflash::InsydeIflash,
    &belkin_trx::BELKIN_TRX,
    &packimg::PACKIMG,
    &nec_aterm::NEC_ATERM,
    &autel_ecc::AUTEL_ECC,
    &maxlinear_uimage::MAXLINEAR_UIMAGE,
    &garmin::GARMIN_GCD,
    &garmin::GARMIN_RGN,
    &openssl_salted::OPENSSL_SALTED,
    &mstar_bin::MSTAR_BIN,
    &parrot_plf::ParrotPlf,
    &apple_img4::APPLE_IMG4,
    &apple_img4::APPLE_IM4P,
    &apple_img4::APPLE_IMG3,
    &apple_img4::APPLE_LZSS,
];
