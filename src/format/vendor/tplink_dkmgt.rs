//! TP-Link's images of Omada gateways and switches (ER8411 and others): a table of partitions in JSON.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec, part_text};
use crate::problem::Rejected;

/// TP-Link Omada firmware.
pub(super) static TPLINK_DKMGT: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "tplink-dkmgt",
    name: "TP-Link Omada firmware",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"\xa5\xa5\xa5\xa5\x8f\x72\x63\x2a\x04\x0f\x86\x00\x09\x20\x6b\x51\xd2\xb7\x63\x6a\x5a\x5a\x5a\x5a")],
    leaf: false,
    references: &["https://github.com/openwrt/firmware-utils/blob/master/src/dkmgt-fwutil.c"],
    limitations: &["the MD5 sum, which TP-Link makes with a secret in front, and the signature are not verified"],
};

/// Where the table stands, and its size; the partitions follow it, and their places count from there.
const TABLE: u64 = 0x1040;
const SIZE: u64 = 0x1_0000;

/// How partitions begin that have a header of their own.
const PART: &[u8; 8] = b"\xaa\x55\xd9\x8f\x04\xe9\x55\xaa";

/// More partitions than any image has.
const MOST: usize = 64;

/// The header; all numbers big endian:
///
/// ```text
///    0 magic, 24 bytes   18 version   1c next header   20 size of the header   24 size of all   30 MD5   130 signature
/// 1040 {"up-ptn-table": [{"name": …, "base": "0x…", "size": "0x…"}, …]}   11040 partitions, some with a header:
///      0 magic, 8 bytes   8 size   c checksum
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let text = bytes.text(TABLE, SIZE)?;
    let table: serde_json::Value = serde_json::from_slice(text).map_err(|_| Rejected("the table"))?;
    let rows = table.get("up-ptn-table").and_then(serde_json::Value::as_array).ok_or(Rejected("the table"))?;
    let mut parts = Vec::new();
    for row in rows.iter().take(MOST) {
        let field = |key: &str| row.get(key).and_then(serde_json::Value::as_str);
        let number = |key: &str| u32::from_str_radix(field(key)?.trim_start_matches("0x"), 16).ok().map(u64::from);
        let (Some(name), Some(base), Some(size)) = (field("name"), number("base"), number("size")) else { continue };
        parts.push((part_text(name.as_bytes()), Span::new(base.saturating_add(TABLE).saturating_add(SIZE), size)));
    }
    let end = parts.iter().map(|(_, data)| data.end()).max().ok_or(Rejected("no partition"))?;
    let mut image = Image::new(end, TABLE.saturating_add(SIZE));
    for (name, data) in parts {
        let inner = bytes.u32(data.start.saturating_add(8), Endian::Big).map(u64::from);
        match inner.ok().filter(|inner| bytes.has(data.start, PART) && inner.saturating_add(16) <= data.length) {
            Some(inner) => image.known(data).part(name, Span::new(data.start.saturating_add(16), inner)),
            None => image.part(name, data),
        };
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, gunzip, holds};

    #[test]
    fn partitions_come_out() {
        let image = gunzip(include_bytes!("../../../fixtures/tplink-dkmgt/gateway.bin.gz"));
        let words = b"{\"version\":\"1.2.3\"}".as_slice();
        holds(&TPLINK_DKMGT, &image, &[("firmware-info", words), ("kernel", KERNEL), ("rootfs", ROOTFS)]);
    }
}
