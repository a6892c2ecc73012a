//! NPK: MikroTik's packages of RouterOS: a row of parts, among them compressed files, a SquashFS image, a signature.

use crate::blob::{Blob, Bytes, Endian, Span, to_u64};
use crate::codec::Codec;
use crate::format::{Attributes, Carved, Children, EntryKind, Format, Kind, Magic, Spec, entry_path};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// MikroTik NPK.
#[derive(Debug)]
pub(super) struct MikrotikNpk;

static SPEC: Spec = Spec {
    id: "mikrotik-npk",
    name: "MikroTik RouterOS package (NPK)",
    kind: Kind::Archive,
    magics: &[Magic::anywhere(b"\x1e\xf1\xd0\xba")],
    leaf: false,
    references: &["https://github.com/botlabsDev/npkpy", "https://github.com/openwrt/firmware-utils/blob/master/src/npk_pack_kernel.c"],
    limitations: &["hashes and signatures are handed over, not verified"],
};

/// What parts are called.
const NAMES: &[(u16, &str)] = &[
    (1, "header"),
    (2, "description"),
    (3, "dependencies"),
    (9, "signature"),
    (16, "architecture"),
    (17, "conflicts"),
    (18, "information"),
    (19, "features"),
    (20, "package-features"),
    (21, "image.squashfs"),
    (23, "commit"),
    (24, "channel"),
];

/// A part of compressed files, and one that is there to move the next one to where it should be.
const FILES: u16 = 4;
const PADDING: u16 = 22;

/// More parts than any package has.
const MOST: usize = 512;

/// Bytes of the header of a part, and of that of a file.
const PART: u64 = 6;
const FILE: u64 = 30;

impl Format for MikrotikNpk {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let length = u64::from(bytes.u32(4, Endian::Little)?).saturating_add(8);
        let parts = parts(bytes, length);
        let end = parts.last().map_or(0, |(_, span)| span.end());
        if parts.len() < 2 || (end != length && parts.len() < MOST && length <= bytes.len()) {
            return Err(Rejected("the parts do not fill the package"));
        }
        Carved::plausible(length, start, blob)
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        for (kind, span) in parts(bytes, u64::from(bytes.u32(4, Endian::Little)?).saturating_add(8)) {
            match kind {
                PADDING => continue,
                FILES => files(blob, span, children)?,
                _ => {
                    if kind == 1
                        && let Ok(name) = bytes.text(span.start, span.length.min(16))
                    {
                        children.fact("header.name", name, Span::new(span.start, to_u64(name.len())));
                    }
                    let name = NAMES.iter().find(|(known, _)| *known == kind).map(|(_, name)| (*name).to_owned());
                    children.span(name.unwrap_or_else(|| format!("part-{kind}")), span, Attributes::default())?;
                }
            }
        }
        Ok(())
    }
}

/// The parts; all numbers little endian. The last one may be cut off, if the package is:
///
/// ```text
///  0 magic 1ef1d0ba   4 size of all parts   parts: type u16, size, data
/// ```
fn parts(bytes: Bytes<'_>, length: u64) -> Vec<(u16, Span)> {
    let (mut at, mut parts) = (8, Vec::new());
    while at < length && parts.len() < MOST {
        let (Ok(kind), Ok(size)) = (bytes.u16(at, Endian::Little), bytes.u32(at.saturating_add(2), Endian::Little)) else { break };
        let span = Span::new(at.saturating_add(PART), size.into());
        if kind > 64 || span.end() > length {
            return Vec::new();
        }
        at = span.end();
        parts.push((kind, span));
    }
    parts
}

/// The files of a compressed part; all numbers little endian:
///
/// ```text
///  0 mode, u16   2 0   8 three times   14 0   18 size   1c size of the path, u16   1e path   then the content
/// ```
fn files(blob: &Blob, span: Span, children: &mut Children<'_>) -> Result<(), Fault> {
    let packed = blob.bytes().up_to(span.start, span.length);
    let stream = Codec::Zlib.stream(packed, children.budget());
    if let Some(fault) = stream.fault.filter(|fault| !fault.is_limit()) {
        children.problem(&fault, Some(span.start));
    }
    let bytes = Bytes(stream.output.as_slice());
    let mut at = 0;
    while let Ok(header) = bytes.part(Span::new(at, FILE)) {
        let (mode, size) = (header.u16(0, Endian::Little)?, u64::from(header.u32(0x18, Endian::Little)?));
        let path = bytes.get(at.saturating_add(FILE), header.u16(0x1c, Endian::Little)?.into())?;
        let content = Span::new(at.saturating_add(FILE).saturating_add(to_u64(path.len())), size);
        let attributes =
            Attributes { mode: Some(mode.into()), modified: Some(header.u32(0x10, Endian::Little)?.into()), ..Attributes::default() };
        let name = entry_path(path);
        match mode & 0xf000 {
            0x4000 => children.entry(name, EntryKind::Directory, attributes),
            0xa000 => {
                let target = bytes.up_to(content.start, content.length.min(4096));
                children.entry(name, EntryKind::Symlink(entry_path(target)), attributes);
            }
            _ => {
                let there = bytes.up_to(content.start, content.length);
                let fault = (to_u64(there.len()) < size).then(|| Fault::Truncated(format!("{} of {size} bytes are there", there.len())));
                let mut output = children.output();
                output.push(there)?;
                children.made_with(name, output, attributes, fault.as_ref())?;
            }
        }
        at = content.end();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, holds, unpack};

    #[test]
    fn files_image_and_signature_come_out() {
        let package = include_bytes!("../../../fixtures/mikrotik-npk/package.npk");
        let unpacked = unpack(&MikrotikNpk, package);
        let head = unpacked.file("header").to_vec();
        let parts: &[(&str, &[u8])] = &[("header", &head), ("boot/kernel", KERNEL), ("image.squashfs", ROOTFS), ("signature", &[0x5a; 68])];
        holds(&MikrotikNpk, package, parts);
        assert_eq!(unpacked.fact("header.name").unwrap(), "example");
        assert_eq!(unpacked.entries.iter().map(|entry| entry.path.as_str()).collect::<Vec<_>>(), ["boot"]);
    }
}
