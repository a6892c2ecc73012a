//! RAUC: a file system with a signature behind it.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// RAUC update bundle.
#[derive(Debug)]
pub(in crate::format) struct Rauc;

static SPEC: Spec = Spec {
    id: "rauc",
    name: "RAUC update bundle",
    kind: Kind::Container,
    magics: &[Magic::start(b"hsqs")],
    leaf: false,
    references: &["https://rauc.readthedocs.io/en/latest/reference.html#bundle-formats"],
    limitations: &[
        "the signature is handed over, not verified",
        "encrypted bundles (format crypt) are not recognized: they begin with noise",
    ],
};

impl Format for Rauc {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        signature(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(blob.len(), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let signature = signature(blob.bytes()).map_err(|rejected| Fault::corrupt(rejected.0))?;
        children.span("bundle.squashfs", Span::new(0, signature.start), Attributes::default())?;
        Ok(children.span("signature.cms", signature, Attributes::default())?)
    }
}

/// How DER says that it is signed data (CMS): the OID 1.2.840.113549.1.7.2.
const SIGNED_DATA: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];

/// Where the signature stands: its size, big endian, is in the last 8 bytes.
fn signature(bytes: Bytes<'_>) -> Result<Span, Rejected> {
    let end = bytes.len().checked_sub(8).ok_or(Rejected("too short"))?;
    let size = bytes.u64(end, Endian::Big)?;
    let start = end.checked_sub(size).filter(|start| *start >= 96).ok_or(Rejected("size of the signature"))?;
    let head = Bytes(bytes.up_to(start, 24));
    // A sequence that reaches to the end, with its length in 2 or 3 bytes, or one that does not say where it ends.
    let whole = match (head.u8(0)?, head.u8(1)?) {
        (0x30, 0x82) => u64::from(head.u16(2, Endian::Big)?).saturating_add(4) == size && head.has(4, &SIGNED_DATA),
        (0x30, 0x83) => u64::from(head.u32(1, Endian::Big)? & 0xff_ffff).saturating_add(5) == size && head.has(5, &SIGNED_DATA),
        (0x30, 0x80) => head.has(2, &SIGNED_DATA),
        _ => false,
    };
    if whole { Ok(Span::new(start, size)) } else { Err(Rejected("no signature")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack};

    #[test]
    fn file_system_and_signature_come_apart() {
        let bundle = include_bytes!("../../../../fixtures/rauc/update.raucb");
        let unpacked = unpack(&Rauc, bundle);
        assert_eq!(unpacked.names(), ["bundle.squashfs", "signature.cms"]);
        assert!(unpacked.file("signature.cms").starts_with(&[0x30, 0x82]));
        assert_eq!(carve(&Rauc, unpacked.file("bundle.squashfs"), 0), None, "what is inside is a file system and no bundle");
        survives_damage(&Rauc, bundle);
    }
}
