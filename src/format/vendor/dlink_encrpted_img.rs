//! D-Link's "encrpted_img": a UBI image of routers such as DIR-X1860, encrypted one erase block at a time.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image, cipher};
use crate::format::{Kind, Magic, Spec};
use crate::limits::Output;
use crate::problem::{Fault, Rejected};

/// D-Link encrpted_img.
pub(super) static DLINK_ENCRPTED_IMG: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "dlink-encrpted-img",
    name: "D-Link encrypted firmware (encrpted_img)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"encrpted_img")],
    leaf: false,
    references: &["https://github.com/onekey-sec/unblob/blob/main/python/unblob/handlers/archive/dlink/encrpted_img.py"],
    limitations: &["the first 16 bytes of an erase block that do not come out right are taken to be those of every erase block of UBI"],
};

const KEY: &[u8; 32] = b"he9-4+M!)d6=m~we1,q2a3d1n&2*Z^%8";
const IV: &[u8; 16] = b"J%1iQl8$=lm-;8AE";

/// More bytes than any image has.
const LARGEST: u64 = 256 << 20;

/// Bytes of an erase block.
const BLOCK: usize = 0x2_0000;

/// How every erase block of UBI begins.
const UBI: &[u8; 16] = b"UBI#\x01\0\0\0\0\0\0\0\0\0\0\0";

/// The header:
///
/// ```text
///  0 magic "encrpted_img"   c size of what follows, big endian
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let payload = Span::new(16, bytes.u32(12, Endian::Big)?.into());
    if payload.length == 0 || !payload.length.is_multiple_of(16) || payload.length > LARGEST {
        return Err(Rejected("the size"));
    }
    let mut image = Image::new(payload.end(), 16);
    image.undone("image", payload, Box::new(decrypt));
    Ok(image)
}

fn decrypt(there: Bytes<'_>, output: &mut Output<'_>) -> Result<(), Fault> {
    for block in there.0.chunks(BLOCK) {
        let mut first = true;
        cipher::aes_cbc(KEY, IV, block, &mut |part| {
            let begins = std::mem::take(&mut first) && !part.starts_with(b"UBI#");
            let (head, tail) = part.split_at_checked(UBI.len()).unwrap_or((part, &[]));
            output.push(if begins { UBI } else { head })?;
            output.push(tail)
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::holds;

    #[test]
    fn the_image_is_decrypted() {
        let image = include_bytes!("../../../fixtures/dlink-encrpted-img/router.bin");
        let ubi = [UBI.as_slice(), &[0x11; 0x1000 - 16]].concat();
        holds(&DLINK_ENCRPTED_IMG, image, &[("image", &ubi)]);
    }
}
