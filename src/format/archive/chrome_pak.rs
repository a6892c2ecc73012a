//! Resources of Chromium and of what is built on it (PAK): pages, images and texts by number.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Chromium resources, version 4 and 5.
#[derive(Debug)]
pub(super) struct ChromePak;

static SPEC: Spec = Spec {
    id: "chrome-pak",
    name: "Chromium resources (PAK)",
    kind: Kind::Archive,
    magics: &[Magic::start(&[4, 0, 0, 0]), Magic::start(&[5, 0, 0, 0])],
    leaf: false,
    references: &["https://source.chromium.org/chromium/chromium/src/+/main:ui/base/resource/data_pack.cc"],
    limitations: &["resources compressed with Brotli are handed over as they are"],
};

impl Format for ChromePak {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let resources = resources(Bytes(blob.bytes().tail(start)))?;
        let end = resources.last().map_or(0, |(_, span)| span.end());
        Ok(Carved::new(end, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        for (id, span) in resources(blob.bytes()).map_err(|rejected| Fault::corrupt(rejected.0))? {
            children.span(format!("resource-{id}"), span, Attributes::default())?;
        }
        Ok(())
    }
}

/// Resources that are believed.
const MOST: u64 = 0xffff;

/// Little endian. Version 4: u32 version, u32 resources, u8 encoding. 5: u32 version, u8 encoding, 3 of padding, u16 resources, u16
/// aliases. Then for each resource u16 id, u32 offset, by id; one more, with id 0, ends the last; aliases, data.
fn resources(bytes: Bytes<'_>) -> Result<Vec<(u16, Span)>, Rejected> {
    let (count, encoding, table, aliases) = match bytes.u32(0, Endian::Little)? {
        4 => (u64::from(bytes.u32(4, Endian::Little)?), bytes.u8(8)?, 9_u64, 0),
        _ if bytes.get(5, 3)? != [0; 3] => return Err(Rejected("padding")),
        _ => (bytes.u16(8, Endian::Little)?.into(), bytes.u8(4)?, 12, u64::from(bytes.u16(10, Endian::Little)?)),
    };
    let entry = |index: u64| {
        let at = table.saturating_add(index.saturating_mul(6));
        Ok::<_, Rejected>((bytes.u16(at, Endian::Little)?, u64::from(bytes.u32(at.saturating_add(2), Endian::Little)?)))
    };
    let data = table.saturating_add(count.saturating_add(1).saturating_mul(6)).saturating_add(aliases.saturating_mul(4));
    if encoding > 2 || !(1..=MOST).contains(&count) || entry(0)?.1 != data || entry(count)?.0 != 0 {
        return Err(Rejected("table"));
    }
    let mut resources: Vec<(u16, Span)> = Vec::new();
    for index in 0..count {
        let ((id, start), (_, end)) = (entry(index)?, entry(index.saturating_add(1))?);
        if end < start || resources.last().is_some_and(|(last, _)| *last >= id) {
            return Err(Rejected("order of the resources"));
        }
        resources.push((id, Span::between(start, end)));
    }
    Ok(resources)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack};
    use crate::problem::Code;

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/chrome-pak/resources.pak");

    #[test]
    fn resources_come_back() {
        let unpacked = unpack(&ChromePak, IMAGE);
        assert_eq!((unpacked.names(), unpacked.problems.len()), (vec!["resource-101", "resource-102", "resource-400"], 0));
        assert_eq!(unpacked.file("resource-101"), include_bytes!("../../../fixtures/content/tree/www/index.html"));
        let cut = unpack(&ChromePak, &IMAGE[..IMAGE.len() - 10]);
        assert_eq!(cut.problems[0].0, Code::Truncated);
        survives_damage(&ChromePak, IMAGE);
    }

    #[test]
    fn version_four() {
        let image = [&[4, 0, 0, 0, 1, 0, 0, 0, 1][..], &[7, 0, 21, 0, 0, 0], &[0, 0, 24, 0, 0, 0], b"one", b"more"].concat();
        assert_eq!(carve(&ChromePak, &image, 0), Some(24));
        assert_eq!(unpack(&ChromePak, &image).file("resource-7"), b"one");
        assert_eq!(carve(&ChromePak, &[4, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 0), None);
    }
}
