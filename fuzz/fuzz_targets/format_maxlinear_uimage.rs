//! The reader of `trx`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| touchmark_fuzz::format("maxlinear-uimage", bytes));
