//! Option ROMs: what PCI cards and built-in devices bring along for firmware to run.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::codec::{Codec, Stream};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// PCI option ROM.
#[derive(Debug)]
pub(super) struct OptionRom;

static SPEC: Spec = Spec {
    id: "pci-option-rom",
    name: "PCI option ROM",
    kind: Kind::Container,
    magics: &[Magic::anywhere(&[0x55, 0xaa])],
    leaf: false,
    references: &["https://uefi.org/specs/UEFI/2.10/14_Protocols_PCI_Bus_Support.html#pci-option-roms"],
    limitations: &["ROMs of the ISA bus, which have no PCI data structure, are not recognized"],
};

/// More images than any ROM has.
const MOST_IMAGES: usize = 16;
/// Bytes before the first instruction.
const ENTRY: u64 = 3;
/// Sizes are in units of this.
const UNIT: u64 = 512;

impl Format for OptionRom {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let images = images(Bytes(blob.bytes().tail(start)));
        let last = images.last().ok_or(Rejected("PCI data structure"))?;
        Ok(Carved::new(last.span.end(), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        for (index, image) in images(bytes).iter().enumerate() {
            if index == 0 {
                let device = format!("{:04x}:{:04x}", image.vendor, image.device);
                children.fact("header.vendor", device.as_bytes(), Span::new(image.data.saturating_add(4), 4));
            }
            if !efi(bytes, image, index, children)? {
                let kind = match image.kind {
                    0 => "x86",
                    1 => "open-firmware",
                    2 => "pa-risc",
                    3 => "efi",
                    _ => "other",
                };
                // From where it is entered: as a whole it would be a ROM again.
                let code = Span::between(image.span.start.saturating_add(ENTRY), image.span.end());
                children.span(format!("image-{index}-{kind}"), code, Attributes::default())?;
            }
        }
        Ok(())
    }
}

/// Hands over the program of an EFI image: 4 signature ef1 u32   a machine u16   c compression u16: 0 not, 1 EFI's   16 offset u16.
fn efi(bytes: Bytes<'_>, image: &Image, index: usize, children: &mut Children<'_>) -> Result<bool, Fault> {
    let at = |offset: u64| image.span.start.saturating_add(offset);
    if image.kind != 3 || bytes.u32(at(4), Endian::Little)? != 0xef1 {
        return Ok(false);
    }
    let (packing, offset) = (bytes.u16(at(0xc), Endian::Little)?, u64::from(bytes.u16(at(0x16), Endian::Little)?));
    let program = Span::between(at(offset), image.span.end());
    let name = format!("image-{index}-efi");
    match packing {
        0 if offset >= 0x18 => children.span(name, program, Attributes::default())?,
        1 => {
            let data = bytes.up_to(program.start, program.length);
            let attempt = |codec: Codec| codec.stream(data, children.budget());
            let first = attempt(Codec::Efi);
            let Stream { output, fault, .. } = if first.fault.as_ref().is_some_and(Fault::is_limit)
                || (first.fault.is_none() && first.output.as_slice().starts_with(b"MZ"))
            {
                first
            } else {
                attempt(Codec::Tiano)
            };
            if output.is_empty() {
                children.span_with(name, program, Attributes::default(), fault.as_ref())?;
            } else {
                children.made_with(name, output, Attributes::default(), fault.as_ref())?;
            }
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// An image: 0 55 aa   2 size u8 or u16, in units   18 offset of its PCI data u16; and there: 0 "PCIR"   4 vendor u16   6 device u16
/// a size of this u16   10 size of the image u16, in units   14 kind of code u8   15 bit 7: the last one.
struct Image {
    span: Span,
    data: u64,
    vendor: u16,
    device: u16,
    kind: u8,
    last: bool,
}

fn images(bytes: Bytes<'_>) -> Vec<Image> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(image) = Image::read(bytes, at).filter(|_| found.len() < MOST_IMAGES) {
        at = image.span.end();
        let last = image.last;
        found.push(image);
        if last {
            break;
        }
    }
    found
}

impl Image {
    fn read(bytes: Bytes<'_>, start: u64) -> Option<Self> {
        let offset = u64::from(bytes.u16(start.saturating_add(0x18), Endian::Little).ok()?);
        let data = start.saturating_add(offset);
        if !bytes.has(start, &[0x55, 0xaa]) || offset < 0x1a || !offset.is_multiple_of(2) || !bytes.has(data, b"PCIR") {
            return None;
        }
        let half = |field: u64| bytes.u16(data.saturating_add(field), Endian::Little).ok();
        let (kind, indicator) = (bytes.u8(data.saturating_add(0x14)).ok()?, bytes.u8(data.saturating_add(0x15)).ok()?);
        let (length, size) = (half(0xa)?, u64::from(half(0x10)?).saturating_mul(UNIT));
        let fits = (0x16..=0x100).contains(&length) && size > offset && matches!(half(4)?, 1..=0xfffe);
        let span = Span::new(start, size);
        fits.then_some(Self { span, data, vendor: half(4)?, device: half(6)?, kind, last: indicator & 0x80 != 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};

    const ROM: &[u8] = include_bytes!("../../../fixtures/pci-option-rom/card.rom");

    #[test]
    fn images_come_out() {
        let flash = [&[0xff; 4], ROM, &[0xff; 600]].concat();
        assert_eq!(carve(&OptionRom, &flash, 4), Some(ROM.len() as u64));
        let unpacked = unpack_at(&OptionRom, &flash, 4);
        assert_eq!(unpacked.names(), ["image-0-x86", "image-1-efi", "image-2-efi"]);
        assert_eq!(unpacked.fact("header.vendor").as_deref(), Some("1af4:1000"));
        assert!(unpacked.file("image-1-efi").starts_with(b"MZ") && unpacked.file("image-2-efi").starts_with(b"MZ"));
        assert_eq!(carve(&OptionRom, unpacked.file("image-0-x86"), 0), None, "what comes out is not the ROM again");
        assert_eq!(unpacked.problems, []);
        survives_damage(&OptionRom, ROM);
    }

    #[test]
    fn what_is_cut_and_what_is_none() {
        assert_eq!(unpack(&OptionRom, &ROM[..600]).names(), ["image-0-x86", "image-1-efi"]);
        assert_eq!(carve(&OptionRom, &[0x55, 0xaa].repeat(100), 0), None);
    }
}
