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
    &dex::DEX,
    &wasm::WASM,
    &mach_o_fat::MachOFat,
    &mach_o::MACH,
    &bflt_gzip::BfltGzip,
    &bflt::BFLT,
    &java_class::JAVA,
    &llvm_bitcode::LLVM,
    &lua_bytecode::LUA,
    &python_bytecode::PYTHON,
    &te::Te,
];
