//! The analyzer `kernel_module`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| touchmark_fuzz::analyzer("kernel_module", bytes));
