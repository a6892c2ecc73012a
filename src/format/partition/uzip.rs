//! UZIP and cloop: disks compressed block by block, which FreeBSD and Knoppix mount as they are.

use std::collections::BTreeSet;

use crate::blob::{Blob, Bytes, Endian, to_u64};
use crate::codec::Codec;
use crate::format::disk::Disk;
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// FreeBSD's UZIP, and version 2 of Linux' compressed loop devices.
#[derive(Debug)]
pub(super) struct Uzip;

static SPEC: Spec = Spec {
    id: "uzip",
    name: "UZIP or cloop disk",
    kind: Kind::Partition,
    magics: &[Magic::anywhere(b"#!/bin/sh\n#V2.0 "), Magic::anywhere(b"#!/bin/sh\n#L3.0\n"), Magic::anywhere(b"#!/bin/sh\n#Z4.0 ")],
    leaf: false,
    references: &[
        "https://github.com/freebsd/freebsd-src/blob/main/sys/geom/uzip/g_uzip.c",
        "https://man.freebsd.org/cgi/man.cgi?query=mkuzip",
    ],
    limitations: &["cloop of version 3 and later is not recognized"],
};

/// Where the sizes stand, and where the table begins.
const SIZES: u64 = 128;
const TABLE: u64 = 136;

impl Format for Uzip {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let header = Header::read(bytes)?;
        // The table ends with where the last block ends.
        let table = TABLE.saturating_add(header.blocks.saturating_mul(8));
        let end = bytes.u64(table, Endian::Big).unwrap_or(u64::MAX);
        if end <= table {
            return Err(Rejected("the last block ends in the table"));
        }
        Ok(Carved::new(end, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let header = Header::read(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let table = Bytes(image.up_to(TABLE, header.blocks.saturating_add(1).saturating_mul(8)));
        let places: Vec<u64> = table.0.chunks_exact(8).map(|place| Bytes(place).u64(0, Endian::Big).unwrap_or(0)).collect();
        let sorted: BTreeSet<u64> = places.iter().copied().collect();
        let mut disk = Disk::new(header.blocks.saturating_mul(header.block), children);
        if to_u64(places.len()) <= header.blocks {
            disk.lacks(Fault::Truncated("the end of the table of blocks is missing".to_owned()));
        }
        let pairs = places.iter().zip(places.iter().skip(1));
        for (number, (start, next)) in (0_u64..).zip(pairs) {
            // A block of no bytes is all zero. One that is the same as an earlier one points back to it.
            if start == next || disk.is_full() {
                continue;
            }
            let Some(end) = sorted.range(start.saturating_add(1)..).next() else { continue };
            let stored = image.up_to(*start, end.saturating_sub(*start));
            match header.codec.block(stored, header.block) {
                Ok(bytes) => disk.put(number.saturating_mul(header.block), &bytes)?,
                Err(_) if *end > image.len() => disk.lacks(Fault::Truncated("blocks are behind the end of the image".to_owned())),
                Err(fault) => disk.lacks(fault),
            }
        }
        Ok(disk.deliver(image.len(), children)?)
    }
}

/// The header: a script of 128 bytes that mounts it, bytes of a block u32, blocks u32, then where each begins and the last one ends u64; all
/// numbers big endian.
struct Header {
    codec: Codec,
    block: u64,
    blocks: u64,
}

impl Header {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let codec = match bytes.get(11, 2)? {
            b"V2" => Codec::Zlib,
            b"L3" => Codec::Xz,
            b"Z4" => Codec::Zstd,
            _ => return Err(Rejected("compression or version")),
        };
        let block = u64::from(bytes.u32(SIZES, Endian::Big)?);
        let blocks = u64::from(bytes.u32(SIZES.saturating_add(4), Endian::Big)?);
        let first = bytes.u64(TABLE, Endian::Big)?;
        let table_end = TABLE.saturating_add(blocks.saturating_add(1).saturating_mul(8));
        // The table may have a little more room than it needs.
        let sound = block.checked_rem(512) == Some(0) && (512..=16 << 20).contains(&block) && blocks > 0;
        if !sound || first < table_end || first > table_end.saturating_add(4096) {
            return Err(Rejected("sizes of the header"));
        }
        Ok(Self { codec, block, blocks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::disk::NAME;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    const STORY: &[u8] = include_bytes!("../../../fixtures/content/tree/story.txt");

    #[test]
    fn disks_come_back() {
        for image in [
            &include_bytes!("../../../fixtures/uzip/zlib.uzip")[..],
            include_bytes!("../../../fixtures/uzip/lzma.uzip"),
            include_bytes!("../../../fixtures/uzip/zstd.uzip"),
        ] {
            let junk = [vec![7; 99], image.to_vec(), vec![0; 99]].concat();
            assert_eq!(carve(&Uzip, &junk, 99), Some(image.len() as u64));
            let unpacked = unpack_at(&Uzip, &junk, 99);
            assert_eq!(unpacked.problems, []);
            let disk = unpacked.file(NAME);
            assert!(disk.starts_with(STORY) && disk.len().is_multiple_of(4096));
            assert!(disk[STORY.len()..16 * 4096].iter().all(|byte| *byte == 0));
            assert!(disk[16 * 4096..].starts_with(STORY), "blocks that point back");
            survives_damage(&Uzip, image);
            let cut = unpack(&Uzip, &image[..image.len() - 20]);
            assert!(cut.problems.iter().all(|(code, _)| *code == Code::Truncated) && !cut.problems.is_empty());
        }
        assert_eq!(carve(&Uzip, b"#!/bin/sh\n#V2.0 Format of the configuration\n", 0), None);
    }
}
