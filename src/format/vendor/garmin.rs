//! Garmin's firmware: GCD, a row of records, and RGN, which older devices and the regions of GCD have.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, cipher, over, sums};
use crate::format::{Kind, Magic, Spec};
use crate::limits::Output;
use crate::problem::{Fault, Rejected};

/// A GCD file.
pub(super) static GARMIN_GCD: Header = Header { spec: &GCD, read: records };
/// An RGN file.
pub(super) static GARMIN_RGN: Header = Header { spec: &RGN, read: regions };

static GCD: Spec = Spec {
    id: "garmin-gcd",
    name: "Garmin firmware (GCD)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"GARMINd\0")],
    leaf: false,
    references: &["https://github.com/mbirth/gcd-parser"],
    limitations: &[],
};

static RGN: Spec = Spec {
    id: "garmin-rgn",
    name: "Garmin firmware (RGN)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"KpGr")],
    leaf: false,
    references: &["https://github.com/mbirth/gcd-parser"],
    limitations: &["what regions are for is not named"],
};

/// Where the first record stands, and the bytes before the data of one.
const FIRST: u64 = 8;
const RECORD: u64 = 4;

/// More records than any file has: those of a region hold no more than 64 KiB each.
const MOST: usize = 1 << 14;

/// Kinds of records.
const SUM: u16 = 1;
const PART_NUMBER: u16 = 3;
const FIELDS: u16 = 6;
const VALUES: u16 = 7;
const REGION: u16 = 8;
const END: u16 = 0xffff;

/// The field that says what all bytes of a region are changed by.
const MASK: u16 = 0x000a;

/// A region that several records hold.
struct Region {
    kind: u16,
    span: Span,
    mask: u8,
}

/// `0 magic "GARMINd"   8 records: kind, size, both u16 little endian, data`. Kinds: 1 a byte that makes all before it come to 0, 2 padding,
/// 3 part number, 5 copyright, 6 list of fields, 7 their values, ffff end, others regions.
fn records(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let (mut at, mut count, mut ended) = (FIRST, 0, false);
    let (mut regions, mut seals, mut part, mut fields, mut mask) = (Vec::<Region>::new(), Vec::new(), None, Span::default(), 0);
    while count < MOST && !ended {
        let Ok(kind) = bytes.u16(at, Endian::Little) else { break };
        let Ok(size) = bytes.u16(at.saturating_add(2), Endian::Little) else { break };
        let data = Span::new(at.saturating_add(RECORD), size.into());
        if (kind == SUM && size != 1) || kind == 0 {
            return Err(Rejected("a record"));
        }
        match kind {
            SUM => seals.push(data.start),
            PART_NUMBER => part = Some(data),
            FIELDS => fields = data,
            VALUES => mask = value_of_mask(bytes, fields, data),
            END => ended = true,
            _ if kind >= REGION => match regions.last_mut().filter(|region| region.kind == kind) {
                Some(region) => region.span = Span::between(region.span.start, data.end()),
                None => regions.push(Region { kind, span: Span::between(at, data.end()), mask }),
            },
            _ => {}
        }
        at = data.end();
        count = count.saturating_add(1);
    }
    if regions.is_empty() || seals.is_empty() {
        return Err(Rejected("no region"));
    }
    let mut image = Image::new(at, FIRST);
    if let Some(part) = part {
        image.fact("header.product", part.start, part.length);
    }
    let mut before = 0;
    for seal in seals {
        let end = seal.saturating_add(1);
        image.sum("the records", seal, &[0], sums::low_byte_added, over(before, end));
        before = end;
    }
    image.known(Span::between(FIRST, at));
    for region in regions {
        let (kind, mask) = (region.kind, region.mask);
        let undo = move |there: Bytes<'_>, output: &mut Output<'_>| gather(there, kind, mask, output);
        image.undone(format!("region-{kind:04x}"), region.span, Box::new(undo));
    }
    Ok(image)
}

/// The mask among the values. A field whose number begins with 0 has one byte, with 1 two, with 2 four, with others none.
fn value_of_mask(bytes: Bytes<'_>, fields: Span, values: Span) -> u8 {
    let mut at = values.start;
    for index in 0..fields.length.min(128) / 2 {
        let field = bytes.u16(fields.start.saturating_add(index.saturating_mul(2)), Endian::Little).unwrap_or(u16::MAX);
        if field == MASK {
            return bytes.u8(at).unwrap_or(0);
        }
        at = at.saturating_add(match field >> 12 {
            0 => 1,
            1 => 2,
            2 => 4,
            _ => 0,
        });
    }
    0
}

/// The data of all records of this kind.
fn gather(there: Bytes<'_>, kind: u16, mask: u8, output: &mut Output<'_>) -> Result<(), Fault> {
    let mut at = 0;
    while let (Ok(found), Ok(size)) = (there.u16(at, Endian::Little), there.u16(at.saturating_add(2), Endian::Little)) {
        let start = at.saturating_add(RECORD);
        if found == kind {
            cipher::xor(&[mask], there.up_to(start, size.into()), &mut |part| output.push(part))?;
        }
        at = start.saturating_add(size.into());
    }
    Ok(())
}

/// `0 magic "KpGr"   4 version 100, u16   6 records: size u32, kind: D version of data, A version and names of the program, R region`. A
/// region: `0 number, u16   2 delay   6 size   a data`. All numbers little endian.
fn regions(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let (mut at, mut found) = (6_u64, Vec::new());
    while found.len() < MOST {
        let (Ok(size), Ok(kind)) = (bytes.u32(at, Endian::Little), bytes.u8(at.saturating_add(4))) else { break };
        let data = Span::new(at.saturating_add(5), size.into());
        let inner = bytes.u32(data.start.saturating_add(6), Endian::Little).map(u64::from);
        let fits = match kind {
            b'D' => size == 2,
            b'A' => (2..1024).contains(&size),
            b'R' => inner.is_ok_and(|inner| inner.saturating_add(10) == data.length),
            _ => false,
        };
        if !fits {
            break;
        }
        found.push((kind, data));
        at = data.end();
    }
    if bytes.u16(4, Endian::Little)? != 100 || !found.iter().any(|(kind, _)| *kind == b'R') {
        return Err(Rejected("no region"));
    }
    let mut image = Image::new(at, 6);
    image.known(Span::between(6, at));
    for (kind, data) in found {
        if kind == b'A' {
            image.fact("header.name", data.start.saturating_add(2), data.length.saturating_sub(2));
        } else if kind == b'R' {
            let number = bytes.u16(data.start, Endian::Little)?;
            image.part(format!("region-{number}"), Span::between(data.start.saturating_add(10), data.end()));
        }
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, holds, unpack, verifies};

    #[test]
    fn regions_of_records_come_out() {
        let image = include_bytes!("../../../fixtures/garmin-gcd/watch.gcd");
        holds(&GARMIN_GCD, image, &[("region-0505", ROOTFS), ("region-02bd", KERNEL)]);
        verifies(&GARMIN_GCD, image, &[12, 0x80]);
        assert_eq!(unpack(&GARMIN_GCD, image).fact("header.product").unwrap(), "006-EX123");
    }

    #[test]
    fn regions_come_out() {
        let image = include_bytes!("../../../fixtures/garmin-rgn/navigator.rgn");
        holds(&GARMIN_RGN, image, &[("region-12", KERNEL), ("region-14", ROOTFS)]);
        assert_eq!(unpack(&GARMIN_RGN, image).fact("header.name").unwrap(), "EXAMPLE");
    }
}
