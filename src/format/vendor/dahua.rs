//! Dahua's firmware: a zip archive whose first two letters are those of the company.

use crate::blob::Blob;
use crate::format::archive::zip::disguise::Disguise;
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Dahua's zip, of cameras and recorders, under all brands.
#[derive(Debug)]
pub(super) struct Dahua;

static SPEC: Spec = Spec {
    id: "dahua",
    name: "Dahua firmware (DH zip)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"DH\x03\x04")],
    leaf: false,
    references: &["https://github.com/BotoX/Dahua-Firmware-Mod-Kit"],
    limitations: &["images of newer cameras are encrypted in their members, which are handed over as they stand"],
};

static DISGUISE: Disguise = Disguise { first: *b"DH\x03\x04", further: &[] };

impl Format for Dahua {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, budget: &'b Budget) -> Result<Carved<'b>, Rejected> {
        DISGUISE.carve(blob, start, budget)
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        DISGUISE.unpack(blob, children)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack_at};

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/dahua/camera.bin");

    #[test]
    fn the_archive_comes_out_as_a_zip() {
        let flash = [vec![0xff; 99], IMAGE.to_vec(), vec![0xff; 99]].concat();
        assert_eq!(carve(&Dahua, &flash, 99), Some(IMAGE.len() as u64));
        let unpacked = unpack_at(&Dahua, &flash, 99);
        assert_eq!(unpacked.names(), ["archive.zip"]);
        assert_eq!(unpacked.file("archive.zip"), [b"PK", &IMAGE[2..]].concat());
        assert_eq!(unpacked.problems, []);
    }

    #[test]
    fn two_letters_are_none() {
        assert_eq!(carve(&Dahua, b"DH\x03\x04 is the magic, and many programs hold it, with nothing behind it", 0), None);
        assert_eq!(carve(&Dahua, &[b"PK", &IMAGE[2..]].concat(), 0), None);
        survives_damage(&Dahua, IMAGE);
    }
}
