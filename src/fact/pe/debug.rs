//! The debug directory: where the linker put the debug information.

use super::image::Image;
use crate::blob::{Endian, Span};
use crate::fact::hex;
use crate::fact::ordered::Ordered;

/// IMAGE_DIRECTORY_ENTRY_DEBUG
const DEBUG: u64 = 6;
/// IMAGE_DEBUG_TYPE_CODEVIEW
const CODEVIEW: u32 = 2;
/// Real files have up to six.
const MOST: u64 = 64;
/// Longer paths are damage.
const LONGEST: u64 = 4096;

/// Entries of 28 bytes: `12 u32 Type   16 u32 SizeOfData   24 u32 PointerToRawData`. What CodeView entries point to:
///
/// ```text
/// "RSDS"  GUID  u32 age  path      or      "NB10"  u32 offset  u32 time  u32 age  path
/// ```
pub(super) fn read(image: &Image<'_>, found: &mut Ordered<'_>) {
    let Some((address, size)) = image.directory(DEBUG) else { return };
    let Some(start) = image.offset(address) else { return };
    if size / 28 > MOST {
        found.limit("entries of the debug directory");
    }
    for index in 0..(size / 28).min(MOST) {
        let entry = start.saturating_add(index.saturating_mul(28));
        let word = |at: u64| image.u32(entry.saturating_add(at));
        let (Some(CODEVIEW), Some(at)) = (word(12), word(24)) else { continue };
        let _ = codeview(image, at.into(), found);
    }
}

fn codeview(image: &Image<'_>, at: u64, found: &mut Ordered<'_>) -> Option<()> {
    let place = |inside: u64| at.saturating_add(inside);
    let (id, path, length) = match image.bytes.array::<4>(at).ok()? {
        [b'R', b'S', b'D', b'S'] => {
            let guid = guid(image.bytes.array(place(4)).ok()?);
            (format!("{guid} {}", image.u32(place(20))?), place(24), 20)
        }
        [b'N', b'B', b'1', b'0'] => (format!("{:08x} {}", image.u32(place(8))?, image.u32(place(12))?), place(16), 8),
        _ => return None,
    };
    found.text("pe.pdb-id", id, Span::new(place(if length == 20 { 4 } else { 8 }), length));
    let window = image.bytes.up_to(path, LONGEST);
    let text = window.get(..memchr::memchr(0, window)?)?;
    if !text.is_empty() && text.iter().all(|byte| *byte >= b' ') {
        found.say("pe.pdb", text.to_vec(), Span::new(path, crate::blob::to_u64(text.len())));
    }
    Some(())
}

/// A GUID as it is written: its first three fields are little-endian numbers.
fn guid(bytes: [u8; 16]) -> String {
    let bytes = crate::blob::Bytes(&bytes);
    let half = |at| bytes.u16(at, Endian::Little).unwrap_or_default();
    let first = bytes.u32(0, Endian::Little).unwrap_or_default();
    format!("{first:08x}-{:04x}-{:04x}-{}-{}", half(4), half(6), hex(bytes.up_to(8, 2)), hex(bytes.up_to(10, 6)))
}
