//! TRX: Broadcom's and OpenWrt's container of a kernel, a root file system and what else a router boots from.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::header::is_name;
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, crc32};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// TRX, version 1 or 2.
#[derive(Debug)]
pub(super) struct Trx;

static SPEC: Spec = Spec {
    id: "trx",
    name: "TRX",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"HDR0")],
    leaf: false,
    references: &["https://openwrt.org/docs/techref/header", "https://formats.kaitai.io/asus_trx/"],
    limitations: &[],
};

impl Format for Trx {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let header = Header::read(Bytes(blob.bytes().tail(start)))?;
        Carved::plausible(header.length, start, blob)
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let header = Header::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        if let Ok(covered) = bytes.part(Span::between(12, header.length)) {
            // The CRC register as it stands at the end, without the usual last inversion.
            let found = !crc32(covered.0);
            if found != header.crc {
                let message = format!("the header says that the CRC is {:#010x}, it is {found:#010x}", header.crc);
                children.problem(&Fault::Checksum(message), Some(8));
            }
        }
        if let Some(product) = product(bytes, header.length) {
            children.fact("header.product", bytes.up_to(product.start, product.length), product);
        }
        for (index, part) in header.parts(bytes).into_iter().enumerate() {
            children.span(format!("part-{index}"), part, Attributes::default())?;
        }
        Ok(())
    }
}

/// The header; all numbers little endian:
///
/// ```text
///  0 magic "HDR0"   4 len, header included   8 crc32 from 12 to len   12 flags u16, version u16
/// 16 offsets[3] from the start of the header; version 2 has a fourth
/// ```
struct Header {
    length: u64,
    crc: u32,
    size: u64,
    offsets: Vec<u64>,
}

impl Header {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let word = |at| bytes.u32(at, Endian::Little);
        let size = match bytes.u16(14, Endian::Little)? {
            1 => 28,
            2 => 32,
            _ => return Err(Rejected("version")),
        };
        if bytes.u16(12, Endian::Little)? > 0xff {
            return Err(Rejected("flags"));
        }
        let length = u64::from(word(4)?);
        let mut offsets = Vec::new();
        for at in (16..size).step_by(4) {
            let offset = u64::from(word(at)?);
            if offset != 0 && (offset < size || offset >= length) {
                return Err(Rejected("offsets"));
            }
            offsets.push(offset);
        }
        if length <= size {
            return Err(Rejected("length"));
        }
        Ok(Self { length, crc: word(8)?, size, offsets })
    }

    /// The parts in order of place: from each offset to the next. What stands before the first one is a part too, unless it is padding.
    fn parts(&self, bytes: Bytes<'_>) -> Vec<Span> {
        let mut starts: Vec<u64> = self.offsets.iter().copied().filter(|offset| *offset != 0).collect();
        starts.sort_unstable();
        starts.dedup();
        let first = starts.first().copied().unwrap_or(self.length);
        let before = bytes.up_to(self.size, first.saturating_sub(self.size));
        if before.iter().any(|byte| !matches!(byte, 0 | 0xff)) {
            starts.insert(0, self.size);
        }
        let ends = starts.iter().skip(1).copied().chain([self.length]);
        starts.iter().zip(ends).map(|(start, end)| Span::between(*start, end)).collect()
    }
}

/// The product that the trailer of ASUS names, the last 64 bytes: version u8[4], product[12], hardware that it fits u8[16], reserved[32].
fn product(bytes: Bytes<'_>, length: u64) -> Option<Span> {
    let trailer = length.checked_sub(64)?;
    let version: [u8; 4] = bytes.array(trailer).ok()?;
    let start = trailer.saturating_add(4);
    let name = bytes.text(start, 12).ok()?;
    let letters = name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+'));
    let named = name.len() >= 3 && letters && name.first().is_some_and(u8::is_ascii_alphanumeric) && is_name(bytes, start, 12);
    let versioned = version.iter().all(|number| *number < 100) && version != [0; 4];
    (named && versioned).then(|| Span::new(start, crate::blob::to_u64(name.len())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{Unpacked, carve, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    fn trx(version: u16, offsets: &[u32], body: &[u8]) -> Vec<u8> {
        let mut rest = [[0, 0], version.to_le_bytes()].concat();
        offsets.iter().for_each(|offset| rest.extend(offset.to_le_bytes()));
        rest.extend(body);
        let length = u32::try_from(rest.len() + 12).unwrap();
        [b"HDR0".as_slice(), &length.to_le_bytes(), &(!crc32(&rest)).to_le_bytes(), &rest].concat()
    }

    fn parts(unpacked: &Unpacked) -> Vec<(&str, &[u8])> {
        unpacked.files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect()
    }

    #[test]
    fn parts_reach_from_offset_to_offset() {
        let image = trx(1, &[28, 34, 0], b"kernelroot");
        let flash = [vec![0xff; 9], image.clone(), b"next".to_vec()].concat();
        assert_eq!(carve(&Trx, &flash, 9), Some(image.len() as u64));
        let unpacked = unpack_at(&Trx, &flash, 9);
        assert_eq!(parts(&unpacked), [("part-0", b"kernel".as_slice()), ("part-1", b"root")]);
        assert_eq!(unpacked.problems, []);
        survives_damage(&Trx, &image);
    }

    #[test]
    fn version_two_has_four_offsets_in_any_order() {
        let image = trx(2, &[39, 32, 43, 0], b"loader\0rootdata");
        let unpacked = unpack(&Trx, &image);
        assert_eq!(parts(&unpacked), [("part-0", b"loader\0".as_slice()), ("part-1", b"root"), ("part-2", b"data")]);
    }

    #[test]
    fn without_offsets_all_is_one_part() {
        assert_eq!(parts(&unpack(&Trx, &trx(1, &[0, 0, 0], b"everything"))), [("part-0", b"everything".as_slice())]);
        assert_eq!(parts(&unpack(&Trx, &trx(1, &[32, 0, 0], b"\0\0\0\0everything"))), [("part-0", b"everything".as_slice())]);
    }

    #[test]
    fn the_trailer_of_asus_names_the_product() {
        let trailer = [b"\x03\0\0\x04RT-AC68U\0\0\0\0".as_slice(), &[0; 48]].concat();
        let product = |body: &[u8]| unpack(&Trx, &trx(1, &[28, 0, 0], body)).fact("header.product");
        assert_eq!(product(&[b"kernel".as_slice(), &trailer].concat()).as_deref(), Some("RT-AC68U"));
        assert_eq!(product(&[b' '; 200]), None);
        assert_eq!(product(&[0; 200]), None);
    }

    #[test]
    fn changed_and_missing_bytes_are_problems() {
        let mut image = trx(1, &[28, 34, 0], b"kernelroot");
        let truncated = unpack(&Trx, &image[..36]);
        assert_eq!(parts(&truncated), [("part-0", b"kernel".as_slice()), ("part-1", b"ro")]);
        assert_eq!(truncated.problems[0].0, Code::Truncated);
        image[37] ^= 1;
        let changed = unpack(&Trx, &image);
        assert_eq!(changed.files.len(), 2);
        assert_eq!(changed.problems[0].0, Code::Checksum);
    }

    #[test]
    fn four_letters_are_none() {
        assert_eq!(carve(&Trx, b"HDR0 is the magic of a TRX header, and this is only a text about it", 0), None);
        assert_eq!(carve(&Trx, &trx(1, &[28, 0x10_0000, 0], b"kernelroot"), 0), None);
    }
}
