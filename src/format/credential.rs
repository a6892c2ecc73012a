//! Certificates and keys.

use super::Format;

mod der;
mod pem;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] = &[&pem::Pem, &der::Der];
