//! HFS+: the file system of Apple's computers until 2017, and of their updates.

use std::collections::BTreeMap;

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::decmpfs;
use crate::format::extents::Extents;
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::{Budget, Effort, Exceeded};
use crate::problem::{Fault, Rejected};

mod btree;
mod catalog;
mod plain;

use catalog::Record;
pub(super) use plain::Hfs;

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
        "names stay as they are stored: letters and their accents apart",
        "the journal is not replayed, and attributes other than those of compressed files are not read",
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
        Ok(Carved::new(volume.length, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let volume = Volume::read(blob.bytes()).map_err(|rejected| Fault::corrupt(rejected.0))?;
        volume.unpack(blob.bytes(), children)
    }
}

/// Numbers of the files of the file system itself.
const OVERFLOW: u32 = 3;
const CATALOG: u32 = 4;
const ATTRIBUTES: u32 = 8;

/// Attributes of compressed files, by the number of the file.
type Attributes = BTreeMap<u32, Vec<u8>>;

/// Runs of blocks: first and number.
type Runs = Vec<(u32, u32)>;

/// Bytes of the runs of one record.
const RUNS: u64 = 64;

/// What differs between HFS and HFS+: how long lengths of keys are, and how records are laid out.
#[derive(Debug)]
struct Dialect {
    wide: bool,
    record: fn(Bytes<'_>, Bytes<'_>) -> Option<Record>,
    overflow: fn(Bytes<'_>, Bytes<'_>) -> Option<(Part, Runs)>,
}

static PLUS: Dialect = Dialect {
    wide: true,
    record: Record::read,
    // A key: 2 kind u8, 4 file u32, 8 first block u32; then eight runs.
    overflow: |key, data| Some(((key.u32(4, Endian::Big).ok()?, key.u8(2).ok()?, key.u32(8, Endian::Big).ok()?), runs(data, 0, true))),
};

/// A part of a file: its number, kind of the fork (0 data, ff resource) and first block.
type Part = (u32, u8, u32);

/// Runs for which a file has no room in its record.
type Overflow = BTreeMap<Part, Runs>;

/// The header, 1024 bytes into the volume; all numbers big endian:
///
/// ```text
///   0 "H+" or "HX"   2 version u16   40 bytes of a block u32   44 blocks u32
/// 112 bitmap, 192 overflow, 272 catalog, 352 attributes, 432 startup file: each as a fork
/// ```
#[derive(Debug)]
struct Volume {
    dialect: &'static Dialect,
    block: u64,
    blocks: u64,
    /// Where block 0 is.
    first: u64,
    /// Bytes of all of it.
    length: u64,
    overflow: Fork,
    catalog: Fork,
    attributes: Option<Fork>,
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
        Some(Self { size: fork.u64(0, Endian::Big).ok()?, runs: runs(fork, 16, true) })
    }
}

/// Up to eight runs of first block u32 and number u32, if they are `wide`; else up to three of first block u16 and number u16.
fn runs(bytes: Bytes<'_>, at: u64, wide: bool) -> Runs {
    let (length, half) = if wide { (64, 4) } else { (12, 2) };
    let number = |digits: &[u8]| digits.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    let all = bytes.up_to(at, length).chunks_exact(half).map(number);
    let (firsts, counts) = (all.clone().step_by(2), all.skip(1).step_by(2));
    firsts.zip(counts).take_while(|(_, count)| *count > 0).collect()
}

impl Volume {
    fn read(image: Bytes<'_>) -> Result<Self, Rejected> {
        let header = Bytes(image.get(HEADER, 512)?);
        if !header.has(0, b"H+\0\x04") && !header.has(0, b"HX\0\x05") {
            return Err(Rejected("magic or version"));
        }
        let word = |at| header.u32(at, Endian::Big).map(u64::from);
        let fork = |at| Fork::read(header, at).ok_or(Rejected("too short"));
        let (block, blocks) = (word(40)?, word(44)?);
        let volume = Self {
            dialect: &PLUS,
            block,
            blocks,
            first: 0,
            length: block.saturating_mul(blocks),
            overflow: fork(192)?,
            catalog: fork(272)?,
            attributes: Some(fork(352)?),
        };
        if !volume.block.is_power_of_two() || !(512..=1 << 20).contains(&volume.block) || word(48)? > volume.blocks {
            return Err(Rejected("number or size of blocks"));
        }
        volume.checked()
    }

    /// Whether the files of the file system itself are inside.
    fn checked(self) -> Result<Self, Rejected> {
        let inside = |fork: &Fork| fork.runs.iter().all(|(start, count)| u64::from(*start).saturating_add((*count).into()) <= self.blocks);
        if self.catalog.runs.is_empty() || !inside(&self.catalog) || !inside(&self.overflow) {
            return Err(Rejected("place of the catalog"));
        }
        Ok(self)
    }

    fn unpack(&self, image: Bytes<'_>, children: &mut Children<'_>) -> Result<(), Fault> {
        let mut effort = Effort::new(children.budget(), image.len());
        let more = self.overflow(image, children, &mut effort)?;
        let compressed = self.compressed(image, &more, children, &mut effort)?;
        catalog::walk(catalog::Parts { image, volume: self, more: &more, compressed }, children, &mut effort)?;
        if self.length > image.len() {
            return Err(Fault::Truncated(format!("{} of {} bytes are there", image.len(), self.length)));
        }
        Ok(())
    }

    /// Where the bytes of a fork stand.
    fn extents(&self, fork: &Fork, more: &Overflow, of: (u32, u8), effort: &mut Effort<'_>) -> Result<Extents, Exceeded> {
        let (file, kind) = of;
        let mut extents = self.stored(&fork.runs);
        for (_, runs) in more.range((file, kind, 0)..=(file, kind, u32::MAX)) {
            effort.spend(RUNS)?;
            self.stored(runs).places().into_iter().for_each(|span| extents.stored(span));
        }
        Ok(extents)
    }

    /// Where the blocks of some runs stand.
    fn stored(&self, runs: &Runs) -> Extents {
        let mut extents = Extents::default();
        for (start, count) in runs {
            let length = u64::from(*count).saturating_mul(self.block);
            extents.stored(Span::new(self.first.saturating_add(u64::from(*start).saturating_mul(self.block)), length));
        }
        extents
    }

    /// The runs of files that have many.
    fn overflow(&self, image: Bytes<'_>, children: &mut Children<'_>, effort: &mut Effort<'_>) -> Result<Overflow, Exceeded> {
        let mut more = Overflow::new();
        let none = Overflow::new();
        let file = (&self.overflow, OVERFLOW);
        self.leaves(image, &none, file, children, effort, &mut |key, data| more.extend((self.dialect.overflow)(key, data)))?;
        Ok(more)
    }

    /// The attributes of compressed files, by their number. A key: 4 file u32, 12 letters of the name u16, 14 name; data: 0 kind u32 (10: it is
    /// here), 12 bytes u32, 16 those.
    fn compressed(
        &self,
        image: Bytes<'_>,
        more: &Overflow,
        children: &mut Children<'_>,
        effort: &mut Effort<'_>,
    ) -> Result<Attributes, Exceeded> {
        let mut found = Attributes::new();
        let Some(attributes) = &self.attributes else { return Ok(found) };
        let name: Vec<u8> = decmpfs::ATTRIBUTE.encode_utf16().flat_map(u16::to_be_bytes).collect();
        self.leaves(image, more, (attributes, ATTRIBUTES), children, effort, &mut |key, data| {
            let length = data.u32(12, Endian::Big).unwrap_or(0).into();
            if let (Ok(file), Ok(0x10), Ok(value)) = (key.u32(4, Endian::Big), data.u32(0, Endian::Big), data.get(16, length))
                && key.tail(14) == name
            {
                found.insert(file, value.to_vec());
            }
        })?;
        Ok(found)
    }

    /// Hands key and data of all records of a file that is a tree to `each`.
    fn leaves(
        &self,
        image: Bytes<'_>,
        more: &Overflow,
        (fork, number): (&Fork, u32),
        children: &mut Children<'_>,
        effort: &mut Effort<'_>,
        each: &mut dyn FnMut(Bytes<'_>, Bytes<'_>),
    ) -> Result<(), Exceeded> {
        if fork.size == 0 {
            return Ok(());
        }
        let extents = self.extents(fork, more, (number, 0), effort)?;
        let mut bytes = children.output();
        let cut = extents.read(image, fork.size, &mut bytes)?;
        let fault = btree::leaves(Bytes(bytes.as_slice()), self.dialect.wide, effort, each)?;
        if let Some(fault) = cut.or(fault) {
            children.problem(&fault, extents.whole(1).map(|span| span.start));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
