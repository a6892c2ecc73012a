//! HFS+: the file system of Apple's computers until 2017, and of their updates.

use std::collections::BTreeMap;

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::extents::Extents;
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::{Budget, Effort, Exceeded};
use crate::problem::{Fault, Rejected};

mod btree;
mod catalog;

/// HFS Plus and HFSX.
#[derive(Debug)]
pub(super) struct HfsPlus;

static SPEC: Spec = Spec {
    id: "hfsplus",
    name: "HFS+",
    kind: Kind::FileSystem,
    magics: &[Magic::anywhere(b"H+\0\x04").at(HEADER), Magic::anywhere(b"HX\0\x05").at(HEADER)],
    leaf: false,
    references: &["https://developer.apple.com/library/archive/technotes/tn/tn1150.html"],
    limitations: &[
        "files that are compressed by the file system (decmpfs) are not decompressed",
        "names stay as they are stored: letters and their accents apart",
        "the journal is not replayed, and attributes are not read",
    ],
};

/// Where the header of the volume stands.
const HEADER: u64 = 1024;

impl Format for HfsPlus {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let volume = Volume::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(volume.length(), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let volume = Volume::read(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let mut effort = Effort::new(children.budget(), image.len());
        let more = volume.overflow(image, children, &mut effort)?;
        catalog::walk(image, &volume, &more, children, &mut effort)?;
        if volume.length() > image.len() {
            return Err(Fault::Truncated(format!("{} of {} bytes are there", image.len(), volume.length())));
        }
        Ok(())
    }
}

/// Numbers of the files of the file system itself.
const OVERFLOW: u32 = 3;
const CATALOG: u32 = 4;

/// Runs of blocks: first and number.
type Runs = Vec<(u32, u32)>;

/// Runs for which a file has no room in its record, by number of the file, kind of the fork (0 data, ff resource) and first block.
type Overflow = BTreeMap<(u32, u8, u32), Runs>;

/// The header, 1024 bytes into the volume; all numbers big endian:
///
/// ```text
///   0 "H+" or "HX"   2 version u16   40 bytes of a block u32   44 blocks u32
/// 112 bitmap, 192 overflow, 272 catalog, 352 attributes, 432 startup file: each as a fork
/// ```
#[derive(Debug)]
struct Volume {
    block: u64,
    blocks: u64,
    overflow: Fork,
    catalog: Fork,
}

/// One of the two streams of bytes of a file: 0 bytes u64, 12 blocks u32, 16 eight runs of first block u32 and number u32.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fork {
    size: u64,
    runs: Runs,
}

impl Fork {
    fn read(bytes: Bytes<'_>, at: u64) -> Option<Self> {
        let fork = Bytes(bytes.get(at, 80).ok()?);
        Some(Self { size: fork.u64(0, Endian::Big).ok()?, runs: runs(Bytes(fork.tail(16))) })
    }
}

/// Up to eight runs.
fn runs(bytes: Bytes<'_>) -> Runs {
    let all = bytes.up_to(0, 64).chunks_exact(8).map(Bytes);
    let all = all.map(|run| (run.u32(0, Endian::Big).unwrap_or(0), run.u32(4, Endian::Big).unwrap_or(0)));
    all.take_while(|(_, count)| *count > 0).collect()
}

impl Volume {
    fn read(image: Bytes<'_>) -> Result<Self, Rejected> {
        let header = Bytes(image.get(HEADER, 512)?);
        if !header.has(0, b"H+\0\x04") && !header.has(0, b"HX\0\x05") {
            return Err(Rejected("magic or version"));
        }
        let word = |at| header.u32(at, Endian::Big).map(u64::from);
        let fork = |at| Fork::read(header, at).ok_or(Rejected("too short"));
        let volume = Self { block: word(40)?, blocks: word(44)?, overflow: fork(192)?, catalog: fork(272)? };
        if !volume.block.is_power_of_two() || !(512..=1 << 20).contains(&volume.block) || word(48)? > volume.blocks {
            return Err(Rejected("number or size of blocks"));
        }
        let inside =
            |fork: &Fork| fork.runs.iter().all(|(start, count)| u64::from(*start).saturating_add((*count).into()) <= volume.blocks);
        if volume.catalog.runs.is_empty() || !inside(&volume.catalog) || !inside(&volume.overflow) {
            return Err(Rejected("place of the catalog"));
        }
        Ok(volume)
    }

    fn length(&self) -> u64 {
        self.block.saturating_mul(self.blocks)
    }

    /// Where the bytes of a fork stand.
    fn extents(&self, fork: &Fork, more: &Overflow, file: u32, kind: u8) -> Extents {
        let mut extents = Extents::default();
        let others = more.range((file, kind, 0)..=(file, kind, u32::MAX)).flat_map(|(_, runs)| runs);
        for (start, count) in fork.runs.iter().chain(others) {
            let length = u64::from(*count).saturating_mul(self.block);
            extents.stored(Span::new(u64::from(*start).saturating_mul(self.block), length));
        }
        extents
    }

    /// The runs of files that have many. A key: 2 kind u8, 4 file u32, 8 first block u32; then eight runs.
    fn overflow(&self, image: Bytes<'_>, children: &mut Children<'_>, effort: &mut Effort<'_>) -> Result<Overflow, Exceeded> {
        let mut more = Overflow::new();
        if self.overflow.size == 0 {
            return Ok(more);
        }
        let mut bytes = children.output();
        self.extents(&self.overflow, &more, OVERFLOW, 0).read(image, self.overflow.size, &mut bytes)?;
        let fault = btree::leaves(Bytes(bytes.as_slice()), effort, &mut |key, data| {
            if let (Ok(kind), Ok(file), Ok(first)) = (key.u8(2), key.u32(4, Endian::Big), key.u32(8, Endian::Big)) {
                more.insert((file, kind, first), runs(data));
            }
        })?;
        if let Some(fault) = fault {
            children.problem(&fault, None);
        }
        Ok(more)
    }
}

#[cfg(test)]
mod tests;
