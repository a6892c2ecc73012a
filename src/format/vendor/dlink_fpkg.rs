//! FPKG and CPKG: the archives in which D-Link's DFL firewalls get their firmware.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec, path_text};
use crate::problem::Rejected;

/// D-Link FPKG or CPKG.
pub(super) static DLINK_FPKG: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "dlink-fpkg",
    name: "D-Link firewall firmware (FPKG, CPKG)",
    kind: Kind::Archive,
    magics: &[Magic::anywhere(b"FPKG\x01\0\0\0"), Magic::anywhere(b"CPKG\x01\0\0\0")],
    leaf: false,
    references: &["https://github.com/onekey-sec/unblob/blob/main/python/unblob/handlers/archive/dlink/fpkg.py"],
    limitations: &["checksums and signatures, which are files of the archive, are handed over, not verified"],
};

/// Bytes of the header of a file.
const ENTRY: u64 = 0x1c;

/// More files than any archive has.
const MOST: usize = 1024;

/// The header, and that of each file; all numbers big endian:
///
/// ```text
///  0 magic   4 01000000   8 where the first file is   in FPKG: c 1   10 size of the name of the model   14 that name
///
///  0 size of this header, 1c   4 type: 100 file, 102 checksum, 103 signature   6 unknown   8 size   c name, 16 bytes   1c data
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let mut at = u64::from(bytes.u32(8, Endian::Big)?);
    if !(12..=0x1000).contains(&at) {
        return Err(Rejected("where the first file is"));
    }
    let mut files = Vec::new();
    while files.len() < MOST {
        let Some((name, span)) = entry(bytes, at) else { break };
        at = span.end();
        files.push((name, span));
    }
    let first = files.first().ok_or(Rejected("no file"))?.1.start;
    let mut image = Image::new(at, first);
    if bytes.has(0, b"F") {
        image.fact("header.product", 0x14, bytes.u32(0x10, Endian::Big)?.min(64).into());
    }
    for (name, span) in files {
        image.known(Span::between(span.start.saturating_sub(ENTRY), span.start));
        image.part(name, span);
    }
    Ok(image)
}

/// The name and the bytes of the file whose header stands at `at`.
fn entry(bytes: Bytes<'_>, at: u64) -> Option<(String, Span)> {
    let header = bytes.part(Span::new(at, ENTRY)).ok()?;
    let name = header.text(12, 16).ok()?.trim_ascii_end();
    let known = u64::from(header.u32(0, Endian::Big).ok()?) == ENTRY && matches!(header.u16(4, Endian::Big), Ok(0x100..=0x103));
    let named = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    (known && named).then_some((path_text(name), Span::new(at.saturating_add(ENTRY), header.u32(8, Endian::Big).ok()?.into())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, holds, unpack};

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/dlink-fpkg/firewall.bin");

    #[test]
    fn files_come_out() {
        holds(&DLINK_FPKG, IMAGE, &[("kernel", KERNEL), ("rootfs", ROOTFS)]);
        assert_eq!(unpack(&DLINK_FPKG, IMAGE).fact("header.product").unwrap(), "EX-210");
    }
}
