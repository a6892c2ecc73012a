//! Keys of LG's television sets that are public, in the order of their publication.

#[rustfmt::skip]
const KEYS: [u128; 38] = [
    0x1f1e_1d1c_1b1a_1918_0706_0504_0302_0100, 0x4f83_6aae_b430_1f26_172a_9b0e_1120_eaf4,
    0x2f2e_2d2c_2b2a_2928_1716_1514_1312_1110, 0x214b_f3c1_2954_7af3_1d32_a5ec_b474_2192,
    0x19f5_1ee9_b949_c89e_41ae_136f_48bb_405c, 0x6856_a048_2475_a8b4_1728_a354_7481_0203,
    0x212d_3b2a_5c2d_3a2c_4d5b_234b_1a32_1d2a, 0x4ee6_62c7_a2c0_917f_7328_de73_a083_6c6b,
    0x7184_c9c4_28d0_3c44_5188_234d_5a82_7196, 0x385a_9924_3019_6a8c_44f1_9858_23c0_1440,
    0x4813_b5b6_3c99_8a28_74ef_3320_684a_c8d9, 0x14b3_6234_8821_2250_c7c9_92aa_cd53_7447,
    0x12c3_44fd_d287_1c98_3cd0_fbbc_2514_3974, 0x2f53_4abe_3480_1a36_b7da_6b3e_b1c0_4ad4,
    0x7b2c_a594_3d2e_752c_f586_0622_8c5b_2dad, 0xd2e6_ee17_639d_fe2f_81d3_840f_a0bc_334a,
    0x8872_3d91_9207_12d0_bafe_87a2_5e6e_8ec7, 0x68a2_84b4_953c_ad15_024b_ed2c_4f85_2a09,
    0x34cc_219d_3afc_1024_3310_9bbc_1da4_4095, 0x5a16_7d8c_342e_f094_800e_7cfa_2d10_f2d0,
    0x5804_df78_cb8d_c6a7_1c05_dab0_f1ed_e3e1, 0x3c9d_30df_3a95_c1aa_4192_8813_292b_d947,
    0xadb9_2d9e_2303_5522_f470_8cc2_59b3_1ea2, 0xc2fb_bc5d_dd9d_366b_7fd6_caeb_90f8_6039,
    0x1c96_6dfa_0e5a_e994_6aaf_8d2e_c06b_9e18, 0x3679_ef18_40b7_fdeb_c1fb_f95a_0caf_ce3e,
    0x437c_02f0_df99_f207_2d1a_64ee_bbd2_953b, 0x1b3c_76ad_d3f5_ee6b_089d_b253_747a_8cd4,
    0x3fe1_cbe1_1bd6_58bb_3781_3e05_052d_5fe5, 0x4acd_2ca8_425b_ba6c_49fd_03a1_7430_0239,
    0x6fcc_c4aa_3389_b614_babe_4624_98d2_020a, 0x8e32_e460_8871_ece9_b630_1999_d515_5a07,
    0xad17_a592_3b52_5fd2_1db7_65a5_b682_2fbd, 0xf8f6_bd1a_a245_06c2_759e_1be1_d51b_b43c,
    0x96f4_64cb_29cd_ff54_41fd_87d4_7d08_4ff8, 0xe529_bcde_df8e_4966_7c0f_a3a8_1174_b65e,
    0x4f6d_e80c_0362_fd56_2464_bc20_73d1_5567, 0x3471_d9bf_c5f4_b34a_8997_d569_32f3_4d94,
];

/// All keys.
pub(super) fn all() -> impl Iterator<Item = [u8; 16]> {
    KEYS.into_iter().map(u128::to_be_bytes)
}
