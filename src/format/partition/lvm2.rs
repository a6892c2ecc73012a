//! A physical volume of LVM2: logical volumes made of extents, described in text.

use std::collections::BTreeMap;

use super::mbr::layout::Layout;
use crate::blob::{Blob, Bytes, Endian, Span, to_u64};
use crate::codec::crc::crc32;
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, part_text};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

mod text;

use text::Section;

/// Physical volume of the second logical volume manager.
#[derive(Debug)]
pub(super) struct Lvm2;

static SPEC: Spec = Spec {
    id: "lvm2",
    name: "LVM2 physical volume",
    kind: Kind::Partition,
    magics: &[
        Magic::anywhere(b"LABELONE").at(SECTOR),
        Magic::anywhere(b"LABELONE"),
        Magic::anywhere(b"LABELONE").at(SECTOR * 2),
        Magic::anywhere(b"LABELONE").at(SECTOR * 3),
    ],
    leaf: false,
    references: &["https://github.com/libyal/libvslvm/blob/main/documentation/Logical%20Volume%20Manager%20(LVM)%20format.asciidoc"],
    limitations: &[
        "logical volumes that lie on several physical volumes are not assembled",
        "thin, cached, snapshot and parity volumes are not assembled; what they are made of is handed over",
    ],
};

const SECTOR: u64 = 512;

/// Most physical or logical volumes, or segments of one, that are read.
const MOST: usize = 65_536;

/// The label, which stands in one of the first four sectors. Little endian:
///
/// ```text
///  0 "LABELONE"   8 u64 its sector   16 u32 checksum of the rest of the sector   20 u32 where the header of the volume is
/// 24 "LVM2 001"
/// header: 0 u8[32] UUID   32 u64 bytes of the device   then pairs of u64 offset and u64 size: data areas, 0 0, metadata areas, 0 0
/// ```
struct Label<'a> {
    uuid: &'a [u8],
    size: u64,
    metadata: Vec<Span>,
}

impl<'a> Label<'a> {
    fn read(image: Bytes<'a>) -> Result<Self, Rejected> {
        (0..4).find_map(|sector| Self::at(image, sector).ok()).ok_or(Rejected("no label"))
    }

    fn at(image: Bytes<'a>, sector: u64) -> Result<Self, Rejected> {
        let bytes = Bytes(image.get(sector.saturating_mul(SECTOR), SECTOR)?);
        if !bytes.has(0, b"LABELONE") || !bytes.has(24, b"LVM2 001") || bytes.u64(8, Endian::Little)? != sector {
            return Err(Rejected("magic, sector or type"));
        }
        if bytes.u32(16, Endian::Little)? != checksum(bytes.tail(20)) {
            return Err(Rejected("checksum"));
        }
        let mut at = u64::from(bytes.u32(20, Endian::Little)?);
        let (uuid, size) = (bytes.get(at, 32)?, bytes.u64(at.saturating_add(32), Endian::Little)?);
        at = at.saturating_add(40);
        let mut list = || {
            let mut spans = Vec::new();
            loop {
                let span = Span::new(bytes.u64(at, Endian::Little)?, bytes.u64(at.saturating_add(8), Endian::Little)?);
                at = at.saturating_add(16);
                if span.start == 0 {
                    return Ok::<_, Rejected>(spans);
                }
                spans.push(span);
            }
        };
        let _data = list()?;
        let metadata = list()?;
        if size == 0 {
            return Err(Rejected("size"));
        }
        Ok(Self { uuid, size, metadata })
    }
}

/// CRC-32 from a seed of LVM's own, and not inverted.
fn checksum(bytes: &[u8]) -> u32 {
    crc32(0xf597_a6cf, bytes)
}

/// The text of a metadata area, which is written round and round in it.
///
/// ```text
///  0 u32 checksum of the rest of the sector   4 " LVM2 x[5A%r0N*>"   20 u32 1   24 u64 where this stands   32 u64 bytes of the area
/// 40 u64 where the text is in the area   48 u64 its size   56 u32 its checksum   60 u32 flags
/// ```
fn metadata(image: Bytes<'_>, area: Span) -> Result<Vec<u8>, Fault> {
    let header = Bytes(image.get(area.start, SECTOR)?);
    if !header.has(4, b" LVM2 x[5A%r0N*>") || header.u32(20, Endian::Little)? != 1 {
        return Err(Fault::corrupt("a metadata area begins with something else"));
    }
    if header.u32(0, Endian::Little)? != checksum(header.tail(4)) {
        return Err(Fault::Checksum("the header of a metadata area does not fit its checksum".to_owned()));
    }
    let size = header.u64(32, Endian::Little)?;
    let (start, length) = (header.u64(40, Endian::Little)?, header.u64(48, Endian::Little)?);
    if length == 0 {
        return Ok(Vec::new());
    }
    if start < SECTOR || start > size || length > size.saturating_sub(SECTOR) {
        return Err(Fault::corrupt("the metadata is outside of its area"));
    }
    let first = length.min(size.saturating_sub(start));
    let mut text = image.get(area.start.saturating_add(start), first)?.to_vec();
    text.extend_from_slice(image.get(area.start.saturating_add(SECTOR), length.saturating_sub(first))?);
    if header.u32(56, Endian::Little)? != checksum(&text) {
        return Err(Fault::Checksum("the metadata does not fit its checksum".to_owned()));
    }
    Ok(text)
}

impl Format for Lvm2 {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let label = Label::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(label.size, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let label = Label::read(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let mut layout = Layout::default();
        layout.take(Span::new(0, SECTOR * 4));
        let mut text = None;
        for area in &label.metadata {
            layout.take(*area);
            match metadata(image, *area) {
                Ok(found) => text = text.or(Some(found)),
                Err(fault) => children.problem(&fault, Some(area.start)),
            }
        }
        // A volume without metadata of its own belongs to a group that keeps it elsewhere, or to none.
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            let root = text::parse(&text)?;
            let (name, group) = root.sections().next().ok_or_else(|| Fault::corrupt("no volume group in the metadata"))?;
            let prefix = part_text(name);
            Group::new(image, label.uuid, group)?.hand_over(&prefix, &mut layout, children)?;
        }
        layout.gaps(image, children)?;
        if label.size > image.len() {
            return Err(Fault::Truncated(format!("{} of {} bytes are there", image.len(), label.size)));
        }
        Ok(())
    }
}

/// A volume group, seen from one of its physical volumes.
struct Group<'a, 't> {
    image: Bytes<'a>,
    /// Bytes of an extent.
    extent: u64,
    /// The name of this physical volume, and where its extents begin.
    here: &'t [u8],
    start: u64,
    volumes: &'t Section,
    empty: Section,
}

impl<'a, 't> Group<'a, 't> {
    fn new(image: Bytes<'a>, uuid: &[u8], group: &'t Section) -> Result<Self, Fault> {
        let extent = group.number("extent_size").ok_or_else(|| Fault::corrupt("no extent size"))?.saturating_mul(SECTOR);
        let physical = group.section("physical_volumes").ok_or_else(|| Fault::corrupt("no physical volumes"))?;
        let is_this = |section: &Section| section.text("id").is_some_and(|id| id.iter().filter(|byte| **byte != b'-').eq(uuid.iter()));
        let (here, volume) = physical
            .sections()
            .find(|(_, section)| is_this(section))
            .ok_or_else(|| Fault::corrupt("this physical volume is not in its group"))?;
        let start = volume.number("pe_start").unwrap_or(0).saturating_mul(SECTOR);
        let volumes = group.section("logical_volumes").unwrap_or(group);
        Ok(Self { image, extent, here, start, volumes, empty: Section::default() })
    }

    fn hand_over(&self, prefix: &str, layout: &mut Layout, children: &mut Children<'_>) -> Result<(), Fault> {
        let volumes = if self.volumes.number("extent_size").is_some() { &self.empty } else { self.volumes };
        for (name, volume) in volumes.sections().take(MOST) {
            let name = format!("{prefix}/{}", part_text(name));
            match self.pieces(volume) {
                Ok(pieces) => self.volume(name, &pieces, layout, children)?,
                Err(fault) => children.problem(&Fault::unsupported(format!("{name}: {fault}")), None),
            }
        }
        Ok(())
    }

    /// Where the pieces of a logical volume stand, in its order.
    fn pieces(&self, volume: &Section) -> Result<Vec<Span>, Fault> {
        let mut segments = BTreeMap::new();
        for (_, segment) in volume.sections().filter(|(name, _)| name.starts_with(b"segment")).take(MOST) {
            segments.insert(segment.number("start_extent").unwrap_or(0), segment);
        }
        let mut pieces: Vec<Span> = Vec::new();
        for segment in segments.values() {
            if segment.text("type") != Some(b"striped") {
                let kind = String::from_utf8_lossy(segment.text("type").unwrap_or_default()).into_owned();
                return Err(Fault::unsupported(format!("a segment of type {kind:.40} is not read")));
            }
            let length = segment.number("extent_count").unwrap_or(0).saturating_mul(self.extent);
            let stripes = self.stripes(segment)?;
            self.interleave(&stripes, segment.number("stripe_size").unwrap_or(0).saturating_mul(SECTOR), length, &mut pieces)?;
        }
        Ok(pieces)
    }

    /// Where each stripe of a segment begins. They are listed as name and first extent by turns.
    fn stripes(&self, segment: &Section) -> Result<Vec<u64>, Fault> {
        let list = segment.list("stripes").unwrap_or_default();
        let mut starts = Vec::new();
        for pair in list.chunks(2).take(MOST) {
            let [name, extent] = pair else { return Err(Fault::corrupt("half a stripe")) };
            if name.as_text() != Some(self.here) {
                return Err(Fault::unsupported("a part of it is on another physical volume"));
            }
            let extent = extent.as_number().ok_or_else(|| Fault::corrupt("a stripe without a place"))?;
            starts.push(self.start.saturating_add(extent.saturating_mul(self.extent)));
        }
        if starts.is_empty() { Err(Fault::corrupt("a segment without stripes")) } else { Ok(starts) }
    }

    fn interleave(&self, stripes: &[u64], size: u64, length: u64, pieces: &mut Vec<Span>) -> Result<(), Fault> {
        let mut add = |span: Span| match pieces.last_mut() {
            Some(last) if last.end() == span.start => last.length = last.length.saturating_add(span.length),
            _ => pieces.push(span),
        };
        if let [start] = stripes {
            add(Span::new(*start, length));
            return Ok(());
        }
        if size == 0 || length.div_ceil(size) > self.image.len() / SECTOR {
            return Err(Fault::corrupt("stripes of no size, or too many"));
        }
        let (mut left, mut row) = (length, 0);
        while left > 0 {
            for start in stripes {
                add(Span::new(start.saturating_add(row), size.min(left)));
                left = left.saturating_sub(size);
            }
            row = row.saturating_add(size);
        }
        Ok(())
    }

    fn volume(&self, name: String, pieces: &[Span], layout: &mut Layout, children: &mut Children<'_>) -> Result<(), Fault> {
        for piece in pieces {
            layout.take(*piece);
        }
        if let [piece] = pieces {
            return Ok(children.span(name, *piece, Attributes::default())?);
        }
        let (mut output, mut fault) = (children.output(), None);
        for piece in pieces {
            let bytes = self.image.up_to(piece.start, piece.length);
            output.push(bytes)?;
            if to_u64(bytes.len()) < piece.length {
                fault = Some(Fault::Truncated("a part of it is behind the end of the image".to_owned()));
                break;
            }
        }
        Ok(children.made_with(name, output, Attributes::default(), fault.as_ref())?)
    }
}

#[cfg(test)]
mod tests;
