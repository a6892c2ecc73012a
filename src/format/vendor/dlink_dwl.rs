//! D-Link's access points for companies (DWL-8610AP and others): the key is made of two texts in the header.

use crate::blob::{Bytes, Span};
use crate::codec::aes;
use crate::format::header::{Header, Image, openssl, sums};
use crate::format::{Kind, Magic, Spec};
use crate::limits::Output;
use crate::problem::{Fault, Rejected};

/// D-Link DWL.
pub(super) static DLINK_DWL: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "dlink-dwl",
    name: "D-Link access point firmware (DWL)",
    kind: Kind::Container,
    magics: &[Magic::start(openssl::MAGIC).at(HEADER)],
    leaf: false,
    references: &[
        "https://openwrt.org/toh/d-link/d-link_dwl_series_of_business_access_points",
        "https://github.com/fkie-cad/fact_extractor/blob/master/fact_extractor/plugins/unpacking/dlink/code/dlink_dwl.py",
    ],
    limitations: &[],
};

/// Bytes of the header.
const HEADER: u64 = 0x74;

/// The header; what is behind it was written by OpenSSL:
///
/// ```text
/// 0 unknown   4 model, 32 bytes   24 text of which, with the model, the passphrase is made   74 "Salted__"   7c salt   84 encrypted data
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let (model, text) = (bytes.text(4, 0x20)?, bytes.text(0x24, 0x50)?);
    let readable = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_graphic);
    let data = Span::between(HEADER.saturating_add(openssl::HEADER), bytes.len());
    let known = model.to_ascii_lowercase().starts_with(b"dwl-");
    if !known || !readable(model) || !readable(text) || text.len() > 64 || data.length == 0 || !data.length.is_multiple_of(16) {
        return Err(Rejected("the texts"));
    }
    let passphrase: String = sums::hmac_sha1(text, model).iter().map(|byte| format!("{byte:02x}")).collect();
    let secret = openssl::derive(sums::md5, passphrase.as_bytes(), bytes.get(HEADER.saturating_add(8), 8)?, 32);
    // Models with an 8 have blocks that are not chained.
    let chained = model.iter().find(|byte| byte.is_ascii_digit()) != Some(&b'8');
    let mut image = Image::new(bytes.len(), data.start);
    image.fact("header.product", 4, 0x20);
    let undo = move |there: Bytes<'_>, output: &mut Output<'_>| {
        if chained { secret.decrypt(there.0, output) } else { blocks(&secret, there, output) }
    };
    image.undone("image", data, Box::new(undo));
    Ok(image)
}

fn blocks(secret: &openssl::Secret, there: Bytes<'_>, output: &mut Output<'_>) -> Result<(), Fault> {
    let plain = aes::decrypt_ecb(secret.key(), there.0).unwrap_or_default();
    Ok(output.push(openssl::unpadded(&plain))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, holds, unpack};

    const CHAINED: &[u8] = include_bytes!("../../../fixtures/dlink-dwl/chained.bin");
    const BLOCKS: &[u8] = include_bytes!("../../../fixtures/dlink-dwl/blocks.bin");

    #[test]
    fn the_image_is_decrypted() {
        holds(&DLINK_DWL, CHAINED, &[("image", KERNEL)]);
        holds(&DLINK_DWL, BLOCKS, &[("image", KERNEL)]);
        assert_eq!(unpack(&DLINK_DWL, BLOCKS).fact("header.product").unwrap(), "DWL-8610EX");
    }
}
