//! Tables of device trees, of which a boot loader takes the one for its board.

use std::collections::BTreeSet;

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

static SPEC: Spec = Spec {
    id: "android-dtbo",
    name: "Android table of device trees (dtbo)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(&[0xd7, 0xb7, 0xab, 0x1e])],
    leaf: false,
    references: &["https://source.android.com/docs/core/architecture/dto/partitions"],
    limitations: &["tables of ACPI tables are not recognized"],
};

/// dtbo.
pub(in crate::format) static DTBO: Header = Header { spec: &SPEC, read: dtbo };

static QCDT_SPEC: Spec = Spec {
    id: "qcdt",
    name: "Qualcomm table of device trees (QCDT)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"QCDT")],
    leaf: false,
    references: &[
        "https://android.googlesource.com/platform/system/core/+/refs/heads/main",
        "https://github.com/LineageOS/android_system_tools_dtbtool",
    ],
    limitations: &[],
};

/// QCDT.
pub(in crate::format) static QCDT: Header = Header { spec: &QCDT_SPEC, read: qcdt };

/// More trees than any table holds.
const MOST_TREES: u32 = 1024;

/// What differs between the two.
struct Table {
    endian: Endian,
    count: u32,
    first: u64,
    entry: u64,
    /// Where in an entry the offset of its tree stands, and where its size.
    fields: (u64, u64),
    /// The whole, if the header says so.
    total: Option<u64>,
}

impl Table {
    /// Entries may share a tree: it is handed out once.
    fn image(&self, bytes: Bytes<'_>) -> Result<Image, Rejected> {
        let end = self.first.saturating_add(u64::from(self.count).saturating_mul(self.entry));
        if self.count == 0 || self.count > MOST_TREES {
            return Err(Rejected("number of entries"));
        }
        let mut image = Image::of(self.total.unwrap_or(end));
        let mut seen = BTreeSet::new();
        for index in 0..self.count {
            let entry = self.first.saturating_add(u64::from(index).saturating_mul(self.entry));
            let word = |at| bytes.u32(entry.saturating_add(at), self.endian).map(u64::from);
            let tree = Span::new(word(self.fields.0)?, word(self.fields.1)?);
            if tree.start < end || tree.end() > self.total.unwrap_or(1 << 30) {
                return Err(Rejected("an entry leads out of the table"));
            }
            image.length = image.length.max(tree.end());
            if seen.insert(tree) {
                image.part(format!("dtb-{index}"), tree);
            }
        }
        Ok(image)
    }
}

/// The header; all numbers big endian:
///
/// ```text
///  0 magic 0xd7b7ab1e   4 total size   8 size of the header, 32   c size of an entry, 32   10 entries   14 offset of the first
/// 18 page size   1c version, 0 or 1; an entry: size, offset, id, revision, 4 custom words
/// ```
fn dtbo(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Big);
    if word(8)? != 32 || word(12)? != 32 || word(20)? != 32 || word(28)? > 1 {
        return Err(Rejected("sizes or version"));
    }
    let total = Some(word(4)?.into());
    Table { endian: Endian::Big, count: word(16)?, first: 32, entry: 32, fields: (4, 0), total }.image(bytes)
}

/// The header, little endian: magic, version 1 to 3, entries. An entry of version 1 is platform, variant, revision, offset, size; version 2 has
/// a subtype too, version 3 also four chips for power.
fn qcdt(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little);
    let entry = match word(4)? {
        1 => 20_u64,
        2 => 24,
        3 => 40,
        _ => return Err(Rejected("version")),
    };
    let fields = (entry.saturating_sub(8), entry.saturating_sub(4));
    Table { endian: Endian::Little, count: word(8)?, first: 12, entry, fields, total: None }.image(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::header::testing::opens;

    #[test]
    fn every_tree_comes_out_once() {
        let unpacked = opens(&DTBO, include_bytes!("../../../../fixtures/android-dtbo/dtbo.img"), &["dtb-0", "dtb-1"]);
        assert!(unpacked.file("dtb-0").starts_with(&[0xd0, 0x0d, 0xfe, 0xed]));
        assert!(unpacked.file("dtb-1").starts_with(&[0x1f, 0x8b]));
        let unpacked = opens(&QCDT, include_bytes!("../../../../fixtures/qcdt/dt.img"), &["dtb-0"]);
        assert!(unpacked.file("dtb-0").starts_with(&[0xd0, 0x0d, 0xfe, 0xed]));
    }
}
