//! pbzx: what the packages of macOS hold, firmware updates among them, in pieces that are compressed each for itself.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::codec::Codec;
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// pbzx.
#[derive(Debug)]
pub(super) struct Pbzx;

static SPEC: Spec = Spec {
    id: "apple-pbzx",
    name: "Apple pbzx",
    kind: Kind::Compression,
    magics: &[Magic::anywhere(b"pbzx\0\0\0\0")],
    leaf: false,
    references: &["https://github.com/NiklasRosenstein/pbzx", "https://github.com/platomav/BIOSUtilities"],
    limitations: &[],
};

/// Bytes before the first piece, and of the header of a piece.
const HEADER: u64 = 12;
const PIECE: u64 = 16;
/// How the pieces begin that are compressed.
const XZ: &[u8] = b"\xfd7zXZ\0";
/// The largest piece.
const MOST: u64 = 1 << 28;
/// More pieces than any package has: of 16 MiB each, that is more than is ever unpacked.
const MOST_PIECES: usize = 4096;

/// A piece, big endian: 0 size of what comes out u64   8 size of the data u64   10 data, an xz stream or as it is.
struct Piece {
    size: u64,
    data: Span,
}

/// The pieces, of which the last is smaller than 4 says, big endian u64, or the bytes end.
fn pieces(bytes: Bytes<'_>) -> impl Iterator<Item = Piece> + '_ {
    let largest = bytes.u64(4, Endian::Big).unwrap_or(0);
    let (mut at, mut ended) = (HEADER, false);
    let next = move || {
        let word = |offset: u64| bytes.u64(at.saturating_add(offset), Endian::Big).ok();
        let (size, length) = (word(0)?, word(8)?);
        let fits = (1..=largest).contains(&size) && (1..=MOST).contains(&length);
        if ended || !fits || !(bytes.has(at.saturating_add(PIECE), XZ) || length == size) {
            return None;
        }
        let data = Span::new(at.saturating_add(PIECE), length);
        (at, ended) = (data.end(), size < largest);
        Some(Piece { size, data })
    };
    std::iter::from_fn(next).take(MOST_PIECES)
}

impl Format for Pbzx {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        if bytes.u64(4, Endian::Big)? > MOST {
            return Err(Rejected("size of the pieces"));
        }
        let last = pieces(bytes).last().ok_or(Rejected("no piece"))?;
        Ok(Carved::new(last.data.end(), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let (mut output, mut fault) = (children.output(), None);
        for piece in pieces(bytes) {
            let data = bytes.up_to(piece.data.start, piece.data.length);
            if piece.data.end() > bytes.len() {
                fault = Some(Fault::Truncated("not all of it is there".to_owned()));
            }
            if !data.starts_with(XZ) {
                output.push(data)?;
                continue;
            }
            let stream = Codec::Xz.stream(data, children.budget());
            output.push(stream.output.as_slice())?;
            let whole = stream.output.len() == piece.size;
            fault = fault.or(stream.fault).or_else(|| (!whole).then(|| Fault::corrupt("a piece has another size than it says")));
            if fault.is_some() {
                break;
            }
        }
        Ok(children.made_with("", output, Attributes::default(), fault.as_ref())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/apple-pbzx/Payload");
    const STORY: &[u8] = include_bytes!("../../../fixtures/content/tree/story.txt");

    #[test]
    fn pieces_come_out_as_one() {
        let file = [&[7; 3], IMAGE, b"next"].concat();
        assert_eq!(carve(&Pbzx, &file, 3), Some(IMAGE.len() as u64));
        let unpacked = unpack_at(&Pbzx, &file, 3);
        assert!(unpacked.files[0].1 == STORY, "one of the pieces is not compressed");
        assert_eq!(unpacked.problems, []);
        survives_damage(&Pbzx, IMAGE);
    }

    #[test]
    fn what_is_cut_is_said() {
        let unpacked = unpack(&Pbzx, &IMAGE[..IMAGE.len() - 20]);
        assert!(STORY.starts_with(&unpacked.files[0].1) && unpacked.files[0].1.len() > 2000);
        assert_eq!(unpacked.problems[0].0, Code::Truncated);
        assert_eq!(carve(&Pbzx, b"pbzx\0\0\0\0 is how it begins, and this is a text about it, no more", 0), None);
    }
}
