//! Images of one maker, or of few: headers, encryption, signatures around what the maker ships.

use super::Format;

mod hwnp;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] = &[&hwnp::Hwnp];
