//! Archives that are identified, and not read: too rare in firmware, or their methods known to their makers only.

use crate::blob::{Blob, Bytes, Endian};
use crate::codec::crc32;
use crate::format::{Carved, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::Rejected;

/// An archive of which no more is known than its header.
#[derive(Debug)]
pub(super) struct Identified {
    spec: &'static Spec,
    /// Whether the rest of the header is as it should be.
    check: fn(Bytes<'_>) -> Option<bool>,
}

const fn spec(id: &'static str, name: &'static str, magics: &'static [Magic], references: &'static [&'static str]) -> Spec {
    Spec { id, name, kind: Kind::Archive, magics, leaf: true, references, limitations: &["identified, not read"] }
}

/// ACE: u16 lower half of a CRC-32 without its last inversion, u16 size of what it covers, u8 type: 0, u16 flags, magic.
pub(super) static ACE: Identified = Identified {
    spec: &spec("ace", "ACE", &[Magic::start(b"**ACE**").at(7)], &["https://github.com/droe/acefile"]),
    check: |bytes| {
        let covered = bytes.get(4, bytes.u16(2, Endian::Little).ok()?.into()).ok()?;
        Some(!crc32(covered) & 0xffff == u32::from(bytes.u16(0, Endian::Little).ok()?) && bytes.u8(4).ok()? == 0)
    },
};

/// ALZ: magic, u32 of which nothing is known; the first file follows.
pub(super) static ALZ: Identified = Identified {
    spec: &spec("alz", "ALZ", &[Magic::start(b"ALZ\x01")], &["https://kippler.com/win/unalz/"]),
    check: |bytes| Some(bytes.has(8, b"BLZ\x01")),
};

/// EGG: magic, u16 version 0x100, u32 id, u32 reserved: 0.
pub(super) static EGG: Identified = Identified {
    spec: &spec("egg", "EGG", &[Magic::start(b"EGGA")], &["https://en.wikipedia.org/wiki/EGG_(file_format)"]),
    check: |bytes| Some(bytes.u16(4, Endian::Little).ok()? == 0x100 && bytes.u32(10, Endian::Little).ok()? == 0),
};

/// `StuffIt`: "SIT!", u16 files, u32 size, "rLau"; from version 5 on a line of text, and from X on another magic.
pub(super) static STUFFIT: Identified = Identified {
    spec: &spec(
        "stuffit",
        "StuffIt",
        &[Magic::start(b"SIT!"), Magic::start(b"StuffIt (c)1997-"), Magic::start(b"StuffIt!")],
        &["http://fileformats.archiveteam.org/wiki/StuffIt"],
    ),
    check: |bytes| {
        let old = bytes.has(0, b"SIT!") && bytes.has(10, b"rLau") && bytes.u32(6, Endian::Big).ok()? >= 22;
        Some(old || bytes.has(0, b"StuffIt (c)1997-") || bytes.has(0, b"StuffIt!"))
    },
};

/// Parchive 2: packets of magic, u64 size, MD5, id of the set, type, which begins with its own name.
pub(super) static PAR2: Identified = Identified {
    spec: &spec(
        "par2",
        "Parchive 2 (PAR2)",
        &[Magic::start(b"PAR2\0PKT")],
        &["https://parchive.sourceforge.net/docs/specifications/parity-volume-spec/article-spec.html"],
    ),
    check: |bytes| {
        let size = bytes.u64(8, Endian::Little).ok()?;
        Some(size >= 64 && size.is_multiple_of(4) && bytes.has(48, b"PAR "))
    },
};

/// ZPAQ: a tag of 13 bytes that may be missing, "zPQ", u8 level 1 or 2, u8 1.
pub(super) static ZPAQ: Identified = Identified {
    spec: &spec(
        "zpaq",
        "ZPAQ",
        &[Magic::start(b"7kSt\xa0\x31\x83\xd3\x8c\xb2\x28\xb0\xd3zPQ"), Magic::start(b"zPQ")],
        &["https://mattmahoney.net/dc/zpaq206.pdf"],
    ),
    check: |bytes| {
        let at = if bytes.has(0, b"zPQ") { 3 } else { 16 };
        Some(matches!((bytes.u8(at).ok()?, bytes.u8(at.saturating_add(1)).ok()?), (1 | 2, 1)))
    },
};

impl Format for Identified {
    fn spec(&self) -> &'static Spec {
        self.spec
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        match (self.check)(Bytes(blob.bytes().tail(start))) {
            Some(true) => Ok(Carved::new(u64::MAX, start, blob)),
            _ => Err(Rejected("header")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage};

    #[test]
    fn what_is_identified_and_what_not() {
        let all: [(&Identified, &[u8]); 6] = [
            (&ACE, include_bytes!("../../../fixtures/ace/empty.ace")),
            (&ALZ, include_bytes!("../../../fixtures/alz/motd.alz")),
            (&EGG, include_bytes!("../../../fixtures/egg/empty.egg")),
            (&STUFFIT, include_bytes!("../../../fixtures/stuffit/empty.sit")),
            (&PAR2, include_bytes!("../../../fixtures/par2/story.par2")),
            (&ZPAQ, include_bytes!("../../../fixtures/zpaq/tree.zpaq")),
        ];
        for (format, image) in all {
            assert_eq!(carve(format, image, 0), Some(image.len() as u64), "{}", format.spec().id);
            let magic = &format.spec().magics[0];
            let text = [vec![b' '; usize::try_from(magic.offset).unwrap()], magic.bytes.to_vec(), b" is the magic of an archive".to_vec()]
                .concat();
            assert!(format.spec().id == "stuffit" || carve(format, &text, 0).is_none(), "{}", format.spec().id);
            survives_damage(format, image);
        }
        assert_eq!(carve(&STUFFIT, b"SIT! said the trainer to the dog, and it did", 0), None);
    }
}
