//! Files with names, in a row.

use super::Format;

mod ar;
mod cpio;
mod rpm;
mod sevenz;
mod tar;
mod zip;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] = &[&rpm::Rpm, &cpio::Cpio, &tar::Tar, &ar::Ar, &zip::Zip, &sevenz::SevenZ];
