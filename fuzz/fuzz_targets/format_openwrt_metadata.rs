//! The reader of `openwrt-metadata`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| touchmark_fuzz::format("openwrt-metadata", bytes));
