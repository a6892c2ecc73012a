//! The reader of `amlogic-boot`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| touchmark_fuzz::format("amlogic-boot", bytes));
