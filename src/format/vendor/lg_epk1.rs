//! LG's first images of television sets (EPK1): a table of partitions, each with a header.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec, part_text};
use crate::problem::Rejected;

/// LG EPK, first kind.
pub(super) static LG_EPK1: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "lg-epk1",
    name: "LG television firmware (EPK1)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"epak")],
    leaf: false,
    references: &["https://github.com/openlgtv/epk2extract/blob/master/include/epk1.h"],
    limitations: &["the second and third kind, signed and encrypted, are other formats"],
};

/// Bytes of the header of a partition.
const PART: u64 = 0x80;

/// Where the table can stand, by the kind of header; numbers are little endian, in the oldest big endian.
const TABLES: [(u64, u32); 2] = [(12, 20), (48, 26)];

/// ```text
/// 0 magic "epak"   4 size of all   8 number of partitions   c table: offset and size of each; newer: c version, 10 model, 30 table
/// partition: 0 name   4 size of the data   8 platform, 15 bytes   80 data
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let orders = [Endian::Little, Endian::Big];
    let found = TABLES.into_iter().flat_map(|table| orders.into_iter().map(move |order| (table, order)));
    found.into_iter().find_map(|((table, most), order)| partitions(bytes, table, most, order).ok()).ok_or(Rejected("the table"))
}

fn partitions(bytes: Bytes<'_>, table: u64, most: u32, order: Endian) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, order).map(u64::from);
    let (told, count) = (word(4)?, bytes.u32(8, order)?);
    if !(1..=most).contains(&count) {
        return Err(Rejected("the number of partitions"));
    }
    let header = table.saturating_add(u64::from(count).saturating_mul(8));
    let (mut parts, mut last) = (Vec::new(), header);
    for row in 0..u64::from(count) {
        let at = table.saturating_add(row.saturating_mul(8));
        let part = Span::new(word(at)?, word(at.saturating_add(4))?);
        if part.start < last || part.length < PART || part.start > 1 << 30 {
            return Err(Rejected("the place of a partition"));
        }
        last = part.end();
        // What is cut off has no name.
        let name = bytes.text(part.start, 4).unwrap_or(b"cut");
        if name.is_empty() || !name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
            return Err(Rejected("the name of a partition"));
        }
        parts.push((part_text(name), part));
    }
    let first = parts.first().map_or(last, |(_, part)| part.start);
    // The size that is told counts the header in some images and not in others.
    if told > last.saturating_add(0x1_0000) || told.saturating_add(first) < last {
        return Err(Rejected("the size of all"));
    }
    let mut image = Image::new(last, header);
    if table == 48 {
        image.fact("header.product", 16, 32);
    }
    for (name, part) in parts {
        image.known(Span::new(part.start, PART)).part(name, Span::between(part.start.saturating_add(PART), part.end()));
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, holds, unpack};

    #[test]
    fn partitions_come_out() {
        let image = include_bytes!("../../../fixtures/lg-epk1/television.epk");
        holds(&LG_EPK1, image, &[("kern", KERNEL), ("root", ROOTFS)]);
        let newer = include_bytes!("../../../fixtures/lg-epk1/newer.epk");
        holds(&LG_EPK1, newer, &[("kern", KERNEL), ("root", ROOTFS)]);
        assert_eq!(unpack(&LG_EPK1, newer).fact("header.product").unwrap(), "HE_DTV_EXAMPLE");
    }
}
