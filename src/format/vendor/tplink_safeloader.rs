//! TP-Link SafeLoader: a table of partitions written as text, then the partitions; access points, later routers, cameras and plugs.

use crate::blob::{Bytes, Endian, Span, to_u64};
use crate::format::header::{Header, Image, Over, sums};
use crate::format::{Kind, Magic, Spec, path_text};
use crate::problem::Rejected;

/// TP-Link SafeLoader image.
pub(super) static TPLINK_SAFELOADER: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "tplink-safeloader",
    name: "TP-Link SafeLoader firmware",
    kind: Kind::Container,
    magics: &[Magic::anywhere(TEXT).at(TABLE), Magic::anywhere(b"support-list\0").at(NAMES), Magic::anywhere(b"soft-version\0").at(NAMES)],
    leaf: false,
    references: &["https://github.com/openwrt/firmware-utils/blob/master/src/tplink-safeloader.c"],
    limitations: &[
        "signatures behind the image are not verified",
        "of the tables in binary, which images since 2022 have, one variant is read",
    ],
};

/// What is put before the image to make its hash.
const SALT: &[u8; 16] = b"\x7a\x2b\x15\xed\x9b\x98\x59\x6d\xe5\x04\xab\x44\xac\x2a\x9f\x4e";

/// Where the table stands, and where the offsets in it count from.
const TABLE: u64 = 0x1014;

/// How a line of the table begins.
const TEXT: &[u8] = b"fwup-ptn ";

/// Where the first name of a table in binary stands.
const NAMES: u64 = TABLE + 12;

/// Bytes of the table.
const TABLE_SIZE: u64 = 0x800;

/// The image; all numbers big endian:
///
/// ```text
///    0 size   4 MD5 of a salt and everything from 14 on   14 size of the vendor's words   18 the vendor's words, padded with 0xff
/// 1014 table: lines of "fwup-ptn NAME base 0xOFFSET size 0xSIZE\t\r\n", then a 0 or 0xff   1814 partitions
/// ```
///
/// Partitions of words begin with their size and a 0, four bytes each. Since 2022 the table is in binary, and counts from 1814 on:
///
/// ```text
///  0 size of the root file system, which comes first   4 number of entries   8 0   c entries: name, 32 bytes; offset; size; type
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let length = u64::from(bytes.u32(0, Endian::Big)?);
    let start = TABLE.saturating_add(TABLE_SIZE);
    let mut image = Image::new(length, start);
    let table = bytes.get(TABLE, TABLE_SIZE)?;
    let entries = if table.starts_with(TEXT) { lines(table) } else { binary(Bytes(table), start)? };
    if entries.is_empty() {
        return Err(Rejected("no partition"));
    }
    for (name, span) in entries {
        if span.start < start {
            return Err(Rejected("a partition stands in the table"));
        }
        if name == "support-list" {
            support_list(bytes, span, &mut image);
        }
        image.part(name, span);
    }
    let covered = vec![Over::Instead(SALT), Over::Span(Span::between(0x14, length))];
    image.sum("the image", 4, bytes.get(4, 16)?, sums::md5, covered);
    Ok(image)
}

/// All lines of the table.
fn lines(table: &[u8]) -> Vec<(String, Span)> {
    table.split(|byte| *byte == b'\n').map_while(entry).collect()
}

/// More partitions than any image has.
const MOST: u32 = 32;

/// The table in binary, of an image whose partitions begin at `start`.
fn binary(table: Bytes<'_>, start: u64) -> Result<Vec<(String, Span)>, Rejected> {
    let word = |at: u64| table.u32(at, Endian::Big).map(u64::from);
    let count = table.u32(4, Endian::Big)?;
    if !(1..=MOST).contains(&count) || word(8)? != 0 {
        return Err(Rejected("the number of partitions"));
    }
    let mut entries = vec![("rootfs".to_owned(), Span::new(start, word(0)?))];
    for index in 0..u64::from(count) {
        let at = index.saturating_mul(0x2c).saturating_add(12);
        let span = Span::new(start.saturating_add(word(at.saturating_add(32))?), word(at.saturating_add(36))?);
        entries.push((path_text(table.text(at, 32)?), span));
    }
    Ok(entries)
}

/// A line of the table.
fn entry(line: &[u8]) -> Option<(String, Span)> {
    let text = std::str::from_utf8(line).ok()?;
    let mut words = text.split_ascii_whitespace();
    let hex = |word: &str| u64::from_str_radix(word.strip_prefix("0x")?, 16).ok();
    let (Some("fwup-ptn"), Some(name)) = (words.next(), words.next()) else { return None };
    let (Some("base"), Some(base)) = (words.next(), words.next()) else { return None };
    let (Some("size"), Some(size)) = (words.next(), words.next()) else { return None };
    Some((path_text(name.as_bytes()), Span::new(hex(base)?.saturating_add(TABLE), hex(size)?)))
}

/// The first product of the list: what stands in its braces.
fn support_list(bytes: Bytes<'_>, span: Span, image: &mut Image) {
    let list = bytes.up_to(span.start, span.length.min(4096));
    let at = |sought| list.iter().position(|byte| *byte == sought).map(to_u64);
    if let (Some(open), Some(close)) = (at(b'{'), at(b'}')) {
        let start = span.start.saturating_add(open).saturating_add(1);
        image.fact("header.product", start, span.start.saturating_add(close).saturating_sub(start));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, holds, unpack, verifies};

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/tplink-safeloader/access-point.bin");

    #[test]
    fn partitions_come_out() {
        let list = "SupportList:\r\n{product_name:EX210,product_ver:1.0}\r\n".as_bytes();
        let list = [&u32::try_from(list.len()).unwrap().to_be_bytes(), [0; 4].as_slice(), list].concat();
        holds(&TPLINK_SAFELOADER, IMAGE, &[("support-list", &list), ("os-image", KERNEL), ("file-system", ROOTFS)]);
        assert_eq!(unpack(&TPLINK_SAFELOADER, IMAGE).fact("header.product").unwrap(), "product_name:EX210,product_ver:1.0");
        verifies(&TPLINK_SAFELOADER, IMAGE, &[4, 0x1900, IMAGE.len() - 1]);
    }

    #[test]
    fn partitions_of_a_table_in_binary_come_out() {
        let image = include_bytes!("../../../fixtures/tplink-safeloader/repeater.bin");
        let list = b"SupportList:\r\n{product_name:EX700,product_ver:1.0}\r\n";
        holds(&TPLINK_SAFELOADER, image, &[("rootfs", ROOTFS), ("support-list", list), ("kernel", KERNEL)]);
        assert_eq!(unpack(&TPLINK_SAFELOADER, image).fact("header.product").unwrap(), "product_name:EX700,product_ver:1.0");
    }
}
