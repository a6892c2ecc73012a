//! The reader of `linux-bzimage`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| touchmark_fuzz::format("linux-bzimage", bytes));
