//! Qualcomm: what the boot ROM reads first.

use crate::blob::{Bytes, Endian, Span};
use crate::format::layout::{Laid, Layout};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

static SPEC: Spec = Spec {
    id: "qualcomm-sbl",
    name: "Qualcomm boot loader (SBL)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(&[0xd1, 0xdc, 0x4b, 0x84, 0x34, 0x10, 0xd7, 0x73])],
    leaf: false,
    references: &["https://github.com/coreboot/coreboot/blob/main/util/qualcomm/mbncat.py", "https://github.com/openpst/libopenpst"],
    limitations: &[
        "images with the 40-byte header (MBN), which has no magic, are not recognized",
        "signature and certificates are handed over, not verified",
    ],
};

/// SBL.
pub(in crate::format) static SBL: Laid = Laid { spec: &SPEC, read };

/// The header, 80 bytes; all numbers little endian:
///
/// ```text
///  0 code word 0x844bdcd1   4 magic 0x73d71034   8 image   14 offset of the code   18 address   1c size of all but the header   20 of the code
/// 24 address of the signature, 28 its size   2c address of the certificates, 30 their size
/// ```
fn read(bytes: Bytes<'_>) -> Result<Layout, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    let (header, size, code, signature, chain) = (word(0x14)?, word(0x1c)?, word(0x20)?, word(0x28)?, word(0x30)?);
    // A preamble for NAND flash may stand between.
    let parts = code.saturating_add(signature).saturating_add(chain);
    if !(80..=0x1_4000).contains(&header) || code == 0 || parts > size || size > 64 << 20 {
        return Err(Rejected("sizes"));
    }
    let code = Span::new(header, code);
    let signature = Span::new(code.end(), signature);
    let mut layout = Layout::new(header.saturating_add(size));
    layout.part("code", code);
    layout.part("signature", signature);
    layout.part("certificates", Span::new(signature.end(), chain));
    Ok(layout)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::layout::testing::opens;

    #[test]
    fn code_and_certificates_come_out() {
        let unpacked = opens(&SBL, include_bytes!("../../../../fixtures/qualcomm-sbl/sbl1.mbn"), &["code", "signature", "certificates"]);
        assert!(unpacked.file("code").starts_with(b"\x7fELF"));
        assert!(unpacked.file("certificates").starts_with(&[0x30, 0x82]));
    }
}
