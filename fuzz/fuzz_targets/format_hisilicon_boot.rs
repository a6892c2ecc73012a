//! The reader of `hisilicon-boot`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| touchmark_fuzz::format("hisilicon-boot", bytes));
