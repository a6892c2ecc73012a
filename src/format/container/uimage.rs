//! U-Boot's legacy image: one header, one image or several.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, crc32};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// U-Boot legacy image.
#[derive(Debug)]
pub(super) struct UImage;

static SPEC: Spec = Spec {
    id: "uimage",
    name: "U-Boot legacy image",
    kind: Kind::Container,
    // IH_MAGIC
    magics: &[Magic::anywhere(&[0x27, 0x05, 0x19, 0x56])],
    leaf: false,
    references: &["https://github.com/u-boot/u-boot/blob/master/include/image.h"],
    limitations: &[],
};

/// Bytes of the header.
const HEADER: u64 = 64;

/// `ih_type` of an image made of several.
const TYPE_MULTI: u8 = 4;

/// `ih_type` of a script: laid out like an image made of several, with one.
const TYPE_SCRIPT: u8 = 6;

/// More images than anybody packs into one: what has more has no table.
const MOST_IMAGES: usize = 1024;

impl Format for UImage {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let header = Header::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(HEADER.saturating_add(header.size), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let header = Header::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        if !header.name.is_empty() {
            children.fact("uimage.name", header.name, Span::new(32, crate::format::length_of(header.name)));
        }
        let data = Span::new(HEADER, header.size);
        if let Ok(stored) = bytes.part(data) {
            let found = crc32(stored.0);
            if found != header.data_crc {
                let message = format!("the header says that the CRC of the data is {:#010x}, it is {found:#010x}", header.data_crc);
                children.problem(&Fault::Checksum(message), Some(24));
            }
        }
        let attributes = Attributes { modified: (header.time != 0).then(|| header.time.into()), ..Attributes::default() };
        if !matches!(header.kind, TYPE_MULTI | TYPE_SCRIPT) {
            return Ok(children.span(role(header.kind), data, attributes)?);
        }
        match table(bytes, data) {
            Some(images) if header.kind == TYPE_SCRIPT && images.len() == 1 => {
                for image in images {
                    children.span(role(header.kind), image, attributes.clone())?;
                }
            }
            Some(images) => {
                for (index, image) in images.into_iter().enumerate() {
                    children.span(format!("image-{index}"), image, attributes.clone())?;
                }
            }
            None => {
                children.problem(&Fault::corrupt("the table of sizes does not fit the data"), Some(HEADER));
                children.span(role(header.kind), data, attributes)?;
            }
        }
        Ok(())
    }
}

/// What the header says of the data (U-Boot, `include/image.h`, `struct legacy_img_hdr`; all numbers big endian):
///
/// ```text
///  0 ih_magic   4 ih_hcrc    8 ih_time  12 ih_size  16 ih_load  20 ih_ep
/// 24 ih_dcrc   28 ih_os     29 ih_arch  30 ih_type  31 ih_comp  32 ih_name[32]
/// ```
struct Header<'a> {
    time: u32,
    size: u64,
    data_crc: u32,
    kind: u8,
    name: &'a [u8],
}

impl<'a> Header<'a> {
    fn read(bytes: Bytes<'a>) -> Result<Self, Rejected> {
        let word = |at| bytes.u32(at, Endian::Big);
        let mut header: [u8; 64] = bytes.array(0)?;
        // ih_hcrc is computed with itself as zero.
        header.iter_mut().skip(4).take(4).for_each(|byte| *byte = 0);
        if crc32(&header) != word(4)? {
            return Err(Rejected("the CRC of the header"));
        }
        Ok(Self { time: word(8)?, size: word(12)?.into(), data_crc: word(24)?, kind: bytes.u8(30)?, name: bytes.text(32, 32)? })
    }
}

/// What the data is for: `ih_type`.
fn role(kind: u8) -> &'static str {
    match kind {
        1 => "standalone",
        2 | 14 => "kernel",
        3 => "ramdisk",
        TYPE_MULTI => "multi",
        5 | 24 => "firmware",
        TYPE_SCRIPT => "script",
        7 => "filesystem",
        8 => "flat-dt",
        _ => "data",
    }
}

/// Where the images of a multi-file image stand: their sizes up to a zero, then each, padded to 4 bytes.
/// None if they do not fit `data`.
fn table(bytes: Bytes<'_>, data: Span) -> Option<Vec<Span>> {
    let mut sizes = Vec::new();
    let mut at = data.start;
    loop {
        let size = bytes.u32(at, Endian::Big).ok().filter(|_| at < data.end())?;
        at = at.saturating_add(4);
        if size == 0 {
            break;
        }
        sizes.push(u64::from(size));
        if sizes.len() > MOST_IMAGES {
            return None;
        }
    }
    let mut images = Vec::new();
    for size in sizes {
        let image = Span::new(at, size);
        if image.end() > data.end() {
            return None;
        }
        images.push(image);
        at = image.end().next_multiple_of(4);
    }
    Some(images)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::*;
    use crate::format::testing::{carve, survives_damage, tool, unpack, unpack_at};
    use crate::problem::Code;

    fn mkimage(kind: &str, name: &str, files: &[&[u8]]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let mut paths = Vec::new();
        for (index, bytes) in files.iter().enumerate() {
            let path = folder.path().join(index.to_string());
            std::fs::write(&path, bytes).unwrap();
            paths.push(path.to_str().unwrap().to_owned());
        }
        let output = folder.path().join("output");
        let mut command = Command::new("mkimage");
        command.args(["-A", "mips", "-O", "linux", "-T", kind, "-C", "none", "-a", "0x80000000", "-e", "0x80000000", "-n", name]);
        tool(command.arg("-d").arg(paths.join(":")).arg(Path::new(&output)));
        std::fs::read(&output).unwrap()
    }

    #[test]
    fn a_kernel_comes_out_with_its_name() {
        if crate::testing::lacking(&["mkimage"]) {
            return;
        }
        let image = mkimage("kernel", "MIPS OpenWrt Linux-5.15", &[b"not really a kernel"]);
        let flash = [vec![0xff; 100], image.clone(), vec![0xff; 100]].concat();
        assert_eq!(carve(&UImage, &flash, 100), Some(image.len() as u64));
        let unpacked = unpack_at(&UImage, &flash, 100);
        assert_eq!(unpacked.file("kernel"), b"not really a kernel");
        assert_eq!(unpacked.fact("uimage.name").unwrap(), "MIPS OpenWrt Linux-5.15");
        assert!(unpacked.problems.is_empty());
    }

    #[test]
    fn every_image_of_a_multi_file_image_comes_out() {
        if crate::testing::lacking(&["mkimage"]) {
            return;
        }
        let image = mkimage("multi", "multi", &[b"kernel", b"ramdisk!", b"device tree"]);
        let unpacked = unpack(&UImage, &image);
        assert_eq!(unpacked.names(), ["image-0", "image-1", "image-2"]);
        assert_eq!(unpacked.file("image-0"), b"kernel");
        assert_eq!(unpacked.file("image-1"), b"ramdisk!");
        assert_eq!(unpacked.file("image-2"), b"device tree");
        survives_damage(&UImage, &image);
    }

    #[test]
    fn a_script_comes_out_without_its_table() {
        if crate::testing::lacking(&["mkimage"]) {
            return;
        }
        let unpacked = unpack(&UImage, &mkimage("script", "", &[b"bootm 0x9f050000\n"]));
        assert_eq!(unpacked.file("script"), b"bootm 0x9f050000\n");
        assert_eq!(unpacked.fact("uimage.name"), None);
    }

    #[test]
    fn changed_data_is_a_problem_and_is_handed_over() {
        if crate::testing::lacking(&["mkimage"]) {
            return;
        }
        let mut image = mkimage("filesystem", "rootfs", &[b"file system"]);
        *image.last_mut().unwrap() = b'M';
        let unpacked = unpack(&UImage, &image);
        assert_eq!(unpacked.file("filesystem"), b"file systeM");
        assert_eq!(unpacked.problems[0].0, Code::Checksum);
    }

    #[test]
    fn a_changed_header_is_none() {
        if crate::testing::lacking(&["mkimage"]) {
            return;
        }
        let mut image = mkimage("kernel", "name", &[b"kernel"]);
        image[40] ^= 1;
        assert_eq!(carve(&UImage, &image, 0), None);
    }

    #[test]
    fn a_truncated_image_gives_what_is_there() {
        if crate::testing::lacking(&["mkimage"]) {
            return;
        }
        let image = mkimage("firmware", "name", &[&[7; 1000]]);
        let unpacked = unpack(&UImage, &image[..564]);
        assert_eq!(unpacked.file("firmware"), [7; 500]);
        assert_eq!(unpacked.problems[0].0, Code::Truncated);
    }

    #[test]
    fn sizes_that_do_not_fit_are_a_problem_and_the_data_is_handed_over() {
        if crate::testing::lacking(&["mkimage"]) {
            return;
        }
        let mut image = mkimage("multi", "multi", &[b"kernel", b"ramdisk!"]);
        image[64] = 0x7f;
        let unpacked = unpack(&UImage, &image);
        assert_eq!(unpacked.file("multi").len(), image.len() - 64);
        assert!(unpacked.problems.iter().any(|(code, _)| *code == Code::Corrupt));
    }
}
