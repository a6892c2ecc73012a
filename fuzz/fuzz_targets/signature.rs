//! The database, on the text of a component, a supplier or a list.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| touchmark_fuzz::signature(bytes));
