//! Tables of partitions, and layers between flash and file systems.

use super::Format;

mod gpt;
pub(super) mod mbr;
mod ubi;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] = &[&gpt::Gpt, &mbr::Mbr, &ubi::Ubi];
