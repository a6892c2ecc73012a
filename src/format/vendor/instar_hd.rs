//! Instar's HD cameras: a zip archive with other numbers behind its letters.

use crate::blob::Blob;
use crate::format::archive::zip::disguise::Disguise;
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Instar's zip.
#[derive(Debug)]
pub(super) struct InstarHd;

static SPEC: Spec = Spec {
    id: "instar-hd",
    name: "Instar HD firmware",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"PK\x03\x07")],
    leaf: false,
    references: &["https://unblob.org/formats/"],
    limitations: &[],
};

static DISGUISE: Disguise = Disguise {
    first: *b"PK\x03\x07",
    further: &[(*b"PK\x03\x07", *b"PK\x03\x04"), (*b"PK\x01\x08", *b"PK\x01\x02"), (*b"PK\x05\x09", *b"PK\x05\x06")],
};

impl Format for InstarHd {
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

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/instar-hd/camera.bin");

    #[test]
    fn the_archive_comes_out_as_a_zip() {
        let flash = [vec![0xff; 99], IMAGE.to_vec(), vec![0xff; 99]].concat();
        assert_eq!(carve(&InstarHd, &flash, 99), Some(IMAGE.len() as u64));
        let unpacked = unpack_at(&InstarHd, &flash, 99);
        let zip = unpacked.file("archive.zip");
        assert!(zip.starts_with(b"PK\x03\x04") && zip.windows(4).any(|mark| mark == b"PK\x05\x06"));
        assert!(!zip.windows(4).any(|mark| mark == b"PK\x01\x08"));
        assert_eq!(unpacked.problems, []);
    }

    #[test]
    fn four_bytes_are_none() {
        assert_eq!(carve(&InstarHd, b"PK\x03\x07 is the magic, and many programs hold it, with nothing behind it", 0), None);
        survives_damage(&InstarHd, IMAGE);
    }
}
