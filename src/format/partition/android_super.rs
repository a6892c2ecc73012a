//! The super partition of Android: logical partitions of one large one, by the metadata of liblp.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use super::mbr::layout::Layout;
use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, part_text};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Android super partition.
#[derive(Debug)]
pub(super) struct AndroidSuper;

static SPEC: Spec = Spec {
    id: "android-super",
    name: "Android super partition",
    kind: Kind::Partition,
    magics: &[Magic::anywhere(&[0x67, 0x44, 0x6c, 0x61]).at(GEOMETRY)],
    leaf: false,
    references: &[
        "https://android.googlesource.com/platform/system/core/+/refs/heads/main/fs_mgr/liblp/include/liblp/metadata_format.h",
        "https://source.android.com/docs/core/ota/dynamic_partitions/implement",
    ],
    limitations: &["extents on other block devices are elsewhere"],
};

/// Where the geometry stands; 4096 bytes later it stands again, and then the slots.
const GEOMETRY: u64 = 4096;
const SECTOR: u64 = 512;
const LINEAR: u32 = 0;
const ZERO: u32 = 1;

/// How the metadata is laid out. Little endian:
///
/// ```text
/// 0 u32 magic   4 u32 size of this   8 SHA-256 of this, itself taken as zeros   40 u32 bytes of a slot   44 u32 slots   48 u32 block size
/// ```
struct Geometry {
    slot_size: u64,
    slots: u32,
}

impl Geometry {
    /// The geometry, and whether it is the first copy that is whole.
    fn read(image: Bytes<'_>) -> Result<(Self, bool), Rejected> {
        match Self::copy(image, GEOMETRY) {
            Ok(geometry) => Ok((geometry, true)),
            Err(rejected) => Self::copy(image, GEOMETRY * 2).map(|geometry| (geometry, false)).map_err(|_| rejected),
        }
    }

    fn copy(image: Bytes<'_>, at: u64) -> Result<Self, Rejected> {
        let bytes = Bytes(image.get(at, 52)?);
        let word = |at| bytes.u32(at, Endian::Little);
        if word(0)? != 0x616c_4467 || word(4)? != 52 {
            return Err(Rejected("magic or size"));
        }
        if !checked(bytes.0, 8) {
            return Err(Rejected("checksum"));
        }
        let geometry = Self { slot_size: word(40)?.into(), slots: word(44)? };
        if geometry.slot_size == 0 || !geometry.slot_size.is_multiple_of(SECTOR) || !(1..=64).contains(&geometry.slots) {
            return Err(Rejected("slots"));
        }
        Ok(geometry)
    }

    /// Where the metadata of `slot` may stand, with its copy.
    fn places(&self, slot: u32) -> [u64; 2] {
        let place = |index: u32| (GEOMETRY * 3).saturating_add(self.slot_size.saturating_mul(index.into()));
        [place(slot), place(slot.saturating_add(self.slots))]
    }

    /// The metadata of all slots that can be read.
    fn metadata<'a>(&self, image: Bytes<'a>, slot: u32) -> Result<Metadata<'a>, Fault> {
        let [first, copy] = self.places(slot);
        Metadata::read(image, first, self.slot_size).or_else(|fault| Metadata::read(image, copy, self.slot_size).map_err(|_| fault))
    }
}

/// Whether the SHA-256 at `at` fits `bytes`, itself taken as zeros.
fn checked(bytes: &[u8], at: usize) -> bool {
    let (Some(before), Some(sum), Some(after)) =
        (bytes.get(..at), bytes.get(at..at.saturating_add(32)), bytes.get(at.saturating_add(32)..))
    else {
        return false;
    };
    Sha256::new().chain_update(before).chain_update([0; 32]).chain_update(after).finalize().as_slice() == sum
}

/// The metadata of a slot. Little endian:
///
/// ```text
///  0 u32 magic   4 u16 10   6 u16 minor version   8 u32 header size   12 SHA-256 of the header   44 u32 size of the tables
/// 48 SHA-256 of the tables   80 partitions, extents, groups, devices: each u32 offset in the tables, u32 entries, u32 bytes of an entry
/// ```
struct Metadata<'a> {
    at: u64,
    tables: Bytes<'a>,
    header: Bytes<'a>,
}

/// A logical partition and its extents: sectors, kind, first sector, device.
struct Partition<'a> {
    name: &'a [u8],
    /// Where the name stands in the image.
    at: u64,
    extents: Vec<(u64, u32, u64, u32)>,
}

impl<'a> Metadata<'a> {
    fn read(image: Bytes<'a>, at: u64, most: u64) -> Result<Self, Fault> {
        if image.u32(at, Endian::Little)? != 0x414c_5030 || image.u16(at.saturating_add(4), Endian::Little)? != 10 {
            return Err(Fault::corrupt("no metadata, or of a version that is not read"));
        }
        let size = u64::from(image.u32(at.saturating_add(8), Endian::Little)?);
        if !(128..=most).contains(&size) {
            return Err(Fault::corrupt("the header of the metadata is too small or too large"));
        }
        let header = image.part(Span::new(at, size))?;
        let tables = Span::new(at.saturating_add(size), header.u32(44, Endian::Little)?.into());
        if tables.end().saturating_sub(at) > most {
            return Err(Fault::corrupt("the metadata is larger than its slot"));
        }
        let tables = image.part(tables)?;
        if !checked(header.0, 12) || header.get(48, 32)? != Sha256::digest(tables.0).as_slice() {
            return Err(Fault::Checksum("the metadata does not fit its checksums".to_owned()));
        }
        Ok(Self { at, tables, header })
    }

    /// The entries of the table with this number.
    fn table(&self, number: u64) -> Result<impl Iterator<Item = Bytes<'a>> + use<'a>, Fault> {
        let at = number.saturating_mul(12).saturating_add(80);
        let word = |offset: u64| self.header.u32(at.saturating_add(offset), Endian::Little).map(u64::from);
        let (start, count, each) = (word(0)?, word(4)?, word(8)?);
        let bytes = self.tables.get(start, count.saturating_mul(each))?;
        Ok(bytes.chunks_exact(crate::blob::to_usize(each.max(1))).map(Bytes))
    }

    /// Bytes of the first block device: u64 first sector, u32 alignment, u32 its offset, u64 size, u8[36] name, u32 flags.
    fn length(&self) -> Result<u64, Fault> {
        let first = self.table(3)?.next().ok_or_else(|| Fault::corrupt("no block device"))?;
        Ok(first.u64(16, Endian::Little)?)
    }

    /// All partitions: u8[36] name, u32 attributes, u32 first extent, u32 extents, u32 group. Extents: u64 sectors, u32 kind, u64 first
    /// sector, u32 device.
    fn partitions(&self) -> Result<Vec<Partition<'a>>, Fault> {
        let mut extents = Vec::new();
        for extent in self.table(1)? {
            let (sectors, kind) = (extent.u64(0, Endian::Little)?, extent.u32(8, Endian::Little)?);
            extents.push((sectors, kind, extent.u64(12, Endian::Little)?, extent.u32(20, Endian::Little)?));
        }
        let start = u64::from(self.header.u32(80, Endian::Little)?);
        let each = u64::from(self.header.u32(88, Endian::Little)?);
        let mut at = self.at.saturating_add(self.header.len()).saturating_add(start);
        let mut partitions = Vec::new();
        for entry in self.table(0)? {
            let (first, count) = (entry.u32(40, Endian::Little)?, entry.u32(44, Endian::Little)?);
            let range = crate::blob::to_usize(first.into())..crate::blob::to_usize(u64::from(first).saturating_add(count.into()));
            let extents = extents.get(range).ok_or_else(|| Fault::corrupt("a partition has extents that are not there"))?;
            partitions.push(Partition { name: entry.text(0, 36)?, at, extents: extents.to_vec() });
            at = at.saturating_add(each);
        }
        Ok(partitions)
    }
}

impl Format for AndroidSuper {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let image = Bytes(blob.bytes().tail(start));
        let (geometry, _) = Geometry::read(image)?;
        let length = (0..geometry.slots.min(4)).find_map(|slot| geometry.metadata(image, slot).and_then(|metadata| metadata.length()).ok());
        let metadata_end = geometry.places(geometry.slots)[1];
        Ok(Carved::new(length.unwrap_or(0).max(metadata_end), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let (geometry, first) = Geometry::read(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        if !first {
            children.problem(&Fault::Checksum("the first copy of the geometry is broken".to_owned()), Some(GEOMETRY));
        }
        let mut layout = Layout::default();
        layout.take(Span::between(
            0,
            geometry.places(geometry.slots)[0].saturating_add(geometry.slot_size.saturating_mul(geometry.slots.into())),
        ));
        let mut seen = BTreeSet::new();
        for slot in 0..geometry.slots {
            match geometry.metadata(image, slot).and_then(|metadata| metadata.partitions()) {
                Ok(partitions) => {
                    for partition in partitions.iter().filter(|partition| !partition.extents.is_empty()) {
                        if seen.insert((partition.name.to_vec(), partition.extents.clone())) {
                            hand_over(image, partition, slot, &mut layout, children)?;
                        }
                    }
                }
                // Slots that no update has used yet hold nothing.
                Err(_) if slot > 0 && geometry.places(slot).iter().all(|at| image.up_to(*at, 4) == [0; 4]) => {}
                Err(fault) => children.problem(&fault, Some(geometry.places(slot)[0])),
            }
        }
        layout.gaps(image, children)?;
        Ok(())
    }
}

/// Hands over a partition: as it stands if it is in one piece.
fn hand_over(
    image: Bytes<'_>,
    partition: &Partition<'_>,
    slot: u32,
    layout: &mut Layout,
    children: &mut Children<'_>,
) -> Result<(), Fault> {
    let name = part_text(partition.name);
    let name = if slot == 0 { name } else { format!("slot-{slot}/{name}") };
    if !partition.name.is_empty() {
        children.fact("header.name", partition.name, Span::new(partition.at, crate::blob::to_u64(partition.name.len())));
    }
    let place = |sectors: u64, first: u64| Span::new(first.saturating_mul(SECTOR), sectors.saturating_mul(SECTOR));
    for (sectors, kind, first, device) in &partition.extents {
        if (*kind, *device) == (LINEAR, 0) {
            layout.take(place(*sectors, *first));
        }
    }
    if let [(sectors, LINEAR, first, 0)] = partition.extents.as_slice() {
        children.span(name, place(*sectors, *first), Attributes::default())?;
        return Ok(());
    }
    let (mut output, mut fault) = (children.output(), None);
    for (sectors, kind, first, device) in &partition.extents {
        let span = place(*sectors, *first);
        let bytes = image.up_to(span.start, span.length);
        match (*kind, *device) {
            (LINEAR, 0) if crate::blob::to_u64(bytes.len()) == span.length => output.push(bytes)?,
            (ZERO, _) => output.zeros(span.length)?,
            (LINEAR, 0) => {
                output.push(bytes)?;
                fault = Some(Fault::Truncated("an extent is behind the end of the image".to_owned()));
                break;
            }
            _ => {
                fault = Some(Fault::unsupported("an extent on another block device"));
                break;
            }
        }
    }
    children.made_with(name, output, Attributes::default(), fault.as_ref())?;
    Ok(())
}

#[cfg(test)]
mod tests;
