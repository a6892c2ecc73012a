//! The signed manifest of a partition of Intel's management engine.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Intel manifest.
#[derive(Debug)]
pub(super) struct Manifest;

static SPEC: Spec = Spec {
    id: "intel-manifest",
    name: "Intel firmware manifest",
    kind: Kind::Credential,
    magics: &[Magic::anywhere(b"$MN2").at(0x1c), Magic::anywhere(b"$MAN").at(0x1c)],
    leaf: true,
    references: &["https://github.com/platomav/MEAnalyzer", "https://github.com/linuxboot/fiano"],
    limitations: &["the signature is not verified"],
};

impl Format for Manifest {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// The manifest; little endian:
    ///
    /// ```text
    ///  0 type u16, 4   4 length of the header u32, in words of 4 bytes   8 version u32   10 maker u32, 8086   14 date, decimal digits yyyymmdd
    /// 18 size u32, in words   1c "$MN2"   24 major, minor, hotfix, build u16   78 size of the key u32, in words   80 the key, the signature
    /// ```
    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let word = |at| bytes.u32(at, Endian::Little);
        let (header, size) = (u64::from(word(4)?).saturating_mul(4), u64::from(word(0x18)?).saturating_mul(4));
        if word(0x10)? != 0x8086 || header < 0x80 || size < header || size > 1 << 20 || date(word(0x14)?).is_none() {
            return Err(Rejected("maker, sizes or date"));
        }
        Ok(Carved::new(size, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let half = |at| bytes.u16(at, Endian::Little);
        let version = format!("{}.{}.{}.{}", half(0x24)?, half(0x26)?, half(0x28)?, half(0x2a)?);
        children.fact("header.version", version.as_bytes(), Span::new(0x24, 8));
        if let Some(date) = date(bytes.u32(0x14, Endian::Little)?) {
            children.fact("header.date", date.as_bytes(), Span::new(0x14, 4));
        }
        Ok(())
    }
}

/// A date in decimal digits, four bits each.
fn date(digits: u32) -> Option<String> {
    let (year, month, day) = (digits >> 16, digits >> 8 & 0xff, digits & 0xff);
    let is_date = (0x1990..=0x2099).contains(&year) && (1..=0x12).contains(&month) && (1..=0x31).contains(&day);
    is_date.then(|| format!("{year:x}-{month:02x}-{day:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack};

    #[test]
    fn version_and_date_are_facts() {
        let mut bytes = vec![0; 0x284];
        for (at, word) in [(0, 4_u32), (4, 0xa1), (8, 0x10000), (0x10, 0x8086), (0x14, 0x2023_0417), (0x18, 0xa1), (0x24, 0x0008_000b)] {
            bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
        }
        bytes[0x1c..0x20].copy_from_slice(b"$MN2");
        assert_eq!(carve(&Manifest, &[&bytes[..], &[1; 10]].concat(), 0), Some(0x284));
        let unpacked = unpack(&Manifest, &bytes);
        assert_eq!(unpacked.fact("header.version").as_deref(), Some("11.8.0.0"));
        assert_eq!(unpacked.fact("header.date").as_deref(), Some("2023-04-17"));
        survives_damage(&Manifest, &bytes);
        bytes[0x15] = 0x77;
        assert_eq!(carve(&Manifest, &bytes, 0), None);
    }
}
