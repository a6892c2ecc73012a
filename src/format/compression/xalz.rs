//! Assemblies of Xamarin, compressed with LZ4.

use crate::blob::{Blob, Endian};
use crate::codec::Codec;
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Compressed assembly of Xamarin.
#[derive(Debug)]
pub(super) struct Xalz;

static SPEC: Spec = Spec {
    id: "xalz",
    name: "Xamarin compressed assembly",
    kind: Kind::Compression,
    magics: &[Magic::start(b"XALZ")],
    leaf: false,
    references: &["https://github.com/dotnet/android/blob/main/Documentation/project-docs/AssemblyStores.md"],
    limitations: &["in the middle of other bytes, as nothing says where it ends"],
};

/// Magic, u32 index, u32 size of the content; little-endian. Then one LZ4 block.
const HEADER: u64 = 12;

/// LZ4 makes at most this of a byte.
const RATIO: u64 = 256;

impl Format for Xalz {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let size = u64::from(blob.bytes().u32(start.saturating_add(8), Endian::Little)?);
        let length = blob.len().saturating_sub(start);
        if size == 0 || size > length.saturating_mul(RATIO) || length <= HEADER {
            return Err(Rejected("size"));
        }
        Ok(Carved::new(length, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let size = blob.bytes().u32(8, Endian::Little)?;
        let content = Codec::Lz4.first(blob.bytes().tail(HEADER), size.into())?;
        let mut output = children.output();
        output.push(&content)?;
        children.made("", output, Attributes::default())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack};

    #[test]
    fn assemblies() {
        let packed = include_bytes!("../../../fixtures/xalz/example.dll");
        let unpacked = unpack(&Xalz, packed);
        assert!(unpacked.problems.is_empty() && unpacked.file("").starts_with(b"MZ"));
        assert_eq!(carve(&Xalz, b"XALZ", 0), None);
        survives_damage(&Xalz, packed);
    }
}
