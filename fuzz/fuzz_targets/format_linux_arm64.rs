//! The reader of `linux-arm64`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| touchmark_fuzz::format("linux-arm64", bytes));
