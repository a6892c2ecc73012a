//! Files of COMPRESS.EXE of MS-DOS and Windows 3: SZDD and KWAJ.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::codec::{Lzss, mszip};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, part_text};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Compressed file of MS-DOS.
#[derive(Debug)]
pub(super) struct Szdd;

static SPEC: Spec = Spec {
    id: "szdd",
    name: "MS-DOS COMPRESS (SZDD, KWAJ)",
    kind: Kind::Compression,
    magics: &[Magic::start(SZDD), Magic::start(KWAJ)],
    leaf: false,
    references: &["https://www.cabextract.org.uk/libmspack/doc/szdd_kwaj_format.html"],
    limitations: &[
        "KWAJ files with Huffman codes, and those with MSZIP that do not say their size",
        "in the middle of other bytes, as nothing says where it ends",
    ],
};

const SZDD: &[u8] = b"SZDD\x88\xf0\x27\x33";
const KWAJ: &[u8] = b"KWAJ\x88\xf0\x27\xd1";

/// No floppy disk held more.
const MOST: u64 = 1 << 28;

/// At most this comes out of a byte: two bytes make up to eighteen.
const RATIO: u64 = 9;

/// Bytes in every block of MSZIP but the last one.
const MSZIP_BLOCK: u64 = 32 << 10;

impl Format for Szdd {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let input = Bytes(blob.bytes().tail(start));
        if input.has(0, SZDD) {
            let size = u64::from(input.u32(10, Endian::Little)?);
            if input.u8(8)? != b'A' || size > MOST {
                return Err(Rejected("method or size"));
            }
        } else if input.u16(8, Endian::Little)? > 4 || !(14..=input.len()).contains(&input.u16(10, Endian::Little)?.into()) {
            return Err(Rejected("method or offset"));
        }
        Ok(Carved::new(input.len(), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        if blob.bytes().has(0, SZDD) { szdd(blob, children) } else { kwaj(blob, children) }
    }
}

/// Magic, `A`, u8 the last letter of the name, which is `_` now, u32 size; little-endian.
fn szdd(blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
    let size = u64::from(blob.bytes().u32(10, Endian::Little)?);
    hand_over(children, "", &Lzss::SZDD.block(blob.bytes().tail(14), size), size)
}

/// Magic, u16 method, u16 offset of the data, u16 flags; little-endian. Flags say which of these follow: 1 u32 size, 2 u16, 4 u16 length of
/// what is skipped, 8 name and 16 extension, each up to a NUL.
fn kwaj(blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
    let bytes = blob.bytes();
    let (method, start, flags) = (bytes.u16(8, Endian::Little)?, u64::from(bytes.u16(10, Endian::Little)?), bytes.u16(12, Endian::Little)?);
    let (mut at, mut size) = (14_u64, None);
    if flags & 1 != 0 {
        size = Some(u64::from(bytes.u32(at, Endian::Little)?));
        at = at.saturating_add(4);
    }
    if flags & 2 != 0 {
        at = at.saturating_add(2);
    }
    if flags & 4 != 0 {
        at = at.saturating_add(bytes.u16(at, Endian::Little)?.into()).saturating_add(2);
    }
    let mut name = String::new();
    for (flag, before, most) in [(8, "", 9), (16, ".", 4)] {
        if flags & flag != 0 {
            let part = Bytes(bytes.up_to(at, most)).text(0, crate::format::length_of(bytes.up_to(at, most)))?;
            at = at.saturating_add(crate::format::length_of(part)).saturating_add(1);
            name = format!("{name}{before}{}", part_text(part));
        }
    }
    let data = bytes.tail(start);
    let limit = size.unwrap_or_else(|| bytes.len().saturating_mul(RATIO));
    match method {
        0 => children.span(name, Span::between(start, blob.len()), Attributes::default()).map_err(Fault::from),
        1 => hand_over(children, &name, &data.iter().map(|byte| byte ^ 0xff).collect::<Vec<_>>(), size.unwrap_or(0)),
        2 => hand_over(children, &name, &Lzss::SZDD.block(data, limit), size.unwrap_or(0)),
        4 if size.is_some() => mszip_blocks(Bytes(data), limit, name, children),
        _ => Err(Fault::unsupported(format!("kwaj: method {method}"))),
    }
}

/// Blocks of MSZIP: u16 how many bytes, those bytes.
fn mszip_blocks(data: Bytes<'_>, size: u64, name: String, children: &mut Children<'_>) -> Result<(), Fault> {
    let (mut output, mut before, mut at) = (children.output(), Vec::new(), 0_u64);
    let mut next = |left: u64| -> Result<Vec<u8>, Fault> {
        let length = u64::from(data.u16(at, Endian::Little)?);
        let packed = data.get(at.saturating_add(2), length)?;
        at = at.saturating_add(2).saturating_add(length);
        before = mszip::block(packed, &before, left.min(MSZIP_BLOCK))?;
        Ok(before.clone())
    };
    let mut fault = None;
    while output.len() < size && fault.is_none() {
        match next(size.saturating_sub(output.len())) {
            Ok(block) => output.push(&block)?,
            Err(broken) => fault = Some(broken),
        }
    }
    Ok(children.made_with(name, output, Attributes::default(), fault.as_ref())?)
}

fn hand_over(children: &mut Children<'_>, name: &str, content: &[u8], size: u64) -> Result<(), Fault> {
    let mut output = children.output();
    output.push(content)?;
    let short = || Fault::Truncated(format!("{} of {size} bytes are there", output.len()));
    let fault = (output.len() < size).then(short);
    children.made_with(name, output, Attributes::default(), fault.as_ref())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack};
    use crate::problem::Code;

    #[test]
    fn files() {
        let story = include_bytes!("../../../fixtures/content/tree/story.txt");
        let packed = include_bytes!("../../../fixtures/szdd/story.tx_");
        assert_eq!(unpack(&Szdd, packed).file(""), story);
        let cut = unpack(&Szdd, &packed[..packed.len() / 2]);
        assert!(story.starts_with(cut.file("")) && cut.problems[0].0 == Code::Truncated);
        for (method, data) in [(0_u16, story.to_vec()), (1, story.iter().map(|byte| byte ^ 0xff).collect()), (2, packed[14..].to_vec())] {
            let head = [KWAJ, &method.to_le_bytes(), &[29, 0, 25, 0], &9999_u32.to_le_bytes(), b"STORY\0TXT\0 "].concat();
            let head = [&head[..14], &u32::try_from(story.len()).unwrap().to_le_bytes(), &head[18..]].concat();
            let unpacked = unpack(&Szdd, &[head, data].concat());
            assert_eq!((unpacked.file("STORY.TXT") == story, unpacked.problems), (true, vec![]));
        }
        let plain = story.iter().map(|byte| byte ^ 0xff).collect();
        let without_size = [KWAJ.to_vec(), vec![1, 0, 24, 0, 24, 0], b"STORY\0TXT\0".to_vec(), plain].concat();
        let unpacked = unpack(&Szdd, &without_size);
        assert_eq!((unpacked.file("STORY.TXT") == story, unpacked.problems), (true, vec![]));
        let mszip = include_bytes!("../../../fixtures/szdd/mszip.kwj");
        let unpacked = unpack(&Szdd, mszip);
        assert!(unpacked.file("STORY.TXT") == [story.as_slice(); 9].concat() && unpacked.problems.is_empty());
        survives_damage(&Szdd, mszip);
        assert_eq!(carve(&Szdd, b"SZDD\x88\xf0\x27\x33B and something else", 0), None);
        survives_damage(&Szdd, packed);
    }
}
