//! DrayTek's images of modems (Vigor 167 and others): a kernel and a root file system.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// DrayTek 2RHD.
pub(super) static DRAYTEK_2RHD: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "draytek-2rhd",
    name: "DrayTek modem firmware (2RHD)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"2RHD")],
    leaf: false,
    references: &["https://github.com/q3k/vraytekdigor/blob/master/build/fwtool/fwimage.go"],
    limitations: &["CRC-32 and MD5 are not verified: what they are made over is not published"],
};

/// Bytes of the header, and of what follows the image.
const HEADER: u64 = 0x100;
const FOOTER: u64 = 49;

/// The header; all numbers big endian. Behind the image stand "DrayTekImageMD5" and the digits of a sum.
///
/// ```text
/// 0 magic "2RHD"   4 size of the header   8 size of all, without what follows   c CRC-32   50 size of the kernel   54 of the file system
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Big).map(u64::from);
    let (total, kernel) = (word(8)?, Span::new(HEADER, word(0x50)?));
    let rootfs = Span::new(kernel.end(), word(0x54)?);
    if word(4)? != HEADER || kernel.length == 0 || rootfs.end() > total || total > 1 << 30 {
        return Err(Rejected("the sizes"));
    }
    let end = if bytes.has(total, b"DrayTekImageMD5") { total.saturating_add(FOOTER) } else { total };
    let mut image = Image::new(end, HEADER);
    image.part("kernel", kernel).part("rootfs", rootfs).known(Span::between(total, end));
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, holds};

    #[test]
    fn kernel_and_file_system_come_out() {
        let image = include_bytes!("../../../fixtures/draytek-2rhd/modem.bin");
        holds(&DRAYTEK_2RHD, image, &[("kernel", KERNEL), ("rootfs", ROOTFS)]);
    }
}
