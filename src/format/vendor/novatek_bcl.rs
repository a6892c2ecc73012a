//! Novatek's compressed programs (BCL1), in dash cameras: LZ77 of the Basic Compression Library behind a header.

use crate::blob::{Blob, Bytes, Endian};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::{Budget, Output};
use crate::problem::{Fault, Rejected};

/// A compressed program.
#[derive(Debug)]
pub(super) struct NovatekBcl;

static SPEC: Spec = Spec {
    id: "novatek-bcl",
    name: "Novatek BCL1",
    kind: Kind::Compression,
    magics: &[Magic::anywhere(b"BCL1")],
    leaf: false,
    references: &["https://web.archive.org/web/20210516004049/https://limkopi.me/analysing-sj4000s-firmware/"],
    limitations: &["methods of the library other than LZ77 are not used and not read"],
};

const HEADER: u64 = 16;
const LZ77: u16 = 9;

impl Format for NovatekBcl {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// All numbers big endian: `0 magic "BCL1"   4 checksum u16   6 method u16   8 size of the content   c size here   10 data`.
    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let (method, plain, packed) = (bytes.u16(6, Endian::Big)?, bytes.u32(8, Endian::Big)?, bytes.u32(12, Endian::Big)?);
        if method != LZ77 || packed < 2 || plain < packed / 2 || plain > 1 << 30 {
            return Err(Rejected("method or sizes"));
        }
        Ok(Carved::new(HEADER.saturating_add(packed.into()), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let plain = u64::from(blob.bytes().u32(8, Endian::Big)?);
        let mut output = children.output();
        let fault = expand(Bytes(blob.bytes().tail(HEADER)), plain, &mut output).err();
        Ok(children.made_with("content", output, Attributes::default(), fault.as_ref())?)
    }
}

/// The first byte is the mark. A mark and nothing is the mark itself; a mark, a length and a distance copy what came before; all else is
/// as it stands.
fn expand(packed: Bytes<'_>, plain: u64, output: &mut Output<'_>) -> Result<(), Fault> {
    let mark = packed.u8(0)?;
    let mut at = 1;
    while at < packed.len() && output.len() < plain {
        let byte = packed.u8(at)?;
        at = at.saturating_add(1);
        if byte != mark {
            output.push(&[byte])?;
        } else if packed.u8(at)? == 0 {
            output.push(&[mark])?;
            at = at.saturating_add(1);
        } else {
            let (length, distance) = (number(packed, &mut at)?, number(packed, &mut at)?);
            let from = output.len().checked_sub(distance).filter(|_| distance > 0);
            let from = from.ok_or_else(|| Fault::corrupt("a copy from before the beginning"))?;
            for place in from..from.saturating_add(length.min(plain.saturating_sub(output.len()))) {
                let byte = Bytes(output.as_slice()).u8(place)?;
                output.push(&[byte])?;
            }
        }
    }
    if output.len() == plain { Ok(()) } else { Err(Fault::Truncated(format!("{} of {plain} bytes came out", output.len()))) }
}

/// Seven bits a byte, the highest first; the eighth says that more follow.
fn number(packed: Bytes<'_>, at: &mut u64) -> Result<u64, Fault> {
    let mut value = 0_u64;
    for _ in 0..5 {
        let byte = packed.u8(*at)?;
        *at = at.saturating_add(1);
        value = value << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(Fault::corrupt("a number without an end"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/novatek-bcl/story.bcl");
    const STORY: &[u8] = include_bytes!("../../../fixtures/content/tree/story.txt");

    #[test]
    fn the_content_comes_out() {
        assert!(IMAGE.len() < STORY.len(), "there are copies in it");
        let flash = [vec![0xff; 9], IMAGE.to_vec(), vec![0; 9]].concat();
        assert_eq!(carve(&NovatekBcl, &flash, 9), Some(IMAGE.len() as u64));
        let unpacked = unpack_at(&NovatekBcl, &flash, 9);
        assert_eq!(unpacked.file("content"), STORY);
        assert_eq!(unpacked.problems, []);
    }

    #[test]
    fn a_truncated_one_gives_what_is_there() {
        let cut = unpack(&NovatekBcl, &IMAGE[..IMAGE.len() / 2]);
        assert!(!cut.file("content").is_empty() && STORY.starts_with(cut.file("content")));
        assert_eq!(cut.problems[0].0, Code::Truncated);
        survives_damage(&NovatekBcl, IMAGE);
    }

    #[test]
    fn four_letters_are_none() {
        assert_eq!(carve(&NovatekBcl, b"BCL1 is the magic, and this a text about it", 0), None);
    }
}
