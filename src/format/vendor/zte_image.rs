//! ZTE's wrapper of firmware and of settings: sixteen bytes that nobody else has, sizes, and what a boot loader starts.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// A wrapper of ZTE.
pub(super) static ZTE_IMAGE: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "zte-image",
    name: "ZTE wrapper",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"\x99\x99\x99\x99\x44\x44\x44\x44\x55\x55\x55\x55\xaa\xaa\xaa\xaa")],
    leaf: false,
    references: &["https://github.com/mkst/zte-config-utility", "https://github.com/ReFirmLabs/binwalk/pull/673"],
    limitations: &["the checksums in the header are not published"],
};

/// Where the content of firmware starts, and where the text about it stands.
const FIRMWARE: u64 = 0x100;
const BANNER: u64 = 0xa8;

/// The header of settings has 128 bytes, with numbers in either byte order: `44 size of the header   48 size of the content`. That of
/// firmware has 256, with a text about it at a8; what is in it reaches to the end.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let mut found = Image::default();
    for endian in [Endian::Big, Endian::Little] {
        let (header, content) = (u64::from(bytes.u32(0x44, endian)?), u64::from(bytes.u32(0x48, endian)?));
        if matches!(header, 0x80 | FIRMWARE) && content > 0 && content <= bytes.len().saturating_mul(2) {
            found.length = header.saturating_add(content);
            found.part("content", Span::new(header, content));
            return Ok(found);
        }
    }
    let empty = bytes.up_to(16, FIRMWARE.saturating_sub(16)).iter().filter(|byte| **byte == 0).count();
    if bytes.len() <= FIRMWARE || empty < 32 {
        return Err(Rejected("no header behind the magic"));
    }
    found.length = bytes.len();
    found.fact("header.version", BANNER, FIRMWARE.saturating_sub(BANNER));
    found.part("content", Span::between(FIRMWARE, bytes.len()));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{parted, unpack};

    #[test]
    fn settings_come_out() {
        parted(&ZTE_IMAGE, include_bytes!("../../../fixtures/zte-image/settings.bin"), &["content"]);
    }

    #[test]
    fn firmware_reaches_to_the_end() {
        let unpacked = unpack(&ZTE_IMAGE, include_bytes!("../../../fixtures/zte-image/firmware.bin"));
        assert_eq!(unpacked.names(), ["content"]);
        assert_eq!(unpacked.fact("header.version").unwrap(), "EXAMPLE V1.2.3");
    }
}
