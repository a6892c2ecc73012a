//! gzip members, RFC 1952.

use crate::blob::{Blob, Bytes};
use crate::codec::Codec;
use crate::format::{Carved, Format, Kind, Magic, Spec, carve_stream, path_text};
use crate::limits::Budget;
use crate::problem::Rejected;

/// gzip, one member or several in a row.
#[derive(Debug)]
pub(super) struct Gzip;

static SPEC: Spec = Spec {
    id: "gzip",
    name: "gzip",
    kind: Kind::Compression,
    // ID1 ID2, CM = 8 (deflate)
    magics: &[Magic::anywhere(&[0x1f, 0x8b, 0x08])],
    leaf: false,
    references: &["https://www.rfc-editor.org/rfc/rfc1952"],
    limitations: &[],
};

impl Format for Gzip {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, budget: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let input = Bytes(blob.bytes().tail(start));
        let (flags, extra) = (input.u8(3)?, input.u8(8)?);
        if flags & 0xe0 != 0 {
            return Err(Rejected("reserved flags are set"));
        }
        if !matches!(extra, 0 | 2 | 4) {
            return Err(Rejected("no encoder writes this XFL"));
        }
        carve_stream(Codec::Gzip, name(input), input.0, budget)
    }
}

/// The original name, RFC 1952 section 2.3.1: after the ten fixed bytes and FEXTRA, if FNAME (bit 3) is set.
fn name(input: Bytes<'_>) -> String {
    let flags = input.u8(3).unwrap_or(0);
    if flags & 8 == 0 {
        return String::new();
    }
    let start = match flags & 4 {
        0 => 10,
        _ => 12_u64.saturating_add(input.u16(10, crate::blob::Endian::Little).unwrap_or(0).into()),
    };
    path_text(input.up_to(start, 255).split(|byte| *byte == 0).next().unwrap_or_default())
}
