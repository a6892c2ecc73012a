//! The kernel that EFI starts, and that decompresses itself (`CONFIG_EFI_ZBOOT`).

use super::{PIGGY, without_size};
use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

static SPEC: Spec = Spec {
    id: "linux-efi-zboot",
    name: "Linux kernel for EFI (zboot)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"MZ\0\0zimg")],
    leaf: false,
    references: &["https://github.com/torvalds/linux/blob/master/drivers/firmware/efi/libstub/zboot-header.S"],
    limitations: &[],
};

/// Linux EFI zboot image.
pub(in crate::format) static ZBOOT: Header = Header { spec: &SPEC, read };

/// The header of DOS that nobody runs holds what boot loaders need; all numbers little endian:
///
/// ```text
///  0 "MZ"   4 "zimg"   8 offset of the compressed kernel   c its size   18 name of the compression[32]   38 of Linux   3c offset of the PE header
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let (payload, pe) = (Span::new(word(8)?, word(12)?), word(0x3c)?);
    if !bytes.has(pe, b"PE\0\0") || pe > 0x1000 || payload.start < 0x40 || payload.length == 0 || payload.length > 1 << 30 {
        return Err(Rejected("offsets, or no PE header"));
    }
    let half = |at: u64| bytes.u16(pe.saturating_add(at), Endian::Little).map(u64::from);
    let (count, first) = (half(6)?, pe.saturating_add(24).saturating_add(half(20)?));
    let mut image = Image::of(payload.end());
    for index in 0..count.min(32) {
        let section = first.saturating_add(index.saturating_mul(40));
        let end = word(section.saturating_add(16))?.saturating_add(word(section.saturating_add(20))?);
        image.length = image.length.max(end.min(1 << 30));
    }
    image.part(PIGGY, without_size(bytes, payload));
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::header::testing::opens;

    #[test]
    fn the_kernel_comes_out() {
        let unpacked = opens(&ZBOOT, include_bytes!("../../../../fixtures/linux-efi-zboot/vmlinuz.efi"), &["piggy"]);
        assert!(unpacked.file("piggy").starts_with(&[0x1f, 0x8b]));
    }
}
