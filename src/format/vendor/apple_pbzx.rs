//! pbzx: what Apple's updates and installers are compressed with, a row of xz streams.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::codec::Codec;
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// pbzx.
#[derive(Debug)]
pub(super) struct ApplePbzx;

static SPEC: Spec = Spec {
    id: "apple-pbzx",
    name: "Apple pbzx stream",
    kind: Kind::Compression,
    magics: &[Magic::anywhere(b"pbzx")],
    leaf: false,
    references: &["https://github.com/NiklasRosenstein/pbzx"],
    limitations: &[],
};

/// Bytes before the first chunk, and before the data of each.
const HEADER: u64 = 12;
const CHUNK: u64 = 16;

/// More chunks than any stream has, and more bytes than any chunk.
const MOST: usize = 1 << 16;
const LARGEST: u64 = 1 << 28;

impl Format for ApplePbzx {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let end = chunks(bytes)?.last().map(|chunk| chunk.data.end()).ok_or(Rejected("no chunk"))?;
        Ok(Carved::new(end, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let (bytes, mut output, mut fault) = (blob.bytes(), children.output(), None);
        for chunk in chunks(bytes).map_err(|rejected| Fault::corrupt(rejected.0))? {
            let data = bytes.up_to(chunk.data.start, chunk.data.length);
            let plain = if chunk.data.length == chunk.plain { Ok(data.to_vec()) } else { Codec::Xz.block(data, chunk.plain) };
            match plain {
                Ok(plain) => output.push(&plain)?,
                Err(broken) => {
                    fault = Some(broken);
                    break;
                }
            }
        }
        Ok(children.made_with("payload", output, Attributes::default(), fault.as_ref())?)
    }
}

struct Chunk {
    plain: u64,
    data: Span,
}

/// `0 magic "pbzx"   4 size of a chunk   c chunks: size of the content, size of the data, data`; all numbers big endian. All chunks but the
/// last have the same size.
fn chunks(bytes: Bytes<'_>) -> Result<impl Iterator<Item = Chunk> + '_, Rejected> {
    let full = bytes.u64(4, Endian::Big)?;
    if full == 0 || full > LARGEST || !full.is_multiple_of(4096) {
        return Err(Rejected("the size of a chunk"));
    }
    let mut next = Some(HEADER);
    let chunks = std::iter::from_fn(move || {
        let at = next.take()?;
        let (plain, length) = (bytes.u64(at, Endian::Big).ok()?, bytes.u64(at.saturating_add(8), Endian::Big).ok()?);
        let data = Span::new(at.saturating_add(CHUNK), length);
        let known = length == plain || bytes.has(data.start, b"\xfd7zXZ");
        if !(1..=full).contains(&plain) || !(1..=plain).contains(&length) || !known {
            return None;
        }
        next = (plain == full).then_some(data.end());
        Some(Chunk { plain, data })
    });
    Ok(chunks.take(MOST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/apple-pbzx/payload.pbzx");

    #[test]
    fn the_payload_comes_out() {
        let flash = [vec![0; 77], IMAGE.to_vec(), vec![0xff; 9]].concat();
        assert_eq!(carve(&ApplePbzx, &flash, 77), Some(IMAGE.len() as u64));
        let unpacked = unpack_at(&ApplePbzx, &flash, 77);
        assert_eq!(unpacked.problems, []);
        let plain = unpacked.file("payload");
        assert!(plain.len() > 8192 && plain.starts_with(include_bytes!("../../../fixtures/content/tree/story.txt")));
        assert_eq!(carve(&ApplePbzx, &b"pbzx".repeat(40), 0), None);
        survives_damage(&ApplePbzx, IMAGE);
    }

    #[test]
    fn what_is_there_comes_out_of_a_truncated_stream() {
        let cut = unpack(&ApplePbzx, &IMAGE[..IMAGE.len() - 40]);
        assert_eq!(cut.problems.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [Code::Truncated]);
        assert_eq!(cut.file("payload").len(), 2 * 8192);
    }
}
