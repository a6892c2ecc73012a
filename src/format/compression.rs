//! One thing, made smaller.

use super::Format;

mod bzip2;
mod gzip;
mod lz4;
mod lz4_legacy;
mod lzma;
mod lzop;
mod xz;
mod zlib;
mod zstd;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] =
    &[&xz::Xz, &bzip2::Bzip2, &lzop::Lzop, &zstd::Zstd, &lz4::Lz4, &lz4_legacy::Lz4Legacy, &gzip::Gzip, &lzma::Lzma, &zlib::Zlib];
