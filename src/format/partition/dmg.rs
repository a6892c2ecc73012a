//! DMG: disks as Apple distributes them, in compressed pieces.

use crate::blob::{Blob, Bytes, Endian, Span, to_u64};
use crate::codec::Codec;
use crate::format::disk::Disk;
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::{Budget, Exceeded};
use crate::problem::{Fault, Rejected};

mod adc;
mod plist;

/// Universal disk image format.
#[derive(Debug)]
pub(super) struct Dmg;

static SPEC: Spec = Spec {
    id: "dmg",
    name: "Apple disk image",
    kind: Kind::Partition,
    // What a piece begins with; that it is one says the trailer.
    magics: &[
        Magic::start(&[0x78]),
        Magic::start(b"BZh"),
        Magic::start(b"bvx"),
        Magic::start(b"\xfd7zXZ"),
        Magic::start(&[0, 0, 0, 0]),
        Magic::start(b"ER"),
        Magic::start(&[0xff]),
        Magic::start(&[0x83]),
    ],
    leaf: false,
    references: &["http://newosxbook.com/DMG.html", "https://github.com/planetbeing/libdmg-hfsplus"],
    limitations: &["images whose pieces are in a resource fork or in several files, and encrypted ones, are not read"],
};

const SECTOR: u64 = 512;

impl Format for Dmg {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        Trailer::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(u64::MAX, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let trailer = Trailer::read(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let list = image.up_to(trailer.list.start, trailer.list.length);
        let tables = plist::tables(list);
        if tables.is_empty() {
            return Err(Fault::unsupported("nothing in its property list says where its pieces are"));
        }
        let mut disk = Disk::new(trailer.sectors.saturating_mul(SECTOR), children);
        for table in &tables {
            pieces(image, Bytes(table), &trailer, &mut disk)?;
        }
        Ok(disk.deliver(image.len(), children)?)
    }
}

/// The last 512 bytes; all numbers big endian:
///
/// ```text
///   0 "koly"   4 version u32 (4)   8 bytes of it u32 (512)   24 where the pieces begin u64   32 their bytes u64
/// 216 property list u64   224 its bytes u64   492 sectors of the disk u64
/// ```
struct Trailer {
    pieces: u64,
    list: Span,
    sectors: u64,
}

impl Trailer {
    fn read(image: Bytes<'_>) -> Result<Self, Rejected> {
        let at = image.len().checked_sub(SECTOR).ok_or(Rejected("too short"))?;
        let trailer = Bytes(image.get(at, SECTOR)?);
        if !trailer.has(0, b"koly\0\0\0\x04\0\0\x02\0") {
            return Err(Rejected("no trailer"));
        }
        let long = |at| trailer.u64(at, Endian::Big);
        let (pieces, list) = (long(24)?, Span::new(long(216)?, long(224)?));
        if list.end() > at || pieces > at {
            return Err(Rejected("places of the trailer"));
        }
        Ok(Self { pieces, list, sectors: long(492)? })
    }
}

/// What the bytes of a piece are.
fn codec(kind: u32) -> Option<Codec> {
    match kind {
        0x8000_0005 => Some(Codec::Zlib),
        0x8000_0006 => Some(Codec::Bzip2),
        0x8000_0007 => Some(Codec::Lzfse),
        0x8000_0008 => Some(Codec::Xz),
        _ => None,
    }
}

/// Puts the pieces of one part of the disk where they belong: 0 "mish", 8 first sector u64, 24 where its data begins u64, 200 pieces u32; from
/// 204 on 40 bytes each: kind u32, 8 sector u64, 16 sectors u64, 24 place u64, 32 bytes u64.
fn pieces(image: Bytes<'_>, table: Bytes<'_>, trailer: &Trailer, disk: &mut Disk<'_>) -> Result<(), Exceeded> {
    let long = |at: u64| table.u64(at, Endian::Big).unwrap_or(0);
    if !table.has(0, b"mish") {
        disk.lacks(Fault::corrupt("a table of pieces is none"));
        return Ok(());
    }
    let (first, base) = (long(8), trailer.pieces.saturating_add(long(24)));
    for at in (204..table.len()).step_by(40) {
        let kind = table.u32(at, Endian::Big).unwrap_or(u32::MAX);
        let (sector, sectors) = (long(at.saturating_add(8)), long(at.saturating_add(16)));
        let stored = image.up_to(base.saturating_add(long(at.saturating_add(24))), long(at.saturating_add(32)));
        let (to, wanted) = (first.saturating_add(sector).saturating_mul(SECTOR), sectors.saturating_mul(SECTOR));
        let bytes = match kind {
            u32::MAX => break,
            // All zero, of no interest, or a comment.
            0 | 2 | 0x7fff_fffe => continue,
            1 => Ok(stored.to_vec()),
            0x8000_0004 => adc::block(stored, wanted),
            kind => codec(kind).map_or_else(
                || Err(Fault::unsupported(format!("a piece is of the kind {kind:#x}"))),
                |codec| codec.block(stored, wanted.saturating_add(SECTOR)),
            ),
        };
        if disk.is_full() {
            break;
        }
        match bytes {
            Ok(bytes) => {
                if to_u64(bytes.len()) < wanted {
                    disk.lacks(Fault::corrupt("a piece is too short"));
                }
                disk.put(to, &bytes)?;
            }
            Err(fault) => disk.lacks(fault),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::disk::NAME;
    use crate::format::testing::{carve, survives_damage, unpack};

    const STORY: &[u8] = include_bytes!("../../../fixtures/content/tree/story.txt");

    #[test]
    fn pieces_of_all_kinds_become_the_disk() {
        let zlib = include_bytes!("../../../fixtures/dmg/zlib.dmg").as_slice();
        for image in [zlib, include_bytes!("../../../fixtures/dmg/mixed.dmg"), include_bytes!("../../../fixtures/dmg/lzfse.dmg")] {
            let unpacked = unpack(&Dmg, image);
            assert_eq!(unpacked.problems, []);
            let disk = unpacked.file(NAME);
            for part in disk.chunks(96 * 512).filter(|part| part[0] != 0) {
                assert!(part.starts_with(STORY));
            }
            assert_eq!(disk.chunks(96 * 512).filter(|part| part[0] != 0).count(), 4);
            survives_damage(&Dmg, image);
            assert_eq!(carve(&Dmg, &image[..image.len() - 1], 0), None, "the trailer is what makes it one");
        }
    }
}
