//! The RISC-V kernel, which is not compressed.

use super::arm64::sections_end;
use crate::blob::{Blob, Bytes, Endian};
use crate::format::{Carved, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::Rejected;

/// Linux Image for RISC-V.
#[derive(Debug)]
pub(in crate::format) struct RiscV;

static SPEC: Spec = Spec {
    id: "linux-riscv",
    name: "Linux kernel for RISC-V (Image)",
    kind: Kind::Program,
    magics: &[Magic::anywhere(b"RISCV\0\0\0RSC\x05").at(0x30)],
    leaf: true,
    references: &["https://docs.kernel.org/arch/riscv/boot-image-header.html"],
    limitations: &[],
};

impl Format for RiscV {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// The header; all numbers little endian:
    ///
    /// ```text
    ///  0 code0   4 code1   8 text_offset u64  10 image_size u64  18 flags u64  20 version   24 res1   28 res2 u64   30 magic   38 second magic
    /// 3c offset of the PE header
    /// ```
    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let long = |at| bytes.u64(at, Endian::Little);
        let size = long(0x10)?;
        if long(0x18)? > 1 || bytes.u32(0x24, Endian::Little)? != 0 || long(0x28)? != 0 || !(0x40..=1 << 30).contains(&size) {
            return Err(Rejected("flags, reserved fields or image_size"));
        }
        // image_size counts memory that the file does not hold.
        Ok(Carved::new(sections_end(bytes).unwrap_or(size), start, blob))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage};

    #[test]
    fn the_header_says_how_long_it_is() {
        let image = include_bytes!("../../../../fixtures/linux-riscv/kernel.image");
        let flash = [vec![0xff; 9], image.to_vec(), vec![0xff; 40]].concat();
        assert_eq!(carve(&RiscV, &flash, 9), Some(image.len() as u64));
        survives_damage(&RiscV, image);
        assert_eq!(
            carve(&RiscV, &[b"text about kernels and architectures, where the".as_slice(), b" RISCV\0\0\0RSC\x05 magic"].concat(), 0),
            None
        );
    }
}
