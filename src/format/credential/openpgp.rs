//! OpenPGP in binary: messages, keys and signatures, as packets one behind the other.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::{Fault, Rejected};

pub(crate) mod packet;

use packet::{Packet, Tag};

/// Packets of OpenPGP.
pub(super) static OPENPGP: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "openpgp",
    name: "OpenPGP",
    kind: Kind::Credential,
    magics: &[
        // Session keys for RSA of 1024 to 4096 bits, which stand before what is encrypted.
        Magic::anywhere(b"\x85\x01\x0c\x03"),
        Magic::anywhere(b"\x85\x01\x8c\x03"),
        Magic::anywhere(b"\x85\x02\x0c\x03"),
        Magic::anywhere(b"\xc1\xc0\x4c\x03"),
        Magic::anywhere(b"\xc1\xc1\x4c\x03"),
        Magic::start(b"\x84\x8c\x03"),
        // For curves, and for passwords.
        Magic::start(b"\x84\x5e\x03"),
        Magic::start(b"\xc1\x5e\x03"),
        Magic::start(b"\x8c\x0d\x04"),
        Magic::start(b"\xc3\x0d\x04"),
        // Keys of RSA, DSA and curves.
        Magic::start(b"\x99\x01"),
        Magic::start(b"\x99\x02"),
        Magic::start(b"\x99\x03"),
        Magic::start(b"\x98\x33\x04"),
        Magic::start(b"\xc6\x33\x04"),
        Magic::start(b"\x98\x52\x04"),
        // Signatures.
        Magic::start(b"\x89\x01"),
        Magic::start(b"\x89\x02"),
        Magic::start(b"\x88\x75\x04"),
        Magic::start(b"\xc2\x75\x04"),
    ],
    leaf: false,
    references: &["https://www.rfc-editor.org/rfc/rfc9580"],
    limitations: &["compressed and one-pass signed messages are not told apart from other data", "packets of version 6"],
};

/// Packets at most, so that a keyring of many is read in time.
const MOST: u32 = 100_000;

/// The packets in order. The first proves what it is by all its lengths; the others only by their tags, and that they are there.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let first = Packet::read(bytes, 0)?;
    first.prove(bytes)?;
    let mut image = Image::of(first.end);
    let mut data = None;
    for _ in 0..MOST {
        let Ok(packet) = Packet::read(bytes, image.length) else { break };
        let belongs = match first.tag {
            Tag::SESSION_KEY | Tag::PASSWORD_KEY => matches!(packet.tag, Tag::SESSION_KEY | Tag::PASSWORD_KEY) || packet.tag.is_encrypted(),
            Tag::SIGNATURE => packet.tag == Tag::SIGNATURE,
            _ => packet.tag.is_of_key(),
        };
        if !belongs {
            break;
        }
        if packet.tag.is_encrypted() {
            data = Some(packet.body);
        }
        image.length = packet.end;
        if data.is_some() {
            break;
        }
    }
    if matches!(first.tag, Tag::SESSION_KEY | Tag::PASSWORD_KEY) && data.is_none() && image.length < bytes.len() {
        return Err(Rejected("nothing is encrypted"));
    }
    if let Some(body) = data {
        image.faulty("data", body, Fault::Encrypted("encrypted with a key of OpenPGP".to_owned()));
    }
    Ok(image)
}

/// A number of OpenPGP: u16 bits, bytes, the highest bit first. Where it ends.
fn behind_number(bytes: Bytes<'_>, at: u64) -> Result<u64, Rejected> {
    let bits = bytes.u16(at, Endian::Big)?;
    let number = Span::new(at.saturating_add(2), u64::from(bits.div_ceil(8)));
    let first = bytes.u8(number.start)?;
    // The highest bit is where the length says.
    let top = u32::from(bits).wrapping_sub(1) % 8;
    if bits == 0 || u32::from(first) >> top != 1 { Err(Rejected("a number")) } else { Ok(number.end()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, try_unpack_at};
    use crate::problem::Code;

    const MESSAGE: &[u8] = include_bytes!("../../../fixtures/openpgp/story.gpg");
    const PASSWORD: &[u8] = include_bytes!("../../../fixtures/openpgp/password.gpg");
    const KEYS: &[u8] = include_bytes!("../../../fixtures/openpgp/keys.gpg");
    const SIGNATURE: &[u8] = include_bytes!("../../../fixtures/openpgp/story.sig");

    #[test]
    fn messages_keys_and_signatures() {
        for image in [MESSAGE, PASSWORD, KEYS, SIGNATURE] {
            assert_eq!(carve(&OPENPGP, image, 0), Some(image.len() as u64));
            survives_damage(&OPENPGP, image);
        }
        let flash = [b"before it".as_slice(), MESSAGE, b"behind it"].concat();
        assert_eq!(carve(&OPENPGP, &flash, 9), Some(MESSAGE.len() as u64));
    }

    #[test]
    fn messages_are_opaque_and_keys_are_not() {
        let codes = |image| try_unpack_at(&OPENPGP, image, 0).unwrap().problems.into_iter().map(|(code, _)| code).collect::<Vec<_>>();
        assert_eq!(codes(MESSAGE), [Code::Encrypted]);
        assert_eq!(codes(PASSWORD), [Code::Encrypted]);
        assert_eq!(codes(KEYS), []);
        assert_eq!(codes(SIGNATURE), []);
    }

    #[test]
    fn texts_and_noise_are_none() {
        let text = [b"\x99\x01".as_slice(), &b"is how many a key begins, and this is a text about it. ".repeat(20)].concat();
        assert_eq!(carve(&OPENPGP, &text, 0), None);
        assert_eq!(carve(&OPENPGP, &[b"\x85\x01\x0c\x03".as_slice(), &[7; 900]].concat(), 0), None);
    }
}
