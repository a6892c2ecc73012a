//! Bytes written in another way: as text, in blocks, in another order.

use super::Format;

mod ihex;
mod srec;
mod tekhex;
mod ti_txt;
mod uf2;
mod uuencode;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] = &[&ihex::Ihex, &srec::Srec, &uf2::Uf2, &uuencode::Uuencode, &tekhex::Tekhex, &ti_txt::TiTxt];
