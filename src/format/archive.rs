//! Files with names, in a row.

use super::Format;

mod ar;
mod cab;
mod chm;
mod cpio;
mod rpm;
mod sevenz;
mod tar;
mod wim;
mod zip;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] =
    &[&rpm::Rpm, &cab::Cab, &chm::Chm, &wim::Wim, &cpio::Cpio, &tar::Tar, &ar::Ar, &zip::Zip, &sevenz::SevenZ];
