//! Machine code with a header.

use super::Format;

mod elf;
mod pe;
mod te;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] = &[&elf::Elf, &pe::Pe, &te::Te];
