//! Qualcomm: what the boot ROM reads first.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

static SPEC: Spec = Spec {
    id: "qualcomm-sbl",
    name: "Qualcomm boot loader (SBL)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(&[0xd1, 0xdc, 0x4b, 0x84, 0x34, 0x10, 0xd7, 0x73])],
    leaf: false,
    references: &["https://github.com/coreboot/coreboot/blob/main/util/qualcomm/mbncat.py", "https://github.com/openpst/libopenpst"],
    limitations: &["signature and certificates are handed over, not verified"],
};

/// SBL.
pub(in crate::format) static SBL: Header = Header { spec: &SPEC, read };

static MBN_SPEC: Spec = Spec {
    id: "qualcomm-mbn",
    name: "Qualcomm boot image (MBN)",
    kind: Kind::Container,
    magics: &[Magic::start(&[3, 0, 0, 0]).at(4), Magic::start(&[5, 0, 0, 0]).at(4), Magic::start(&[6, 0, 0, 0]).at(4)],
    leaf: false,
    references: &["https://github.com/coreboot/coreboot/blob/main/util/qualcomm/mbn_tools.py"],
    limitations: &["only as a whole file, for want of a magic", "signature and certificates are handed over, not verified"],
};

/// MBN.
pub(in crate::format) static MBN: Header = Header { spec: &MBN_SPEC, read: mbn };

/// The header, 40 bytes; all numbers little endian:
///
/// ```text
///  0 image   4 version 3, 5 or 6   8 0   c address   10 size of all but the header   14 of the code
/// 18 address of the signature, 1c its size   20 address of the certificates, 24 their size
/// ```
fn mbn(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let (address, size, code, signature, chain) = (word(12)?, word(16)?, word(20)?, word(28)?, word(36)?);
    let follows = |at, offset: u64| word(at).map(|found| found == 0 || found == address.saturating_add(offset));
    let parts = code.saturating_add(signature).saturating_add(chain);
    let addresses = follows(24, code)? && follows(32, code.saturating_add(signature))?;
    let fits = parts <= size && size.saturating_sub(parts) < 4096 && size.saturating_add(40) == bytes.len();
    if word(0)? > 0x60 || word(8)? != 0 || address == 0 || code == 0 || !addresses || !fits {
        return Err(Rejected("addresses or sizes"));
    }
    let mut image = Image::of(size.saturating_add(40));
    let code = Span::new(40, code);
    let signature = Span::new(code.end(), signature);
    image.part("code", code);
    image.part("signature", signature);
    image.part("certificates", Span::new(signature.end(), chain));
    Ok(image)
}

/// The header, 80 bytes; all numbers little endian:
///
/// ```text
///  0 code word 0x844bdcd1   4 magic 0x73d71034   8 image   14 offset of the code   18 address   1c size of all but the header   20 of the code
/// 24 address of the signature, 28 its size   2c address of the certificates, 30 their size
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let (header, size, code, signature, chain) = (word(0x14)?, word(0x1c)?, word(0x20)?, word(0x28)?, word(0x30)?);
    // A preamble for NAND flash may stand between.
    let parts = code.saturating_add(signature).saturating_add(chain);
    if !(80..=0x1_4000).contains(&header) || code == 0 || parts > size || size > 64 << 20 {
        return Err(Rejected("sizes"));
    }
    let code = Span::new(header, code);
    let signature = Span::new(code.end(), signature);
    let mut image = Image::of(header.saturating_add(size));
    image.part("code", code);
    image.part("signature", signature);
    image.part("certificates", Span::new(signature.end(), chain));
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::header::testing::opens;
    use crate::format::testing::{carve, survives_damage, unpack};

    #[test]
    fn code_and_certificates_come_out() {
        let unpacked = opens(&SBL, include_bytes!("../../../../fixtures/qualcomm-sbl/sbl1.mbn"), &["code", "signature", "certificates"]);
        assert!(unpacked.file("code").starts_with(b"\x7fELF"));
        assert!(unpacked.file("certificates").starts_with(&[0x30, 0x82]));
        let image = include_bytes!("../../../../fixtures/qualcomm-mbn/tz.mbn");
        let unpacked = unpack(&MBN, image);
        assert_eq!(unpacked.names(), ["code", "signature", "certificates"]);
        assert_eq!(carve(&MBN, &image[..image.len() - 1], 0), None, "without a magic all sizes must fit");
        survives_damage(&MBN, image);
    }
}
