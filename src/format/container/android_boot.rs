//! Android's boot and vendor_boot images: kernel, ramdisks and device trees, each from a page boundary on.

use sha1::{Digest, Sha1};

use crate::blob::{Blob, Bytes, Endian, OutOfBounds, Span};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, mtdparts, path_text};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Android boot image, versions 0 to 4, and vendor boot image, versions 3 and 4.
#[derive(Debug)]
pub(super) struct AndroidBoot;

static SPEC: Spec = Spec {
    id: "android-boot",
    name: "Android boot image",
    kind: Kind::Container,
    // BOOT_MAGIC, VENDOR_BOOT_MAGIC
    magics: &[Magic::anywhere(BOOT), Magic::anywhere(VENDOR)],
    leaf: false,
    references: &["https://source.android.com/docs/core/architecture/bootloader/boot-image-header"],
    limitations: &["the signature of version 4 is handed over, not verified"],
};

const BOOT: &[u8] = b"ANDROID!";
const VENDOR: &[u8] = b"VNDRBOOT";

/// Where the hash stands in versions 0 to 2, and what it covers: three parts, the fourth from version 1 on, the fifth from version 2 on.
const ID: u64 = 576;
const HASHED: [&str; 5] = ["kernel", "ramdisk", "second", "recovery_dtbo", "dtb"];

impl Format for AndroidBoot {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let layout = Layout::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(layout.length, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let layout = Layout::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        for (key, field) in &layout.texts {
            let text = bytes.text(field.start, field.length)?;
            if !text.is_empty() {
                children.fact(key, text, Span::new(field.start, crate::format::length_of(text)));
                mtdparts::each(text, field.start, &mut |definition, span| children.fact("mtd.partition", definition, span));
            }
        }
        if layout.hashed > 0 {
            layout.verify(bytes, children)?;
        }
        let table = layout.part("vendor_ramdisk_table").filter(|_| layout.entries.count > 0);
        for (name, part) in &layout.parts {
            match (*name, table) {
                ("vendor_ramdisk", Some(table)) => layout.entries.unpack(bytes, *part, table, children)?,
                ("vendor_ramdisk_table", _) => (),
                _ => children.span(*name, *part, Attributes::default())?,
            }
        }
        Ok(())
    }
}

/// Where everything stands.
struct Layout {
    length: u64,
    /// Parts that are not empty, in order.
    parts: Vec<(&'static str, Span)>,
    /// Fields of text: keys of facts and their places.
    texts: Vec<(&'static str, Span)>,
    entries: Entries,
    /// How many parts at least the hash in the header covers; 0 if there is none.
    hashed: usize,
}

/// Collects parts one after the other, each from a page boundary on.
struct Pages {
    page: u64,
    layout: Layout,
}

impl Pages {
    fn new(page: u64, header: u64, texts: &[(&'static str, u64, u64)]) -> Self {
        let texts = texts.iter().map(|(key, start, length)| (*key, Span::new(*start, *length))).collect();
        let length = header.next_multiple_of(page);
        Self { page, layout: Layout { length, parts: Vec::new(), texts, entries: Entries::default(), hashed: 0 } }
    }

    fn part(&mut self, name: &'static str, size: Result<u32, OutOfBounds>) -> Result<(), Rejected> {
        let part = Span::new(self.layout.length, size?.into());
        if part.length > 0 {
            self.layout.length = part.end().next_multiple_of(self.page);
            self.layout.parts.push((name, part));
        }
        Ok(())
    }

    fn finish(self) -> Result<Layout, Rejected> {
        if self.layout.parts.is_empty() { Err(Rejected("nothing inside")) } else { Ok(self.layout) }
    }
}

impl Layout {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        if bytes.has(0, VENDOR) {
            return Self::vendor(bytes);
        }
        match bytes.u32(40, Endian::Little)? {
            3 | 4 => Self::generic(bytes),
            version => Self::legacy(bytes, version),
        }
    }

    /// Compares the SHA-1 in the header with that of all parts, each with its size behind it. Some tools write something else there, or nothing.
    fn verify(&self, bytes: Bytes<'_>, children: &mut Children<'_>) -> Result<(), Fault> {
        let id: [u8; 32] = bytes.array(ID)?;
        let (stored, rest) = id.split_at_checked(20).unwrap_or_default();
        if stored.iter().all(|byte| *byte == 0) || rest.iter().any(|byte| *byte != 0) {
            return Ok(());
        }
        let mut hash = Sha1::new();
        for name in HASHED.iter().take(self.hashed) {
            let part = self.part(name).unwrap_or_default();
            let Ok(covered) = bytes.part(part) else { return Ok(()) };
            hash.update(covered.0);
            hash.update(u32::try_from(part.length).unwrap_or_default().to_le_bytes());
        }
        // Qualcomm's tools put their device tree table behind the others.
        let table = self.part("dt").and_then(|part| Some((bytes.part(part).ok()?, u32::try_from(part.length).ok()?)));
        let with_table = table.map(|(table, size)| hash.clone().chain_update(table.0).chain_update(size.to_le_bytes()).finalize());
        if hash.finalize().as_slice() != stored && with_table.is_none_or(|found| found.as_slice() != stored) {
            children.problem(&Fault::Checksum("the SHA-1 of the parts is not the one in the header".to_owned()), Some(ID));
        }
        Ok(())
    }

    fn part(&self, name: &str) -> Option<Span> {
        self.parts.iter().find(|(found, _)| *found == name).map(|(_, part)| *part)
    }

    /// Versions 0 to 2 (`bootimg.h`, `struct boot_img_hdr_v2`; all numbers little endian):
    ///
    /// ```text
    ///   8 kernel_size  12 kernel_addr  16 ramdisk_size  20 ramdisk_addr  24 second_size  28 second_addr  32 tags_addr  36 page_size
    ///  40 header_version  44 os_version  48 name[16]  64 cmdline[512]  576 id[8]  608 extra_cmdline[1024]
    /// 1632 recovery_dtbo_size  1636 recovery_dtbo_offset u64  1644 header_size (from version 1 on)  1648 dtb_size  1652 dtb_addr u64 (2)
    /// ```
    fn legacy(bytes: Bytes<'_>, version: u32) -> Result<Self, Rejected> {
        let word = |at| bytes.u32(at, Endian::Little);
        // Before there were versions, Qualcomm's tools kept the size of their device tree table in that field.
        let dt = if version > 4 { version } else { 0 };
        if dt > 64 << 20 || ![48, 64, 608].into_iter().all(|at| is_text(bytes, at, 16)) {
            return Err(Rejected("texts"));
        }
        let texts = [("android.name", 48, 16), ("android.cmdline", 64, 512), ("android.cmdline", 608, 1024)];
        let mut pages = Pages::new(page_size(word(36)?)?, 1, &texts);
        pages.part("kernel", word(8))?;
        pages.part("ramdisk", word(16))?;
        pages.part("second", word(24))?;
        pages.part("dt", Ok(dt))?;
        if matches!(version, 1 | 2) {
            if !matches!(word(1644)?, 1648..=1660) {
                return Err(Rejected("header_size"));
            }
            pages.part("recovery_dtbo", word(1632))?;
        }
        if version == 2 {
            pages.part("dtb", word(1648))?;
        }
        pages.layout.hashed = match version {
            1 => 4,
            2 => 5,
            _ => 3,
        };
        pages.finish()
    }

    /// Versions 3 and 4 (`struct boot_img_hdr_v4`), whose pages always have 4096 bytes:
    ///
    /// ```text
    ///   8 kernel_size  12 ramdisk_size  16 os_version  20 header_size  24 reserved[4]  40 header_version  44 cmdline[1536]
    /// 1580 signature_size (4)
    /// ```
    fn generic(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let word = |at| bytes.u32(at, Endian::Little);
        // The first mkbootimg of version 3 wrote 1596.
        if !matches!(word(20)?, 1580..=1596) || bytes.array(24)? != [0; 16] {
            return Err(Rejected("header_size or reserved fields"));
        }
        let mut pages = Pages::new(4096, 1, &[("android.cmdline", 44, 1536)]);
        pages.part("kernel", word(8))?;
        pages.part("ramdisk", word(12))?;
        if word(40)? == 4 {
            pages.part("boot_signature", word(1580))?;
        }
        pages.finish()
    }

    /// Vendor boot images (`struct vendor_boot_img_hdr_v4`):
    ///
    /// ```text
    ///   8 header_version  12 page_size  16 kernel_addr  20 ramdisk_addr  24 vendor_ramdisk_size  28 cmdline[2048]  2076 tags_addr
    /// 2080 name[16]  2096 header_size  2100 dtb_size  2104 dtb_addr u64
    /// 2112 vendor_ramdisk_table_size  2116 vendor_ramdisk_table_entry_num  2120 vendor_ramdisk_table_entry_size  2124 bootconfig_size (4)
    /// ```
    fn vendor(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let word = |at| bytes.u32(at, Endian::Little);
        let (version, size) = (word(8)?, word(2096)?);
        // Some versions of mkbootimg leave the last word out of the size.
        if !matches!((version, size), (3, 2108..=2112) | (4, 2124..=2128)) {
            return Err(Rejected("header_version or header_size"));
        }
        let texts = [("android.name", 2080, 16), ("android.cmdline", 28, 2048)];
        let mut pages = Pages::new(page_size(word(12)?)?, if version == 3 { 2112 } else { 2128 }, &texts);
        pages.part("vendor_ramdisk", word(24))?;
        pages.part("dtb", word(2100))?;
        if version == 4 {
            pages.part("vendor_ramdisk_table", word(2112))?;
            pages.part("bootconfig", word(2124))?;
            pages.layout.entries = Entries { count: word(2116)?, size: word(2120)?.into() };
        }
        pages.finish()
    }
}

fn page_size(size: u32) -> Result<u64, Rejected> {
    let is_one = size.is_power_of_two() && (1024..=128 << 10).contains(&size);
    if is_one { Ok(size.into()) } else { Err(Rejected("page_size")) }
}

/// Whether `length` bytes at `at` are printable up to the first NUL.
fn is_text(bytes: Bytes<'_>, at: u64, length: u64) -> bool {
    bytes.text(at, length).is_ok_and(|text| text.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\n')))
}

/// The ramdisks that a vendor boot image of version 4 puts one after the other (`struct vendor_ramdisk_table_entry_v4`):
///
/// ```text
/// 0 ramdisk_size  4 ramdisk_offset  8 ramdisk_type  12 ramdisk_name[32]  44 board_id[16]
/// ```
#[derive(Default)]
struct Entries {
    count: u32,
    size: u64,
}

impl Entries {
    fn unpack(&self, bytes: Bytes<'_>, ramdisks: Span, table: Span, children: &mut Children<'_>) -> Result<(), Fault> {
        let size = u64::from(self.count).saturating_mul(self.size);
        if self.size < 108 || size > table.length || table.end() > bytes.len() {
            children.problem(&Fault::corrupt("the table of ramdisks does not fit"), Some(table.start));
            return Ok(children.span("vendor_ramdisk", ramdisks, Attributes::default())?);
        }
        let mut left = ramdisks.length;
        for index in 0..u64::from(self.count) {
            let entry = table.start.saturating_add(index.saturating_mul(self.size));
            let word = |at: u64| bytes.u32(entry.saturating_add(at), Endian::Little).map(u64::from);
            let ramdisk = Span::new(ramdisks.start.saturating_add(word(4)?), word(0)?);
            if ramdisk.end() > ramdisks.end() || ramdisk.length > left {
                children.problem(&Fault::corrupt(format!("ramdisk {index} reaches out of its place or into another")), Some(entry));
                continue;
            }
            left = left.saturating_sub(ramdisk.length);
            let name = match bytes.text(entry.saturating_add(12), 32)? {
                b"" => index.to_string(),
                name => path_text(name),
            };
            children.span(format!("vendor_ramdisk/{name}"), ramdisk, Attributes::default())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
