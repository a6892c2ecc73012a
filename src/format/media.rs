//! Pictures, sound, fonts, documents, tables: recognized, so that nobody wonders what their bytes are.

use super::Format;

mod bmp;
mod gettext_mo;
mod gif;
mod jpeg;
mod mp3;
mod ogg;
mod pcap;
mod pdf;
mod png;
mod riff;
mod sfnt;
mod sqlite;
mod terminfo;
mod tzif;
mod woff;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] = &[
    &png::PNG,
    &sqlite::SQLITE,
    &gif::GIF,
    &jpeg::JPEG,
    &ogg::OGG,
    &riff::RIFF,
    &pcap::PCAP,
    &pdf::PDF,
    &woff::WOFF,
    &sfnt::SFNT,
    &tzif::TZIF,
    &gettext_mo::GETTEXT_MO,
    &mp3::MP3,
    &terminfo::TERMINFO,
    &bmp::BMP,
];
