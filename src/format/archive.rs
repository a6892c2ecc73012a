//! Files with names, in a row.

use super::Format;

mod ar;
mod cpio;
mod sevenz;
mod tar;
pub(super) mod zip;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] = &[&cpio::Cpio, &tar::Tar, &ar::Ar, &zip::Zip, &sevenz::SevenZ];
