//! Certificates and keys.

use super::Format;

mod der;
mod dpapi_blob;
pub(crate) mod openpgp;
mod pem;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] = &[&pem::Pem, &der::Der, &dpapi_blob::DPAPI_BLOB, &openpgp::OPENPGP];
