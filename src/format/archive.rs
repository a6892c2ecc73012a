//! Files with names, in a row.

use super::Format;

mod android_backup;
mod apk;
mod ar;
mod arc;
mod arj;
mod cab;
mod cfb;
mod chm;
mod chrome_crx;
mod chrome_pak;
mod cpio;
mod electron_asar;
mod identified;
mod inno;
mod lha;
mod mar;
mod nsis;
mod pfs;
mod rar;
mod rpm;
mod sevenz;
mod shar;
mod tar;
mod wim;
mod xar;
pub(super) mod zip;
mod zoo;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] = &[
    &rpm::Rpm,
    &cab::Cab,
    &cfb::Cfb,
    &chm::Chm,
    &wim::Wim,
    &rar::Rar,
    &lha::Lha,
    &arj::Arj,
    &xar::Xar,
    &mar::Mar,
    &nsis::Nsis,
    &inno::InnoSetup,
    &inno::InnoChunk,
    &apk::Apk,
    &apk::AdbPacked,
    &android_backup::AndroidBackup,
    &chrome_crx::ChromeCrx,
    &chrome_pak::ChromePak,
    &electron_asar::ElectronAsar,
    &arc::Arc,
    &shar::Shar,
    &identified::ACE,
    &identified::ALZ,
    &identified::EGG,
    &identified::STUFFIT,
    &identified::PAR2,
    &identified::ZPAQ,
    &cpio::Cpio,
    &tar::Tar,
    &ar::Ar,
    &zip::Zip,
    &sevenz::SevenZ,
    &pfs::Pfs,
    &zoo::Zoo,
];
