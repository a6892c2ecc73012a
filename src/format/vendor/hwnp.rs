//! HWNP: the container in which Huawei's optical network terminals (HG8xxx, EG8xxx and others) get their firmware.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, crc32, path_text};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Huawei ONT firmware.
#[derive(Debug)]
pub(super) struct Hwnp;

static SPEC: Spec = Spec {
    id: "hwnp",
    name: "Huawei ONT firmware (HWNP)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"HWNP")],
    leaf: false,
    references: &["https://github.com/0xuserpag3/HuaweiFirmwareTool"],
    limitations: &["the signature that newer images carry as an item is handed over, not verified"],
};

/// Bytes of the header before the list of products.
const HEADER: u64 = 36;

/// Bytes of one entry of the table of items.
const ITEM: u64 = 360;

/// More items than any image has.
const MOST_ITEMS: u32 = 1024;

impl Format for Hwnp {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let header = Header::read(bytes)?;
        Ok(Carved::new(header.end(bytes), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let header = Header::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        header.verify(bytes, children);
        let products = bytes.text(HEADER, header.products)?;
        if !products.is_empty() {
            children.fact("hwnp.product", products, Span::new(HEADER, crate::format::length_of(products)));
        }
        // Items do not share bytes, so that all of them cannot be much more than there is.
        let mut left = bytes.len().saturating_mul(2);
        for index in 0..header.count {
            let item = header.item(bytes, index)?;
            let place = header.place(index);
            for (field, text) in [(16, item.path), (272, item.section)] {
                if !text.is_empty() {
                    children.fact("hwnp.item", text, Span::new(place.saturating_add(field), crate::format::length_of(text)));
                }
            }
            if item.data.length.min(bytes.len()) > left {
                children.problem(&Fault::corrupt(format!("the items overlap: {} is left out", item.name())), Some(place));
                continue;
            }
            left = left.saturating_sub(item.data.length);
            if bytes.part(item.data).is_ok_and(|data| crc32(data.0) != item.crc) {
                children.problem(&Fault::Checksum(format!("the CRC of {} does not fit", item.name())), Some(place));
            }
            children.span(item.name(), item.data, Attributes::default())?;
        }
        Ok(())
    }
}

/// The header; numbers are little endian, but for the size:
///
/// ```text
///  0 magic "HWNP"   4 size of the image, big endian; some tools do not count 76 bytes   8 CRC of everything from 12 on
///  c size of header, products and items   10 CRC of these from 14 on   14 number of items   18 unknown u16   1a size of the products u16
/// 1c size of an item, 360   20 reserved   24 products: text such as "164C|15AD|1A9D|;COMMON|CMCC|"
/// ```
struct Header {
    size: u64,
    crc: u32,
    header_crc: u32,
    count: u32,
    products: u64,
    /// What to add to the offsets of the items, wrapping around.
    shift: u64,
}

impl Header {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let word = |at| bytes.u32(at, Endian::Little);
        let mut header = Self {
            size: bytes.u32(4, Endian::Big)?.into(),
            crc: word(8)?,
            header_crc: word(0x10)?,
            count: word(0x14)?,
            products: bytes.u16(0x1a, Endian::Little)?.into(),
            shift: 0,
        };
        if u64::from(word(0x1c)?) != ITEM || header.count == 0 || header.count > MOST_ITEMS || header.products > 4096 {
            return Err(Rejected("number or size of the items"));
        }
        let first = header.item(bytes, 0)?;
        if !first.path.contains(&b':') || !first.path.iter().chain(first.section).all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(Rejected("the path of the first item"));
        }
        header.shift = header.shift_to(bytes, &first);
        Ok(header)
    }

    /// The data of the items follows their table without a gap. Offsets count from the start of the image; where they do not lead there,
    /// the CRC of the first item says whether its data stands there all the same.
    fn shift_to(&self, bytes: Bytes<'_>, first: &Item<'_>) -> u64 {
        let table_end = self.place(self.count);
        let fits = |start| bytes.get(start, first.data.length).is_ok_and(|data| !data.is_empty() && crc32(data) == first.crc);
        if first.data.start == table_end || fits(first.data.start) || !fits(table_end) {
            return 0;
        }
        table_end.wrapping_sub(first.data.start)
    }

    fn place(&self, index: u32) -> u64 {
        HEADER.saturating_add(self.products).saturating_add(u64::from(index).saturating_mul(ITEM))
    }

    /// An entry of the table:
    ///
    /// ```text
    ///  0 index   4 CRC of the data   8 offset   c size   10 path, 256 bytes: "file:/var/UpgradeCheck.xml", "flash:rootfs"
    /// 110 section, 16 bytes   120 version, 64 bytes   160 policy   164 reserved
    /// ```
    fn item<'a>(&self, bytes: Bytes<'a>, index: u32) -> Result<Item<'a>, crate::blob::OutOfBounds> {
        let entry = bytes.part(Span::new(self.place(index), ITEM))?;
        let word = |at| entry.u32(at, Endian::Little);
        let start = u64::from(word(8)?).wrapping_add(self.shift);
        Ok(Item { crc: word(4)?, data: Span::new(start, word(0xc)?.into()), path: entry.text(0x10, 256)?, section: entry.text(0x110, 16)? })
    }

    /// Where the last item ends.
    fn end(&self, bytes: Bytes<'_>) -> u64 {
        let ends = (0..self.count).map_while(|index| self.item(bytes, index).ok()).map(|item| item.data.end());
        ends.fold(self.place(self.count), u64::max)
    }

    fn verify(&self, bytes: Bytes<'_>, children: &mut Children<'_>) {
        let table_end = self.place(self.count);
        let found = |from, to| bytes.part(Span::between(from, to)).map(|part| crc32(part.0));
        if found(0x14, table_end).is_ok_and(|crc| crc != self.header_crc) {
            children.problem(&Fault::Checksum("the CRC of the header does not fit".to_owned()), Some(0x10));
        }
        let complete = self.size <= bytes.len() && self.end(bytes) <= bytes.len();
        if complete && found(0xc, bytes.len()).is_ok_and(|crc| crc != self.crc) {
            children.problem(&Fault::Checksum("the CRC of the image does not fit".to_owned()), Some(8));
        }
    }
}

struct Item<'a> {
    crc: u32,
    data: Span,
    path: &'a [u8],
    section: &'a [u8],
}

impl Item<'_> {
    /// The section, and the path without the word before its colon.
    fn name(&self) -> String {
        let path = path_text(self.path);
        let path = path.split_once(':').map_or(path.as_str(), |(_, path)| path).trim_start_matches('/');
        if self.section.is_empty() { path.to_owned() } else { format!("{}/{path}", path_text(self.section)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    const ITEMS: [(&str, &str, &[u8]); 4] = [
        ("file:/var/UpgradeCheck.xml", "UPGRDCHECK", b"<upgradecheck/>\n"),
        ("flash:flash_config", "FLASH_CONFIG", b""),
        ("flash:kernel", "KERNEL", &[0x5a; 3000]),
        ("flash:rootfs", "", b"hsqs"),
    ];

    /// An image; its offsets are `gap` too large.
    fn image(gap: u32) -> Vec<u8> {
        let word = |value: usize| u32::try_from(value).unwrap().to_le_bytes();
        let field = |text: &str, size: usize| [text.as_bytes(), &vec![0; size - text.len()]].concat();
        let table_end = 36 + 256 + 360 * ITEMS.len();
        let (mut table, mut data) = (Vec::new(), Vec::new());
        for (index, (path, section, content)) in ITEMS.into_iter().enumerate() {
            table.extend(
                [word(index), crc32(content).to_le_bytes(), word(table_end + data.len() + gap as usize), word(content.len())].concat(),
            );
            table.extend([field(path, 256), field(section, 16), field("V300R015C10", 64), vec![0; 8]].concat());
            data.extend(content);
        }
        let counts = [word(ITEMS.len()), [0, 0, 0, 1], word(360), word(0)].concat();
        let counted = [counts, field("494|4B4|534|;COMMON|CMCC|", 256), table].concat();
        let rest = [word(table_end).to_vec(), crc32(&counted).to_le_bytes().to_vec(), counted, data].concat();
        let size = u32::try_from(rest.len() + 12 - 76).unwrap();
        [b"HWNP".as_slice(), &size.to_be_bytes(), &crc32(&rest).to_le_bytes(), &rest].concat()
    }

    #[test]
    fn every_item_comes_out() {
        for gap in [0, 12] {
            let image = image(gap);
            let flash = [vec![0; 100], image.clone(), vec![0xff; 100]].concat();
            assert_eq!(carve(&Hwnp, &flash, 100), Some(image.len() as u64));
            let unpacked = unpack_at(&Hwnp, &flash, 100);
            assert_eq!(unpacked.names(), ["UPGRDCHECK/var/UpgradeCheck.xml", "FLASH_CONFIG/flash_config", "KERNEL/kernel", "rootfs"]);
            ITEMS.iter().zip(&unpacked.files).for_each(|(item, (_, bytes))| assert_eq!(item.2, bytes));
            assert_eq!(unpacked.fact("hwnp.product").unwrap(), "494|4B4|534|;COMMON|CMCC|");
            let items: Vec<_> = unpacked.facts.iter().filter(|fact| fact.key == "hwnp.item").collect();
            assert_eq!(
                items.iter().map(|fact| String::from_utf8_lossy(&fact.value)).collect::<Vec<_>>()[..2],
                ["file:/var/UpgradeCheck.xml", "UPGRDCHECK"]
            );
            for fact in &unpacked.facts {
                let start = usize::try_from(fact.span.start).unwrap();
                assert!(image[start..].starts_with(&fact.value), "the fact stands where it says");
            }
            assert_eq!(unpacked.problems, []);
        }
    }

    #[test]
    fn each_checksum_is_verified() {
        let codes = |at: usize| {
            let mut image = image(0);
            let at = if at == 0 { image.len() - 1 } else { at };
            image[at] ^= 1;
            let unpacked = unpack(&Hwnp, &image);
            assert_eq!(unpacked.files.len(), 4);
            unpacked.problems.into_iter().map(|(code, message)| (code, message.split_once("of ").unwrap().1.to_owned())).collect::<Vec<_>>()
        };
        let said = |what: &str| (Code::Checksum, format!("{what} does not fit"));
        assert_eq!(codes(0), [said("the image"), said("rootfs")]);
        assert_eq!(codes(0x30), [said("the header"), said("the image")]);
    }

    #[test]
    fn a_truncated_image_gives_what_is_there() {
        let image = image(0);
        let unpacked = unpack(&Hwnp, &image[..image.len() - 1000]);
        assert_eq!(unpacked.file("KERNEL/kernel").len(), 2004);
        assert!(unpacked.problems.iter().all(|(code, _)| *code == Code::Truncated) && unpacked.problems.len() == 2);
    }

    #[test]
    fn four_letters_are_none() {
        assert_eq!(carve(&Hwnp, &b"HWNP is the magic of this format. ".repeat(100), 0), None);
        survives_damage(&Hwnp, &image(0));
    }
}
