//! The ARM kernel that decompresses itself.

use super::{PIGGY, stream_head, without_size};
use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Linux zImage for 32-bit ARM.
#[derive(Debug)]
pub(in crate::format) struct ZImage;

static SPEC: Spec = Spec {
    id: "linux-zimage",
    name: "Linux kernel for ARM (zImage)",
    kind: Kind::Container,
    // 0x016f2818 in the kernel's byte order
    magics: &[Magic::anywhere(&[0x18, 0x28, 0x6f, 0x01]).at(0x24), Magic::anywhere(&[0x01, 0x6f, 0x28, 0x18]).at(0x24)],
    leaf: false,
    references: &[
        "https://docs.kernel.org/arch/arm/booting.html",
        "https://github.com/torvalds/linux/blob/master/arch/arm/boot/compressed/head.S",
    ],
    limitations: &[],
};

impl Format for ZImage {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let header = Header::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(header.length, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let header = Header::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let place = header.size_place(bytes);
        let end = place.map_or(header.length, |place| place.saturating_add(4));
        let Some(head) = stream_head(Bytes(bytes.up_to(HEADER, end.saturating_sub(HEADER)))) else {
            return Err(Fault::unsupported("no compressed kernel was found inside"));
        };
        let piggy = Span::between(HEADER.saturating_add(head), end);
        let piggy = if place.is_some() { without_size(bytes, piggy) } else { piggy };
        Ok(children.span(PIGGY, piggy, Attributes::default())?)
    }
}

/// Bytes before the code.
const HEADER: u64 = 0x40;

/// What stands at the beginning (`head.S` of the decompressor; numbers in the kernel's byte order):
///
/// ```text
///  0 seven or eight instructions that do nothing; the first two may hold "MZ"
/// 20 a branch   24 magic 0x016f2818   28 start   2c end
/// 30 0x04030201   34 0x45454545   38 offset of a table (only in newer ones)
/// ```
///
/// The table holds words: length in words, tag "KLSZ", offset of the last 4 bytes of the compressed kernel, and more.
struct Header {
    endian: Endian,
    length: u64,
}

/// `mov r0, r0` in both byte orders, and Thumb's wide `nop`.
const NOPS: [[u8; 4]; 3] = [[0, 0, 0xa0, 0xe1], [0xe1, 0xa0, 0, 0], [0xaf, 0xf3, 0, 0x80]];

impl Header {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let endian = if bytes.u8(0x24)? == 0x18 { Endian::Little } else { Endian::Big };
        let nop = bytes.array(0x10)?;
        if !NOPS.contains(&nop) || !bytes.has(0x14, &nop) || !bytes.has(0x18, &nop) {
            return Err(Rejected("no idle instructions at the start"));
        }
        let (start, end) = (bytes.u32(0x28, endian)?, bytes.u32(0x2c, endian)?);
        let length = u64::from(end.checked_sub(start).ok_or(Rejected("end before start"))?);
        if start % 4 != 0 || length <= HEADER || length > 1 << 30 {
            return Err(Rejected("start and end"));
        }
        Ok(Self { endian, length })
    }

    /// Where the last 4 bytes of the compressed kernel stand: its size when decompressed.
    fn size_place(&self, bytes: Bytes<'_>) -> Option<u64> {
        let word = |at| bytes.u32(at, self.endian).ok();
        if word(0x30)? != 0x0403_0201 || word(0x34)? != 0x4545_4545 {
            return None;
        }
        let table = u64::from(word(0x38)?);
        let place = u64::from(word(table.saturating_add(8))?);
        (word(table.saturating_add(4))? == u32::from_be_bytes(*b"ZSLK") && place.saturating_add(4) <= self.length).then_some(place)
    }
}
