//! The reader of `nordic-dfu-init`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| touchmark_fuzz::format("nordic-dfu-init", bytes));
