//! The reader of `bzip2`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| touchmark_fuzz::format("bzip2", bytes));
