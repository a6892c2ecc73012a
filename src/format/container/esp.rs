//! What Espressif's chips boot from: images of programs, and flash with a table of partitions.

mod flash;
mod image;
mod table;

pub(super) use flash::FLASH;
pub(super) use image::IMAGE;
pub(super) use table::TABLE;
