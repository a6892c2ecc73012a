//! CBFS: the archive in which coreboot keeps its stages, its payload and its settings.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::codec::Codec;
use crate::format::{Carved, Children, Format, Kind, Magic, Spec, path_text};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

mod attributes;
mod payload;

use attributes::Attributes;

/// coreboot file system.
#[derive(Debug)]
pub(super) struct Cbfs;

static SPEC: Spec = Spec {
    id: "cbfs",
    name: "coreboot file system (CBFS)",
    kind: Kind::Archive,
    magics: &[Magic::anywhere(MAGIC)],
    leaf: false,
    references: &[
        "https://github.com/coreboot/coreboot/blob/main/util/cbfstool/cbfs.h",
        "https://github.com/coreboot/coreboot/blob/main/src/commonlib/bsd/include/commonlib/bsd/cbfs_serialized.h",
    ],
    limitations: &[],
};

const MAGIC: &[u8] = b"LARCHIVE";
/// Files begin at multiples of this.
const STEP: u64 = 64;
/// More than any archive has.
const MOST_FILES: usize = 4096;

impl Format for Cbfs {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let first = Entry::read(bytes, 0).ok_or(Rejected("header"))?;
        let end = entries(bytes).last().map_or(first.end(), |last| last.end());
        Ok(Carved::new(end, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        for entry in entries(blob.bytes()) {
            children.budget().check()?;
            if !matches!(entry.kind, NULL | DELETED) {
                entry.hand_over(blob.bytes(), children)?;
            }
        }
        Ok(())
    }
}

/// The files in order of place.
fn entries(bytes: Bytes<'_>) -> impl Iterator<Item = Entry> + '_ {
    let mut at = 0;
    let next = move || {
        let entry = Entry::read(bytes, at)?;
        at = entry.end().checked_next_multiple_of(STEP)?;
        Some(entry)
    };
    std::iter::from_fn(next).take(MOST_FILES)
}

const NULL: u32 = u32::MAX;
const DELETED: u32 = 0;
const OLD_STAGE: u32 = 0x10;
const PAYLOAD: u32 = 0x20;

/// A file; numbers are big endian:
///
/// ```text
/// 0 "LARCHIVE"   8 size of the data u32   c type u32   10 offset of the attributes u32, or 0   14 offset of the data u32   18 name
/// ```
///
struct Entry {
    start: u64,
    kind: u32,
    name: String,
    data: Span,
    attributes: Span,
}

impl Entry {
    fn read(bytes: Bytes<'_>, start: u64) -> Option<Self> {
        let at = |offset: u64| start.saturating_add(offset);
        let word = |offset: u64| bytes.u32(at(offset), Endian::Big).ok();
        if !bytes.has(start, MAGIC) {
            return None;
        }
        let (size, kind, attributes, offset) = (u64::from(word(8)?), word(12)?, u64::from(word(16)?), u64::from(word(20)?));
        if !(0x18..0x1_0000).contains(&offset) || size > 1 << 28 || (attributes != 0 && !(0x18..offset).contains(&attributes)) {
            return None;
        }
        let name_end = if attributes == 0 { offset } else { attributes };
        let name = bytes.text(at(0x18), name_end.saturating_sub(0x18)).ok()?;
        let attributes = if attributes == 0 { Span::default() } else { Span::between(at(attributes), at(offset)) };
        Some(Self { start, kind, name: path_text(name), data: Span::new(at(offset), size), attributes })
    }

    fn end(&self) -> u64 {
        self.data.end().max(self.start.saturating_add(0x18))
    }

    fn hand_over(&self, bytes: Bytes<'_>, children: &mut Children<'_>) -> Result<(), Fault> {
        let name = if self.name.is_empty() { format!("file-{:x}", self.start) } else { self.name.clone() };
        let attributes = Attributes::read(Bytes(bytes.up_to(self.attributes.start, self.attributes.length)));
        if let Some(fault) = bytes.part(self.data).ok().and_then(|data| attributes.mismatch(data.0, &name)) {
            children.problem(&fault, Some(self.data.start));
        }
        if self.kind == PAYLOAD && attributes.packing == 0 && payload::segments(bytes, self.data, &name, children)? {
            return Ok(());
        }
        let (packing, data) = match self.kind {
            // The header is the oldest's own: compression u32, entry u64, address u64, size u32, size in memory u32; little endian.
            OLD_STAGE if self.data.length > 28 => {
                let packing = bytes.u32(self.data.start, Endian::Little).unwrap_or(0);
                (packing, Span::between(self.data.start.saturating_add(28), self.data.end()))
            }
            _ => (attributes.packing, self.data),
        };
        hand_over(bytes, &name, data, packing, children)
    }
}

/// Hands over what is at `data`, unpacked if it is packed in a way that is known.
fn hand_over(bytes: Bytes<'_>, name: &str, data: Span, packing: u32, children: &mut Children<'_>) -> Result<(), Fault> {
    let codec = match packing {
        0 => return Ok(children.span(name, data, crate::format::Attributes::default())?),
        1 => Codec::Lzma,
        2 => Codec::Lz4,
        _ => {
            let fault = Fault::unsupported(format!("compressed in a way that is not known: {packing}"));
            return Ok(children.span_with(name, data, crate::format::Attributes::default(), Some(&fault))?);
        }
    };
    let stream = codec.stream(bytes.up_to(data.start, data.length), children.budget());
    if stream.output.is_empty() && stream.fault.is_some() {
        return Ok(children.span_with(name, data, crate::format::Attributes::default(), stream.fault.as_ref())?);
    }
    Ok(children.made_with(name, stream.output, crate::format::Attributes::default(), stream.fault.as_ref())?)
}

#[cfg(test)]
mod tests;
