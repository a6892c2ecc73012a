//! Images of one maker, or of few: headers, encryption, signatures around what the maker ships.

use super::Format;

mod hwnp;
mod parrot_plf;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] = &[&hwnp::Hwnp, &parrot_plf::ParrotPlf];
