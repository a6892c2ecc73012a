//! The reader of `jffs2`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| touchmark_fuzz::format("jffs2", bytes));
