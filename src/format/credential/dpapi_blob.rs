//! What the data protection interface of Windows encrypted: keys and passwords of programs.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::{Fault, Rejected};

/// A DPAPI blob.
pub(super) static DPAPI_BLOB: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "dpapi-blob",
    name: "Windows DPAPI blob",
    kind: Kind::Credential,
    magics: &[Magic::anywhere(b"\x01\0\0\0\xd0\x8c\x9d\xdf\x01\x15\xd1\x11\x8c\x7a\0\xc0\x4f\xc2\x97\xeb")],
    leaf: false,
    references: &[
        "https://learn.microsoft.com/en-us/windows/win32/api/dpapi/nf-dpapi-cryptprotectdata",
        "https://github.com/fortra/impacket",
    ],
    limitations: &["the content is encrypted with a key of the user or the machine"],
};

/// More than such a blob protects.
const LARGEST: u64 = 1 << 24;

/// All numbers u32, little endian; what has a length stands behind it:
///
/// ```text
///  0 version 1   4 GUID of the provider   14 version 1   18 GUID of the master key   28 flags   2c description, UTF-16
/// cipher, bits of its key, salt, HMAC key, hash, bits of it, second HMAC key, data, signature
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
    // Where that ends whose length stands at `at`.
    let behind = |at: u64| match word(at)? {
        length if length <= LARGEST => Ok(at.saturating_add(4).saturating_add(length)),
        _ => Err(Rejected("a length")),
    };
    if word(0x14)? != 1 {
        return Err(Rejected("the version of the master key"));
    }
    // Two numbers, the cipher or hash and its bits, stand before the salt and the second HMAC key.
    let salt = behind(0x2c)?.saturating_add(8);
    let hash = behind(behind(salt)?)?;
    let data = behind(hash.saturating_add(8))?;
    let end = behind(data)?;
    let mut image = Image::of(behind(end)?);
    let content = Span::between(data.saturating_add(4), end);
    image.faulty("data", content, Fault::Encrypted("encrypted with a key of the user or the machine".to_owned()));
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, try_unpack_at};
    use crate::problem::Code;

    #[test]
    fn its_content_is_opaque() {
        let image = include_bytes!("../../../fixtures/dpapi-blob/password.bin");
        let flash = [b"before it".as_slice(), image, b"behind it"].concat();
        assert_eq!(carve(&DPAPI_BLOB, &flash, 9), Some(image.len() as u64));
        let problems = try_unpack_at(&DPAPI_BLOB, &flash, 9).unwrap().problems;
        assert_eq!(problems.into_iter().map(|(code, _)| code).collect::<Vec<_>>(), [Code::Encrypted]);
        survives_damage(&DPAPI_BLOB, image);
    }
}
