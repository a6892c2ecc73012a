//! Zstandard, one frame or several in a row.

use crate::blob::{Blob, Bytes, Endian};
use crate::codec::Codec;
use crate::format::{Carved, Format, Kind, Magic, Spec, carve_stream};
use crate::limits::Budget;
use crate::problem::Rejected;

/// Zstandard.
#[derive(Debug)]
pub(super) struct Zstd;

static SPEC: Spec = Spec {
    id: "zstd",
    name: "Zstandard",
    kind: Kind::Compression,
    magics: &[Magic::anywhere(&[0x28, 0xb5, 0x2f, 0xfd])],
    leaf: false,
    references: &["https://www.rfc-editor.org/rfc/rfc8878"],
    limitations: &["frames that need a dictionary", "windows above 1 GiB"],
};

impl Format for Zstd {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, budget: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let input = blob.bytes().tail(start);
        let frame = Frame::read(Bytes(input))?;
        if start > 0 && frame.proves_nothing {
            return Err(Rejected("a frame that nothing checks, in the middle of other bytes"));
        }
        let carved = carve_stream(Codec::Zstd, String::new(), input, budget)?;
        let Some(payload) = &carved.payload else { return Ok(carved) };
        let broken = payload.fault.is_some() || payload.output.len() < frame.content.unwrap_or(0);
        if start > 0 && (payload.output.is_empty() || broken && !frame.compressed) {
            return Err(Rejected("a frame of nothing, or of less than it says, in the middle of other bytes"));
        }
        Ok(carved)
    }
}

/// The header of a frame, RFC 8878 section 3.1.1.1. Its descriptor: bits 0-1 size of the dictionary's number, 2 a checksum follows, 3 reserved,
/// 5 no window descriptor follows, 6-7 size of the content's length.
struct Frame {
    /// Bytes that come out, if it says so.
    content: Option<u64>,
    /// Whether the first block is compressed. Others are bytes that may be anything.
    compressed: bool,
    /// Without a length, a checksum or a compressed block, any bytes are a frame.
    proves_nothing: bool,
}

impl Frame {
    fn read(input: Bytes<'_>) -> Result<Self, Rejected> {
        let descriptor = input.u8(4)?;
        if descriptor & 8 != 0 {
            return Err(Rejected("the reserved bit is set"));
        }
        let single = descriptor & 0x20 != 0;
        let dictionary = (1_u64 << (descriptor & 3)) >> 1;
        let at = 5_u64.saturating_add(dictionary).saturating_add(u64::from(!single));
        let (content, width) = match descriptor >> 6 {
            0 if single => (Some(input.u8(at)?.into()), 1),
            0 => (None, 0),
            1 => (Some(u64::from(input.u16(at, Endian::Little)?).saturating_add(256)), 2),
            2 => (Some(input.u32(at, Endian::Little)?.into()), 4),
            _ => (Some(input.u64(at, Endian::Little)?), 8),
        };
        // Block_Type, section 3.1.1.2: bits 1-2 of the first byte; 2 is a compressed block.
        let compressed = input.u8(at.saturating_add(width))? >> 1 & 3 == 2;
        Ok(Self { content, compressed, proves_nothing: content.is_none() && descriptor & 4 == 0 && !compressed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::testing::{noise, pipe};
    use crate::format::testing::{carve, survives_damage, unpack_at};

    #[test]
    fn streams_in_the_middle_of_other_bytes() {
        if crate::testing::lacking(&["zstd"]) {
            return;
        }
        let data = noise(50_000);
        let packed = pipe("zstd", &["-c"], &data);
        let image = [b"before".as_slice(), &packed, b"after"].concat();
        let unpacked = unpack_at(&Zstd, &image, 6);
        assert_eq!((unpacked.file("") == data, unpacked.problems), (true, vec![]));
        assert_eq!(carve(&Zstd, &image, 6), Some(u64::try_from(packed.len()).unwrap()));
        survives_damage(&Zstd, &packed);
    }

    #[test]
    fn look_alikes_are_refused() {
        assert_eq!(carve(&Zstd, b"\x28\xb5\x2f\xfd and then nothing of it", 0), None);
    }
}
