//! The whole of it, on an image.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| touchmark_fuzz::inspect(bytes));
