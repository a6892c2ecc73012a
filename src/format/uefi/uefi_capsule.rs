//! UEFI capsules: how firmware updates are handed to the firmware that takes them.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::guid::Guid;
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

mod items;

/// UEFI capsule.
#[derive(Debug)]
pub(super) struct Capsule;

static SPEC: Spec = Spec {
    id: "uefi-capsule",
    name: "UEFI capsule",
    kind: Kind::Container,
    magics: &[
        Magic::anywhere(&[0xbd, 0x86, 0x66, 0x3b, 0x76, 0x0d, 0x30, 0x40, 0xb7, 0x0e, 0xb5, 0x51, 0x9e, 0x2f, 0xc5, 0xa0]),
        Magic::anywhere(&[0xb9, 0x82, 0x91, 0x53, 0xb5, 0xab, 0x91, 0x43, 0xb6, 0x9a, 0xe3, 0xa9, 0x43, 0xf7, 0x2f, 0xcc]),
        Magic::anywhere(&[0xd3, 0xaf, 0x0b, 0xe2, 0x14, 0x99, 0x4f, 0x4f, 0x95, 0x37, 0x31, 0x29, 0xe0, 0x90, 0xeb, 0x3c]),
        Magic::anywhere(&[0x76, 0xfe, 0xb5, 0x25, 0x43, 0x82, 0x5c, 0x4a, 0xa9, 0xbd, 0x7e, 0xe3, 0x24, 0x61, 0x98, 0xb5]),
        Magic::anywhere(&[0x8b, 0xa6, 0x3c, 0x4a, 0x23, 0x77, 0xfb, 0x48, 0x80, 0x3d, 0x57, 0x8c, 0xc1, 0xfe, 0xc4, 0x4d]),
        Magic::anywhere(&[0x90, 0xbb, 0xee, 0x14, 0x0a, 0x89, 0xdb, 0x43, 0xae, 0xd1, 0x5d, 0x3c, 0x45, 0x88, 0xa4, 0x18]),
        Magic::anywhere(&[0x62, 0x70, 0xe0, 0x3b, 0x51, 0x1d, 0xd2, 0x45, 0x83, 0x2b, 0xf0, 0x93, 0x25, 0x7e, 0xd4, 0x61]),
        Magic::anywhere(&[0xed, 0xd5, 0xcb, 0x6d, 0x2d, 0xe8, 0x44, 0x4c, 0xbd, 0xa1, 0x71, 0x94, 0x19, 0x9a, 0xd9, 0x2a]),
        Magic::anywhere(&[0x62, 0x81, 0x8c, 0x3b, 0x8c, 0x18, 0xa4, 0x46, 0xae, 0xc9, 0xbe, 0x43, 0xf1, 0xd6, 0x56, 0x97]),
    ],
    leaf: false,
    references: &[
        "https://uefi.org/specs/UEFI/2.10/08_Services_Runtime_Services.html#update-capsule",
        "https://uefi.org/specs/UEFI/2.10/23_Firmware_Update_and_Reporting.html",
        "https://github.com/LongSoft/UEFITool",
    ],
    limitations: &["signatures are handed over, not verified"],
};

/// How the header goes on after the GUID.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// 10 size of the header u32   14 flags u32   18 size of it all u32
    Plain,
    /// The same, then: 1c offset of the image u16   1e offset of its layout u16; a signature before the image
    Aptio,
    /// 10 size of the header u32   14 size of it all u32   18 flags u32
    Toshiba,
    /// As plain, then items with an offset each
    Items,
    /// As plain, then: 0 version u8   1 checksum u8   2 type u8, 0 for a bitmap   4 mode u32   8 where on the screen u32, u32   10 picture
    Picture,
}

/// Bytes before the picture that is shown while firmware is updated.
const PICTURE_HEADER: u64 = 0x14;

/// The makers' GUIDs.
const LAYOUTS: [(Guid, Layout); 9] = [
    (Guid::of(0x3b66_86bd_0d76_4030_b70e_b551_9e2f_c5a0), Layout::Plain), // EFI
    (Guid::of(0x5391_82b9_abb5_4391_b69a_e3a9_43f7_2fcc), Layout::Plain), // Intel
    (Guid::of(0xe20b_afd3_9914_4f4f_9537_3129_e090_eb3c), Layout::Plain), // Lenovo
    (Guid::of(0x25b5_fe76_8243_4a5c_a9bd_7ee3_2461_98b5), Layout::Plain), // Lenovo
    (Guid::of(0x4a3c_a68b_7723_48fb_803d_578c_c1fe_c44d), Layout::Aptio), // AMI, signed
    (Guid::of(0x14ee_bb90_890a_43db_aed1_5d3c_4588_a418), Layout::Aptio), // AMI, not signed
    (Guid::of(0x3be0_7062_1d51_45d2_832b_f093_257e_d461), Layout::Toshiba),
    (Guid::of(0x6dcb_d5ed_e82d_4c44_bda1_7194_199a_d92a), Layout::Items),
    (Guid::of(0x3b8c_8162_188c_46a4_aec9_be43_f1d6_5697), Layout::Picture),
];

impl Format for Capsule {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let header = Header::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(header.size, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let header = Header::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let end = header.size;
        match header.layout {
            Layout::Items => return items::unpack(bytes, header.length, end, children),
            Layout::Aptio => {
                let image = u64::from(bytes.u16(0x1c, Endian::Little)?);
                if image > header.length && image < end {
                    children.span("certificate", Span::between(header.length, image), Attributes::default())?;
                    return Ok(children.span("image", Span::between(image, end), Attributes::default())?);
                }
            }
            Layout::Picture => {
                let picture = header.length.saturating_add(PICTURE_HEADER);
                return Ok(children.span("picture", Span::between(picture, end), Attributes::default())?);
            }
            Layout::Plain | Layout::Toshiba => (),
        }
        Ok(children.span("image", Span::between(header.length, end), Attributes::default())?)
    }
}

struct Header {
    layout: Layout,
    length: u64,
    size: u64,
}

impl Header {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let guid = Guid::at(bytes, 0)?;
        let layout = LAYOUTS.iter().find(|(known, _)| *known == guid).map(|(_, layout)| *layout).ok_or(Rejected("GUID"))?;
        let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
        let size = if layout == Layout::Toshiba { word(0x14)? } else { word(0x18)? };
        let length = word(0x10)?;
        if !(0x1c..=0x10000).contains(&length) || size <= length || size > 1 << 30 {
            return Err(Rejected("sizes"));
        }
        Ok(Self { layout, length, size })
    }
}

#[cfg(test)]
mod tests;
