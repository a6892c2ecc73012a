//! The reader of `android-boot`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| touchmark_fuzz::format("android-boot", bytes));
