//! Firmware Image Package: how Trusted Firmware-A keeps the stages of a boot chain.

use std::fmt::Write as _;

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

static SPEC: Spec = Spec {
    id: "fip",
    name: "Firmware Image Package (Trusted Firmware-A)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(&[0x01, 0, 0x64, 0xaa])],
    leaf: false,
    references: &["https://trustedfirmware-a.readthedocs.io/en/latest/design/firmware-design.html#firmware-image-package-fip"],
    limitations: &["parts that a platform encrypts are handed over as they are"],
};

/// Firmware Image Package.
pub(in crate::format) static FIP: Header = Header { spec: &SPEC, read };

/// UUIDs of `firmware_image_package.h`, as they are stored, and what fiptool calls them.
const NAMES: [(u128, &str); 31] = [
    (0x6592_2703_2f74_e644_8dff_579a_c1ff_0610, "scp-fwu-cfg"),
    (0x60b3_eb37_c1e5_ea41_9df3_19ed_a11f_6801, "ap-fwu-cfg"),
    (0x4f51_1d11_2be5_4e49_b4c5_83c2_f715_840a, "fwu"),
    (0x7140_8ab2_18d6_874c_8b2e_c6dc_cd50_f096, "fwu-cert"),
    (0x5ff9_ec0b_4d22_3e4d_a544_c39d_81c7_3f0a, "tb-fw"),
    (0x9766_fd3d_89be_e849_ae5d_78a1_4060_8213, "scp-fw"),
    (0x47d4_086d_4cfe_9846_9b95_2950_cbbd_5a00, "soc-fw"),
    (0x05d0_e189_53dc_1347_8d2b_500a_4b7a_3e38, "tos-fw"),
    (0x0b70_c29b_2a5a_7840_9f65_0a56_8273_8288, "tos-fw-extra1"),
    (0x8ea8_7bb1_cfa2_3f4d_85fd_e7bb_a502_20d9, "tos-fw-extra2"),
    (0xd6d0_eea7_fcea_d54b_9782_9934_f234_b6e4, "nt-fw"),
    (0x862d_1d72_f860_e411_920b_8be7_6216_0f24, "rot-cert"),
    (0x827e_e890_f860_e411_a1b4_777a_21b4_f94c, "trusted-key-cert"),
    (0x1c67_873d_5f63_e411_978d_27c0_c714_8abd, "nt-world-key-cert"),
    (0x0242_21a1_f860_e411_8d9b_f33c_0e15_a014, "scp-fw-key-cert"),
    (0x8ab8_becc_f960_e411_9ad0_eb48_22d8_dcf8, "soc-fw-key-cert"),
    (0x9477_d603_fb60_e411_85dd_b710_5b8c_ee04, "tos-fw-key-cert"),
    (0x8ad5_832a_fb60_e411_8aaf_df30_bbc4_9859, "nt-fw-key-cert"),
    (0xd6e2_69ea_5d63_e411_8d8c_9fba_be99_56a5, "tb-fw-cert"),
    (0x44be_6f04_5e63_e411_b28b_73d8_eaae_9656, "scp-fw-cert"),
    (0xe2b2_0c20_5e63_e411_9ce8_abcc_f92b_b666, "soc-fw-cert"),
    (0xa49f_4411_5e63_e411_8728_3f05_722a_f33d, "tos-fw-cert"),
    (0x8ec4_c1f3_5d63_e411_a7a9_87ee_40b2_3fa7, "nt-fw-cert"),
    (0x776d_fd44_8697_4c3b_91eb_c13e_025a_2a6f, "sip-sp-cert"),
    (0xddcb_bf4a_cad6_11ea_87d0_0242_ac13_0003, "plat-sp-cert"),
    (0x08b8_f1d9_c9cf_9349_a962_6fbc_6b72_65cc, "hw-config"),
    (0x6c04_58ff_af6b_7d4f_82ed_aa27_bc69_bfd2, "tb-fw-config"),
    (0x9979_814b_0376_fb46_8c8e_8d26_7f78_59e0, "soc-fw-config"),
    (0x2625_7c1a_dbc6_7f47_8d96_c4c4_b024_8021, "tos-fw-config"),
    (0x28da_9815_93e8_7e44_ac66_1aaf_8015_50f9, "nt-fw-config"),
    (0x5807_e16a_8459_47be_8ed5_648e_8ddd_ab0e, "fw-config"),
];

/// More images than any package holds.
const MOST_IMAGES: u64 = 64;

/// The table of contents; all numbers little endian:
///
/// ```text
///  0 magic 0xaa640001   4 serial number, not 0   8 flags u64
/// 10 entries of 40 bytes: UUID[16], offset u64, size u64, flags u64; one without a UUID is the last, its offset the end of the package
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    if bytes.u32(4, Endian::Little)? == 0 {
        return Err(Rejected("serial number"));
    }
    let mut found = Image::default();
    let mut images = Vec::new();
    for index in 0..MOST_IMAGES {
        let entry = index.saturating_mul(40).saturating_add(16);
        let number = |at: u64| bytes.u64(entry.saturating_add(at), Endian::Little);
        let uuid = u128::from_be_bytes(bytes.array(entry)?);
        let image = Span::new(number(16)?, number(24)?);
        let end = entry.saturating_add(40);
        if uuid == 0 {
            found.length = found.length.max(image.start);
            if found.length < end || found.length > 1 << 30 || !images.iter().all(|image: &Span| image.start >= end) {
                return Err(Rejected("no images, or outside of the package"));
            }
            return Ok(found);
        }
        // The end is only known after the last entry: until then the farthest image is.
        found.length = found.length.max(image.end());
        found.part(name(uuid), image);
        images.push(image);
    }
    Err(Rejected("the table does not end"))
}

fn name(uuid: u128) -> String {
    if let Some((_, name)) = NAMES.iter().find(|(known, _)| *known == uuid) {
        return (*name).to_owned();
    }
    uuid.to_be_bytes().iter().enumerate().fold(String::new(), |mut text, (index, byte)| {
        let dash = if matches!(index, 4 | 6 | 8 | 10) { "-" } else { "" };
        let _ = write!(text, "{dash}{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::header::testing::opens;

    #[test]
    fn stages_have_names() {
        let image = include_bytes!("../../../fixtures/fip/fip.bin");
        let unpacked = opens(
            &FIP,
            image,
            &["tb-fw", "soc-fw", "tos-fw-extra1", "nt-fw", "hw-config", "tb-fw-cert", "12345678-9abc-def0-1234-56789abcdef0"],
        );
        assert!(unpacked.file("soc-fw").starts_with(b"\x7fELF"));
        assert_eq!(NAMES.iter().filter(|(_, name)| *name == "nt-fw").count(), 1);
    }
}
