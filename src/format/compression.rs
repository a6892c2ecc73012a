//! One thing, made smaller.

use super::Format;

mod arcadyan;
mod bzip2;
mod compress;
mod gzip;
mod lz4;
mod lz4_legacy;
mod lzfse;
mod lzip;
mod lzma;
mod lzop;
mod qca_lzma;
mod qnx_deflate;
mod snappy;
mod szdd;
mod xalz;
mod xz;
mod zlib;
mod zstd;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] = &[
    &xz::Xz,
    &bzip2::Bzip2,
    &lzop::Lzop,
    &zstd::Zstd,
    &lz4::Lz4,
    &lz4_legacy::Lz4Legacy,
    &lzip::LZIP,
    &snappy::SNAPPY,
    &qnx_deflate::QnxDeflate,
    &qca_lzma::QcaLzma,
    &szdd::Szdd,
    &xalz::Xalz,
    &lzfse::LZFSE,
    &arcadyan::Arcadyan,
    &gzip::Gzip,
    &compress::COMPRESS,
    &lzma::Lzma,
    &zlib::Zlib,
];
