//! Files of apk-tools 3 as they are given out: compressed as a whole.

use crate::blob::{Blob, Bytes};
use crate::codec::Codec;
use crate::format::{Carved, Format, Kind, Magic, Spec, carve_stream};
use crate::limits::Budget;
use crate::problem::Rejected;

/// Compressed ADB file.
#[derive(Debug)]
pub(in crate::format::archive) struct AdbPacked;

static SPEC: Spec = Spec {
    id: "adb-compressed",
    name: "compressed file of apk-tools 3 (ADB)",
    kind: Kind::Compression,
    magics: &[Magic::anywhere(b"ADBd"), Magic::anywhere(b"ADBc\x01"), Magic::anywhere(b"ADBc\x02")],
    leaf: false,
    references: &["https://github.com/alpinelinux/apk-tools/blob/master/src/adb_comp.c"],
    limitations: &[],
};

/// How all that is compressed begins: magic, what kind of tree.
const CONTENT: [&[u8]; 3] = [b"ADB.pckg", b"ADB.indx", b"ADB.idb\0"];

impl Format for AdbPacked {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// Magic "ADBd", then deflate; or "ADBc", u8 1 deflate or 2 Zstandard, u8 level.
    fn carve<'b>(&self, blob: &Blob, start: u64, budget: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let (codec, header) = match bytes.array::<5>(0)? {
            [_, _, _, b'd', _] => (Codec::Deflate, 4),
            [_, _, _, _, 2] => (Codec::Zstd, 6),
            _ => (Codec::Deflate, 6),
        };
        let packed = bytes.tail(header);
        let known = codec.first(packed, 8).is_ok_and(|first| CONTENT.contains(&first.get(..8).unwrap_or_default()));
        if !known {
            return Err(Rejected("what is compressed"));
        }
        let carved = carve_stream(codec, String::new(), packed, budget)?;
        Ok(Carved { length: carved.length.saturating_add(header), ..carved })
    }
}
