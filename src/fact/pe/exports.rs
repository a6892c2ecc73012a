//! The export table: which functions a PE file defines for others.

use super::image::Image;
use crate::blob::to_u64;
use crate::fact::ordered::Ordered;

/// IMAGE_DIRECTORY_ENTRY_EXPORT
const EXPORT: u64 = 0;
/// Real libraries export up to some ten thousand functions.
const MOST: u64 = 1 << 17;
/// Names of C++ may be long.
const LONGEST_NAME: u64 = 4096;
/// Bytes of names that are read in all.
const MOST_BYTES: u64 = 16 << 20;

/// `12 u32 Name   24 u32 NumberOfNames   32 u32 AddressOfNames`, which is a table of addresses.
pub(super) fn read<'a>(image: &Image<'a>, found: &mut Ordered<'a>) {
    let Some(start) = image.directory(EXPORT).and_then(|(address, _)| image.offset(address)) else { return };
    let word = |at: u64| image.u32(start.saturating_add(at)).map(u64::from);
    let (Some(name), Some(count), Some(names)) = (word(12), word(24), word(32)) else { return };
    if let Some((name, at)) = image.text(name, 512) {
        found.verbatim("pe.export-name", name, at);
    }
    let Some(table) = image.offset(names) else { return };
    let mut left = MOST_BYTES;
    for index in 0..count.min(MOST) {
        let Some(address) = image.u32(table.saturating_add(index.saturating_mul(4))) else { break };
        let name = image.text(address.into(), LONGEST_NAME.min(left));
        left = left.saturating_sub(name.map_or(LONGEST_NAME, |(name, _)| to_u64(name.len())));
        if let Some((name, at)) = name {
            found.verbatim("pe.export", name, at);
        }
    }
    if count > MOST || left == 0 {
        found.limit("exported names");
    }
}
