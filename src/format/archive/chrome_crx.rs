//! Extensions of Chrome (CRX): signatures, then a zip archive.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Chrome extension, version 2 and 3.
#[derive(Debug)]
pub(super) struct ChromeCrx;

static SPEC: Spec = Spec {
    id: "chrome-crx",
    name: "Chrome extension (CRX)",
    kind: Kind::Archive,
    magics: &[Magic::start(b"Cr24")],
    leaf: false,
    references: &["https://source.chromium.org/chromium/chromium/src/+/main:components/crx_file/crx3.proto"],
    limitations: &["signatures are handed over, not verified"],
};

impl Format for ChromeCrx {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        parts(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(u64::MAX, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        for (name, span) in parts(blob.bytes()).map_err(|rejected| Fault::corrupt(rejected.0))? {
            children.span(name, span, Attributes::default())?;
        }
        Ok(())
    }
}

/// Little endian: "Cr24", u32 version; 2: u32 size of the key, u32 size of the signature, both; 3: u32 size of a header in protobuf, that.
fn parts(bytes: Bytes<'_>) -> Result<Vec<(&'static str, Span)>, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let sizes = match word(4)? {
        2 => vec![("public-key.der", word(8)?), ("signature.bin", word(12)?)],
        3 => vec![("signatures.bin", word(8)?)],
        _ => return Err(Rejected("version")),
    };
    let mut at = if sizes.len() == 2 { 16_u64 } else { 12 };
    let mut parts = Vec::new();
    for (name, size) in sizes {
        parts.push((name, Span::new(at, size)));
        at = at.saturating_add(size);
    }
    if !bytes.has(at, b"PK\x03\x04") {
        return Err(Rejected("no zip archive behind the signatures"));
    }
    parts.push(("extension.zip", Span::between(at, bytes.len())));
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack};

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/chrome-crx/extension.crx");

    #[test]
    fn parts_are_handed_over() {
        let unpacked = unpack(&ChromeCrx, IMAGE);
        assert_eq!((unpacked.names(), unpacked.problems.len()), (vec!["signatures.bin", "extension.zip"], 0));
        assert!(unpacked.file("extension.zip").starts_with(b"PK\x03\x04") && IMAGE.ends_with(unpacked.file("extension.zip")));
        let old = [b"Cr24".as_slice(), &[2, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0], b"keysgPK\x03\x04"].concat();
        let unpacked = unpack(&ChromeCrx, &old);
        assert_eq!((unpacked.file("public-key.der"), unpacked.file("signature.bin")), (b"key".as_slice(), b"sg".as_slice()));
        survives_damage(&ChromeCrx, IMAGE);
        assert_eq!(carve(&ChromeCrx, b"Cr24 is the magic of an extension, and this is only a text", 0), None);
    }
}
