//! The reader of `lz4-legacy`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| touchmark_fuzz::format("lz4-legacy", bytes));
