//! The reader of `hisilicon-registers`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| touchmark_fuzz::format("hisilicon-registers", bytes));
