//! Bytes written in another way: as text, in blocks, in another order.

use super::Format;

/// Layers below everything else: they decide how the whole blob is to be read, before anybody looks into it.
pub(super) static LAYERS: &[&dyn Format] = &[&nand_oob::NandOob];

mod ihex;
mod nand_oob;
mod srec;
mod swapped;
mod tekhex;
mod ti_txt;
mod uf2;
mod uuencode;

/// Most specific first.
pub(super) static FORMATS: &[&dyn Format] =
    &[&ihex::Ihex, &srec::Srec, &uf2::Uf2, &uuencode::Uuencode, &tekhex::Tekhex, &ti_txt::TiTxt, &swapped::SIXTEEN, &swapped::THIRTY_TWO];
