//! USB Device Firmware Upgrade: the suffix of its files, and ST's files with several targets.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::header::{Header, Image, is_name};
use crate::format::{Carved, Format, Kind, Magic, Spec, crc32, part_text};
use crate::limits::Budget;
use crate::problem::Rejected;

/// The last 16 bytes of a DFU file.
#[derive(Debug)]
pub(in crate::format) struct DfuSuffix;

static SUFFIX_SPEC: Spec = Spec {
    id: "dfu-suffix",
    name: "USB DFU file suffix",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"UFD\x10").at(8)],
    leaf: true,
    references: &["https://www.usb.org/sites/default/files/DFU_1.1.pdf"],
    limitations: &["only at the end of a file whose CRC it fits"],
};

impl Format for DfuSuffix {
    fn spec(&self) -> &'static Spec {
        &SUFFIX_SPEC
    }

    /// All numbers little endian: device, product, vendor, version of DFU u16, "UFD", size of the suffix u8, CRC of the whole file, without
    /// the last inversion.
    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = blob.bytes();
        let end = start.saturating_add(16);
        if end != bytes.len() {
            return Err(Rejected("not at the end"));
        }
        let crc = bytes.u32(start.saturating_add(12), Endian::Little)?;
        if !crc32(bytes.up_to(0, end.saturating_sub(4))) != crc {
            return Err(Rejected("the CRC"));
        }
        Ok(Carved::new(16, start, blob))
    }
}

static DFUSE_SPEC: Spec = Spec {
    id: "dfuse",
    name: "ST DfuSe file",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"DfuSe\x01")],
    leaf: false,
    references: &["https://dfu-util.sourceforge.net/dfuse.html"],
    limitations: &[],
};

/// DfuSe.
pub(in crate::format) static DFUSE: Header = Header { spec: &DFUSE_SPEC, read };

/// The header, 11 bytes: "DfuSe", 1, size without the suffix u32, number of targets u8. A target, 274 bytes: "Target", setting u8, named u32,
/// name\[255\], size u32, number of elements u32; an element: address, size, bytes. All numbers are little endian.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at: u64| bytes.u32(at, Endian::Little).map(u64::from);
    let mut image = Image::of(word(6)?);
    if bytes.u8(10)? == 0 || image.length < 285 {
        return Err(Rejected("size or number of targets"));
    }
    let mut at = 11_u64;
    for target in 0..bytes.u8(10)? {
        if !bytes.has(at, b"Target") || !is_name(bytes, at.saturating_add(11), 255) {
            if target == 0 {
                return Err(Rejected("the first target"));
            }
            break;
        }
        let name = part_text(bytes.text(at.saturating_add(11), 255)?);
        let name = if name.is_empty() { format!("target-{target}") } else { name };
        let count = word(at.saturating_add(270))?;
        at = at.saturating_add(274);
        for _ in 0..count.min(4096) {
            let (Ok(address), Ok(size)) = (word(at), word(at.saturating_add(4))) else { break };
            let element = Span::new(at.saturating_add(8), size);
            if element.end() > image.length {
                break;
            }
            image.part(format!("{name}/{address:#010x}"), element);
            at = element.end();
        }
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::header::testing::opens;
    use crate::format::testing::{carve, survives_damage};

    #[test]
    fn the_suffix_is_only_at_the_end_of_its_file() {
        let file = include_bytes!("../../../../fixtures/dfu-suffix/tool.dfu");
        let start = file.len() as u64 - 16;
        assert_eq!(carve(&DfuSuffix, file, start), Some(16));
        let mut broken = file.to_vec();
        broken[5] ^= 1;
        assert_eq!(carve(&DfuSuffix, &broken, start), None);
        survives_damage(&DfuSuffix, &file[file.len() - 16..]);
    }

    #[test]
    fn targets_come_out() {
        let file = include_bytes!("../../../../fixtures/dfuse/two.dfu");
        let unpacked = opens(&DFUSE, &file[..file.len() - 16], &["ST.../0x08000000", "ST.../0x08010000"]);
        assert!(unpacked.file("ST.../0x08000000").starts_with(b"\x7fELF"));
        assert_eq!(carve(&DfuSuffix, file, file.len() as u64 - 16), Some(16));
    }
}
