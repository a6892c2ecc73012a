//! ZTE's settings (config.bin, db files): a signature, and a payload in chunks, compressed, and often encrypted with a key that hangs on
//! the model alone.

use sha2::{Digest, Sha256};

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::codec::{Codec, aes};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, crc32, length_of};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Settings of a router or terminal.
#[derive(Debug)]
pub(super) struct ZteConfig;

static SPEC: Spec = Spec {
    id: "zte-config",
    name: "ZTE settings (config.bin)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(&SIGNED), Magic::anywhere(&PAYLOAD)],
    leaf: false,
    references: &["https://github.com/mkst/zte-config-utility"],
    limitations: &["keys that hang on the serial number of the device are not known, and such settings not decrypted"],
};

const SIGNED: [u8; 8] = [4, 3, 2, 1, 0, 0, 0, 0];
const PAYLOAD: [u8; 7] = [1, 2, 3, 4, 0, 0, 0];

/// Bytes before the first chunk, and before the data of each.
const HEADER: u64 = 60;
const CHUNK: u64 = 12;

impl Format for ZteConfig {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let settings = Settings::read(bytes)?;
        let end = chunks(bytes, settings.payload).last().map(|chunk| chunk.data.end());
        end.map(|end| Carved::new(end, start, blob)).ok_or(Rejected("no chunk"))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let settings = Settings::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        if !settings.signature.is_empty() {
            children.fact("header.product", settings.signature, Span::new(CHUNK, length_of(settings.signature)));
        }
        if settings.kind == 0 { inflate(bytes, &settings, children) } else { decrypt(bytes, &settings, children) }
    }
}

/// The headers; all numbers big endian:
///
/// ```text
/// 0 magic 04030201   4 nothing   8 size of the signature   c signature: the model, as text       (not in all files)
/// 0 magic 01020304   4 kind: 0 compressed, 2 AES-128, 3 and 4 AES-256   8 size of the content   c size of all   10 size of a chunk
/// 14 CRC-32 of the compressed data   18 CRC-32 of the 24 bytes before, of kind 0 only   3c chunks
/// ```
struct Settings<'a> {
    signature: &'a [u8],
    payload: u64,
    kind: u32,
}

impl<'a> Settings<'a> {
    fn read(bytes: Bytes<'a>) -> Result<Self, Rejected> {
        let word = |at| bytes.u32(at, Endian::Big);
        let (signature, payload): (&[u8], u64) = if bytes.has(0, &SIGNED) {
            let signature = bytes.get(CHUNK, word(8)?.into())?;
            if signature.is_empty() || signature.len() > 256 || !signature.iter().all(|byte| matches!(byte, b' '..=b'~')) {
                return Err(Rejected("signature"));
            }
            (signature, CHUNK.saturating_add(length_of(signature)))
        } else {
            (&[], 0)
        };
        let at = |offset: u64| payload.saturating_add(offset);
        let kind = word(at(4))?;
        let quiet = bytes.get(at(28), 32)?.iter().all(|byte| *byte == 0);
        if !bytes.has(payload, &PAYLOAD) || !matches!(kind, 0 | 2..=4) || !quiet {
            return Err(Rejected("the header of the payload"));
        }
        if kind == 0 && word(at(24))? != crc32(bytes.get(payload, 24)?) {
            return Err(Rejected("the CRC of the header"));
        }
        let first = chunks(bytes, payload).next().ok_or(Rejected("the first chunk"))?;
        if kind != 0 && (first.data.length % 16 != 0 || u64::from(first.plain) > first.data.length) {
            return Err(Rejected("the size of the first chunk"));
        }
        Ok(Self { signature, payload, kind })
    }
}

/// `size of the content   size here   whether there is another chunk`, three numbers, before its data.
struct Chunk {
    plain: u32,
    data: Span,
}

/// The chunks behind the header at `payload`, as far as they are there.
fn chunks(bytes: Bytes<'_>, payload: u64) -> impl Iterator<Item = Chunk> {
    let mut next = Some(payload.saturating_add(HEADER));
    std::iter::from_fn(move || {
        let start = next.take()?;
        let word = |at: u64| bytes.u32(start.saturating_add(at), Endian::Big).ok();
        let (plain, size, more) = (word(0)?, word(4)?, word(8)?);
        let data = Span::new(start.saturating_add(CHUNK), size.into());
        if size == 0 || data.end() > bytes.len() {
            return None;
        }
        next = (more != 0).then_some(data.end());
        Some(Chunk { plain, data })
    })
}

fn inflate(bytes: Bytes<'_>, settings: &Settings<'_>, children: &mut Children<'_>) -> Result<(), Fault> {
    let (mut output, mut packed, mut fault) = (children.output(), flate2::Crc::new(), None);
    for chunk in chunks(bytes, settings.payload) {
        let data = bytes.part(chunk.data)?.0;
        packed.update(data);
        match Codec::Zlib.block(data, chunk.plain.into()) {
            Ok(plain) => output.push(&plain)?,
            Err(broken) => {
                fault = Some(broken);
                break;
            }
        }
    }
    if fault.is_none() && bytes.u32(settings.payload.saturating_add(20), Endian::Big)? != packed.sum() {
        children.problem(&Fault::Checksum("the CRC of the compressed settings does not fit".to_owned()), Some(settings.payload));
    }
    Ok(children.made_with("settings", output, Attributes::default(), fault.as_ref())?)
}

/// Hands over what was encrypted: another file of settings, of kind 0.
fn decrypt(bytes: Bytes<'_>, settings: &Settings<'_>, children: &mut Children<'_>) -> Result<(), Fault> {
    let mut data = Vec::new();
    chunks(bytes, settings.payload).for_each(|chunk| data.extend_from_slice(bytes.up_to(chunk.data.start, chunk.data.length)));
    let plain = keys(settings).find_map(|key| key.open(&data).filter(|plain| plain.starts_with(&PAYLOAD)));
    if let Some(plain) = plain {
        let mut output = children.output();
        output.push(&plain)?;
        return Ok(children.made("decrypted", output, Attributes::default())?);
    }
    let fault = Fault::Encrypted("encrypted, settings of ZTE".to_owned());
    let span = Span::between(settings.payload.saturating_add(HEADER), bytes.len());
    Ok(children.span_with("settings", span, Attributes::default(), Some(&fault))?)
}

enum Key {
    Ecb([u8; 16]),
    Cbc([u8; 32], [u8; 16]),
}

impl Key {
    fn open(&self, data: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Ecb(key) => aes::decrypt_ecb(key, data),
            Self::Cbc(key, vector) => aes::decrypt_cbc(key, *vector, data),
        }
    }
}

/// Keys of kind 2, by the beginning of the signature in small letters.
const FIXED: &[(&str, &str)] = &[
    ("zxhn h118n e", "MIK@0STzKpB%qJZe"),
    ("zxhn h118n v", "MIK@0STzKpB%qJZf"),
    ("zxhn h267a", "402c38de39bed665"),
    ("zxhn h168n v2", "Q#Zxn*x3kVLc"),
    ("zxhn h298n", "Wj"),
    ("zxhn h298a", "m8@96&ZG3Nm7N&Iz"),
    ("zxhn h108n", "GrWM2Hz&LTvz&f^5"),
    ("zxhn h168n", "GrWM3Hz&LTvz&f^9"),
    ("zxhn h208n", "Renjx%2$CjM"),
    ("zxv10 h201l", "Renjx%2$CjM"),
    ("zxhn h267n", "tHG@Ti&GVh@ql3XN"),
];

/// What is put behind the signature without its spaces to make key and vector of kinds 3 and 4.
const SUFFIXES: [&str; 4] = ["02721401", "02710010", "02710001", "02660004"];

/// Keys that may be the one, the likeliest first.
fn keys(settings: &Settings<'_>) -> impl Iterator<Item = Key> + use<> {
    let signature = String::from_utf8_lossy(settings.signature).into_owned();
    let small = signature.to_lowercase();
    let padded = |text: &str| {
        let mut key = [0; 16];
        key.iter_mut().zip(text.bytes()).for_each(|(place, byte)| *place = byte);
        Key::Ecb(key)
    };
    let mut fixed: Vec<(bool, Key)> = FIXED.iter().map(|(model, key)| (!small.starts_with(model), padded(key))).collect();
    fixed.sort_by_key(|(other, _)| *other);
    let name = signature.replace(' ', "");
    let derived = move |suffix: &str| {
        let vector: [u8; 32] = Sha256::digest(format!("{name}Iv{suffix}")).into();
        let (vector, _) = vector.split_first_chunk::<16>()?;
        Some(Key::Cbc(Sha256::digest(format!("{name}Key{suffix}")).into(), *vector))
    };
    let ecb = settings.kind == 2;
    let fixed = fixed.into_iter().map(|(_, key)| key).filter(move |_| ecb);
    fixed.chain(SUFFIXES.into_iter().filter_map(derived).filter(move |_| !ecb))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    const OPEN: &[u8] = include_bytes!("../../../fixtures/zte-config/open.bin");
    const FIXED_KEY: &[u8] = include_bytes!("../../../fixtures/zte-config/fixed-key.bin");
    const MODEL_KEY: &[u8] = include_bytes!("../../../fixtures/zte-config/model-key.bin");
    const STORY: &[u8] = include_bytes!("../../../fixtures/content/tree/story.txt");

    #[test]
    fn settings_come_out() {
        let flash = [vec![0xff; 33], OPEN.to_vec(), vec![0; 99]].concat();
        assert_eq!(carve(&ZteConfig, &flash, 33), Some(OPEN.len() as u64));
        let unpacked = unpack_at(&ZteConfig, &flash, 33);
        assert_eq!(unpacked.file("settings"), STORY);
        assert_eq!(unpacked.fact("header.product").unwrap(), "ZXHN EXAMPLE");
        assert_eq!(unpacked.problems, []);
    }

    #[test]
    fn public_keys_open_them() {
        for image in [FIXED_KEY, MODEL_KEY] {
            let unpacked = unpack(&ZteConfig, image);
            assert_eq!(unpack(&ZteConfig, unpacked.file("decrypted")).file("settings"), STORY);
        }
    }

    #[test]
    fn other_keys_do_not() {
        let mut image = MODEL_KEY.to_vec();
        image[12] = b'Q';
        let unpacked = unpack(&ZteConfig, &image);
        assert_eq!(unpacked.problems, [(Code::Encrypted, "encrypted, settings of ZTE".to_owned())]);
    }

    #[test]
    fn changed_bytes_are_problems() {
        let mut image = OPEN.to_vec();
        let end = image.len() - 20;
        image[end] ^= 1;
        assert!(!unpack(&ZteConfig, &image).problems.is_empty());
    }

    #[test]
    fn counting_to_four_is_none() {
        assert_eq!(carve(&ZteConfig, &[1, 2, 3, 4, 0, 0, 0, 0].repeat(40), 0), None);
        [OPEN, FIXED_KEY].iter().for_each(|image| survives_damage(&ZteConfig, image));
    }
}
