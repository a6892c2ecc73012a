//! The arm64 kernel, which is not compressed.

use crate::blob::{Blob, Bytes, Endian};
use crate::format::{Carved, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::Rejected;

/// Linux Image for arm64.
#[derive(Debug)]
pub(in crate::format) struct Arm64;

static SPEC: Spec = Spec {
    id: "linux-arm64",
    name: "Linux kernel for arm64 (Image)",
    kind: Kind::Program,
    magics: &[Magic::anywhere(b"ARM\x64").at(0x38)],
    leaf: true,
    references: &["https://docs.kernel.org/arch/arm64/booting.html"],
    limitations: &[],
};

impl Format for Arm64 {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// The header ("Booting AArch64 Linux"; all numbers little endian):
    ///
    /// ```text
    ///  0 code0   4 code1   8 text_offset u64  10 image_size u64  18 flags u64  20 res2 u64  28 res3 u64  30 res4 u64
    /// 38 magic "ARM\x64"  3c res5: offset of the PE header
    /// ```
    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let long = |at| bytes.u64(at, Endian::Little);
        if long(0x20)? != 0 || long(0x28)? != 0 || long(0x30)? != 0 || long(0x18)? > 0xf {
            return Err(Rejected("reserved fields"));
        }
        if long(0)? == 0 || long(0x8)? > 2 << 20 || long(0x10)? > 1 << 30 {
            return Err(Rejected("code, text_offset or image_size"));
        }
        // image_size counts memory that the file does not hold. Kernels before 3.17 do not give it at all.
        let end = match (sections_end(bytes), long(0x10)?) {
            (Some(end), _) => end,
            (None, 0) => bytes.len(),
            (None, size) => size,
        };
        if end < 0x40 {
            return Err(Rejected("image_size"));
        }
        Ok(Carved::new(end, start, blob))
    }
}

/// Where the sections end that the PE header of a kernel with an EFI stub lists (PE format: `PointerToRawData` + `SizeOfRawData`).
pub(super) fn sections_end(bytes: Bytes<'_>) -> Option<u64> {
    let header = u64::from(bytes.u32(0x3c, Endian::Little).ok()?);
    if !bytes.has(0, b"MZ") || !bytes.has(header, b"PE\0\0") {
        return None;
    }
    let half = |at: u64| bytes.u16(header.saturating_add(at), Endian::Little).ok();
    let (count, optional) = (half(6)?, half(20)?);
    let table = header.saturating_add(24).saturating_add(optional.into());
    let mut end = 0;
    for index in 0..u64::from(count.min(96)) {
        let section = table.saturating_add(index.saturating_mul(40));
        let word = |at: u64| bytes.u32(section.saturating_add(at), Endian::Little).ok().map(u64::from);
        end = end.max(word(20)?.saturating_add(word(16)?));
    }
    Some(end).filter(|end| *end > header)
}
