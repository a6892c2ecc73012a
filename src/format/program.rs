//! Machine code with a header.

use super::Format;

mod bflt;
mod bflt_gzip;
mod dex;
mod elf;
mod java_class;
mod llvm_bitcode;
mod lua_bytecode;
mod mach_o;
mod mach_o_fat;
mod odex;
mod pe;
mod python_bytecode;
mod te;
mod upx;
mod wasm;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] = &[
    &upx::Upx,
    &elf::Elf,
    &pe::Pe,
    &odex::ODEX,
    &dex::DEX,
    &wasm::WASM,
    &mach_o_fat::MachOFat,
    &mach_o::MACH_O,
    &bflt_gzip::BfltGzip,
    &bflt::BFLT,
    &java_class::JAVA_CLASS,
    &llvm_bitcode::LLVM_BITCODE,
    &lua_bytecode::LUA_BYTECODE,
    &python_bytecode::PYTHON_BYTECODE,
    &te::Te,
];
