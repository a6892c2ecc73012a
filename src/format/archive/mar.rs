//! MAR archives, in which Mozilla's programs get their updates.

use crate::blob::{Blob, Bytes, Endian, Span, to_u64};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, entry_path};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Mozilla archive.
#[derive(Debug)]
pub(super) struct Mar;

static SPEC: Spec = Spec {
    id: "mar",
    name: "Mozilla archive (MAR)",
    kind: Kind::Archive,
    magics: &[Magic::anywhere(b"MAR1")],
    leaf: false,
    references: &["https://wiki.mozilla.org/Software_Update:MAR"],
    limitations: &["signatures are not verified"],
};

/// Further sections that are believed; the one that names channel and version has this id.
const MOST_SECTIONS: u32 = 64;
const PRODUCT: u32 = 1;

impl Format for Mar {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let index = index(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(index.end(), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let index = index(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        if let Some((channel, version)) = product(bytes) {
            children.fact("header.name", bytes.up_to(channel.start, channel.length), channel);
            children.fact("header.version", bytes.up_to(version.start, version.length), version);
        }
        let mut at = index.start;
        while at < index.end() {
            let word = |offset: u64| bytes.u32(at.saturating_add(offset), Endian::Big);
            let (start, size, mode) = (word(0)?, word(4)?, word(8)?);
            let name = Bytes(bytes.up_to(at.saturating_add(12), index.end().saturating_sub(at)));
            let name = name.text(0, name.len())?;
            at = at.saturating_add(13).saturating_add(to_u64(name.len()));
            let attributes = Attributes { mode: Some(mode), ..Attributes::default() };
            children.span(entry_path(name), Span::new(start.into(), size.into()), attributes)?;
        }
        Ok(())
    }
}

/// Where the index is. Big endian: "MAR1", u32 offset of the index; since 2008: u64 size of the file, signatures, further sections. The
/// index: u32 size; for each file u32 offset, u32 size, u32 mode, name ended by NUL.
fn index(bytes: Bytes<'_>) -> Result<Span, Rejected> {
    let offset = u64::from(bytes.u32(4, Endian::Big)?);
    let size = u64::from(bytes.u32(offset, Endian::Big)?);
    let index = Span::new(offset.saturating_add(4), size);
    let first = u64::from(bytes.u32(index.start, Endian::Big)?);
    let name = Bytes(bytes.up_to(index.start.saturating_add(12), 256.min(size)));
    let name = name.text(0, name.len())?;
    if offset < 8 || size < 14 || first < 8 || first > offset || name.is_empty() || name.iter().any(u8::is_ascii_control) {
        return Err(Rejected("index"));
    }
    Ok(index)
}

/// Channel and version. From 16 on: u32 signatures, each u32 algorithm, u32 size, data; u32 sections, each u32 size with these two numbers,
/// u32 id, data.
fn product(bytes: Bytes<'_>) -> Option<(Span, Span)> {
    let word = |at| bytes.u32(at, Endian::Big).ok();
    let (mut at, signatures) = (20_u64, word(16)?);
    if bytes.u64(8, Endian::Big).ok()? != bytes.len() || signatures > MOST_SECTIONS {
        return None;
    }
    for _ in 0..signatures {
        at = at.saturating_add(8).saturating_add(word(at.saturating_add(4))?.into());
    }
    let sections = word(at)?.min(MOST_SECTIONS);
    at = at.saturating_add(4);
    for _ in 0..sections {
        let size = u64::from(word(at)?);
        if word(at.saturating_add(4))? == PRODUCT {
            let start = at.saturating_add(8);
            let text = Bytes(bytes.up_to(start, size.saturating_sub(8)));
            let channel = to_u64(text.text(0, text.len()).ok()?.len());
            let rest = Bytes(text.tail(channel.saturating_add(1)));
            let version = to_u64(rest.text(0, rest.len()).ok()?.len());
            return Some((Span::new(start, channel), Span::new(start.saturating_add(channel).saturating_add(1), version)));
        }
        at = at.saturating_add(size.max(8));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack_at};

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/mar/update.mar");

    #[test]
    fn files_come_back() {
        let junk = [b"before".as_slice(), IMAGE, b"after"].concat();
        assert_eq!(carve(&Mar, &junk, 6), Some(to_u64(IMAGE.len())));
        let unpacked = unpack_at(&Mar, &junk, 6);
        assert_eq!(unpacked.problems, []);
        assert_eq!(unpacked.file("etc/motd"), include_bytes!("../../../fixtures/content/tree/etc/motd"));
        assert_eq!(unpacked.fact("header.version").as_deref(), Some("5.10"));
        survives_damage(&Mar, IMAGE);
        assert_eq!(carve(&Mar, b"MAR1 is the magic of an archive, and this is only a text about one of them", 0), None);
    }
}
