//! The analyzer `signatures`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| touchmark_fuzz::analyzer("signatures", bytes));
