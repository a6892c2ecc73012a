//! The newer digicap.dav (03KH): table and files are encrypted, with keys that are made of numbers that are public.

use super::{File, Header};
use crate::blob::{Bytes, Endian, Span};
use crate::codec::aes;
use crate::format::{Attributes, Children, entry_path};
use crate::problem::{Fault, Rejected};

/// What the key of the table is made of.
const TABLE_SEED: [u8; 32] = *b"\xb6\x4e\xc5\x08\x66\xc4\x9b\x75\x7f\x1b\x27\x26\xa3\x75\x5f\x22\
    \x52\xab\xdf\xe9\xfb\xbb\x15\x1e\x24\x7d\x0d\x80\x6a\xe4\x25\xdb";

/// What the key of the files is made of.
const FILE_SEED: [u8; 32] = *b"\xbd\xdc\x07\x0b\x81\xfc\x4e\x47\xd0\x3a\x7e\xd0\x4c\x5b\x58\xd0\
    \x72\xe7\x21\x5d\x4a\xd4\x63\x47\x54\xb2\xe5\xb6\x87\x32\xbd\x37";

/// Bytes that are only masked, and where in the table the first entry stands.
const START: u64 = 16;
const FIRST: u64 = 0xf0;

/// Bytes of an entry.
const ENTRY: u64 = 0x40;

/// Each byte of a seed changed by its place and by itself.
fn key(seed: &[u8; 32]) -> [u8; 32] {
    let mut place = 0_u8;
    seed.map(|byte| {
        let squares = place.wrapping_mul(place).wrapping_add(byte.wrapping_mul(byte));
        let sum = squares.wrapping_add(byte & 31).wrapping_add(byte.wrapping_mul(32).wrapping_mul(place));
        place = place.wrapping_add(1);
        sum ^ byte
    })
}

/// The table stands behind the 16 bytes that all kinds begin with: `f0 files, 64 bytes each: name[32], offset, size, sum`. Offsets count
/// from the start of the image.
pub(super) fn read(bytes: Bytes<'_>, length: u64, count: u32) -> Result<Header, Rejected> {
    if !length.is_multiple_of(16) || length < FIRST.saturating_add(ENTRY.saturating_mul(count.into())).saturating_sub(20) {
        return Err(Rejected("the size of the table"));
    }
    let end = START.saturating_add(length);
    let table = aes::decrypt_ecb(&key(&TABLE_SEED), bytes.get(START, length)?).unwrap_or_default();
    let mut files = Vec::new();
    for index in 0..u64::from(count) {
        let at = FIRST.saturating_add(ENTRY.saturating_mul(index));
        let (name, word) = (Bytes(&table).text(at, 32)?, |offset: u64| Bytes(&table).u32(at.saturating_add(offset), Endian::Little));
        let data = Span::new(word(32)?.into(), word(36)?.into());
        if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) || data.start < end || data.end() > u64::from(u32::MAX) {
            return Err(Rejected("the table does not decrypt"));
        }
        files.push(File { name: entry_path(name), data, sum: word(40)?, sealed: true });
    }
    Ok(Header { length: end, total: end, files })
}

/// A file without its encryption. What is no whole block at its end is not encrypted.
pub(super) fn hand_out(file: &File, bytes: Bytes<'_>, children: &mut Children<'_>) -> Result<(), Fault> {
    let (key, mut output) = (key(&FILE_SEED), children.output());
    let there = bytes.up_to(file.data.start, file.data.length);
    aes::aes_ecb(&key, there, &mut |part| output.push(part))?;
    let missing = crate::blob::to_u64(there.len()) < file.data.length;
    let fault = missing.then(|| Fault::Truncated(format!("{} of {} bytes are there", there.len(), file.data.length)));
    Ok(children.made_with(file.name.as_str(), output, Attributes::default(), fault.as_ref())?)
}
