//! Blocks in codecs that 7-Zip itself does not have, but its descendants do: Zstandard, LZ4, Brotli.

use sevenz_rust2::{Archive, EncoderMethod};

use super::{attributes, empty, entries, file};
use crate::blob::{Bytes, Endian, Span, to_u64};
use crate::codec::{Codec, crc32};
use crate::format::{Children, entry_path};
use crate::limits::{Exceeded, Output};
use crate::problem::Fault;

/// What a block is compressed with, if it is one of these alone.
pub(super) fn codec(archive: &Archive, block: usize) -> Option<Codec> {
    let [coder] = archive.blocks.get(block)?.coders.as_slice() else { return None };
    match coder.encoder_method_id() {
        EncoderMethod::ID_ZSTD => Some(Codec::Zstd),
        EncoderMethod::ID_LZ4 => Some(Codec::Lz4),
        EncoderMethod::ID_BROTLI => Some(Codec::Brotli),
        _ => None,
    }
}

/// Where the compressed bytes of a block are.
fn packed(archive: &Archive, block: usize) -> Option<Span> {
    let index = *archive.stream_map.block_first_pack_stream_index().get(block)?;
    let offset = *archive.stream_map.pack_stream_offsets().get(index)?;
    let start = archive.pack_pos().checked_add(offset)?.checked_add(32)?;
    Some(Span::new(start, *archive.pack_sizes().get(index)?))
}

/// Hands over all files of a block. Returns how many that were.
pub(super) fn unpack(
    archive: &Archive,
    block: usize,
    index: usize,
    bytes: Bytes<'_>,
    children: &mut Children<'_>,
) -> Result<usize, Exceeded> {
    let mut whole = children.output();
    let span = packed(archive, block).unwrap_or_default();
    let fault = codec(archive, block).and_then(|codec| frames(Bytes(bytes.up_to(span.start, span.length)), codec, &mut whole, children));
    if let Some(Fault::Exceeded(limit)) = fault {
        return Err(limit);
    }
    let (whole, mut at, mut count) = (Bytes(whole.as_slice()), 0_u64, 0_usize);
    for entry in entries(archive, block, index) {
        count = count.saturating_add(1);
        let content = whole.up_to(at, entry.size);
        at = at.saturating_add(entry.size);
        if to_u64(content.len()) < entry.size {
            let why = fault.clone().unwrap_or_else(|| Fault::corrupt("7z: the block holds less than its files"));
            if content.is_empty() {
                empty(entry, Some(&why), children)?;
                continue;
            }
            let mut output = children.output();
            output.push(content)?;
            children.made_with(entry_path(entry.name.as_bytes()), output, attributes(entry), Some(&why))?;
            continue;
        }
        if entry.has_crc && entry.crc != u64::from(crc32(content)) {
            children.problem(&Fault::Checksum(format!("7z: the checksum of {:?} does not fit", entry.name)), Some(span.start));
        }
        if let Some(Fault::Exceeded(limit)) = file(entry, &mut &*content, children)? {
            return Err(limit);
        }
    }
    Ok(count)
}

/// Decompresses a block: one stream, or several, each behind a skippable frame that says how long it is: magic u32, size of what follows u32,
/// packed bytes u32.
fn frames(packed: Bytes<'_>, codec: Codec, whole: &mut Output<'_>, children: &Children<'_>) -> Option<Fault> {
    let mut at = 0_u64;
    while at < packed.len() {
        let (start, length) = if packed.has(at, &[0x50, 0x2a, 0x4d, 0x18]) {
            let word = |offset: u64| packed.u32(at.saturating_add(offset), Endian::Little).map(u64::from);
            let (Ok(header), Ok(length)) = (word(4), word(8)) else { break };
            (at.saturating_add(header).saturating_add(8), length)
        } else {
            (at, packed.len())
        };
        let stream = codec.stream(packed.up_to(start, length), children.budget());
        if let Err(limit) = whole.push(stream.output.as_slice()) {
            return Some(limit.into());
        }
        at = start.saturating_add(length);
        if stream.fault.is_some() {
            return stream.fault;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::format::archive::sevenz::SevenZ;
    use crate::format::testing::{survives_damage, unpack};

    #[test]
    fn what_other_programs_pack_comes_out() {
        let story = include_bytes!("../../../../fixtures/content/tree/story.txt");
        let motd = include_bytes!("../../../../fixtures/content/tree/etc/motd");
        for image in [&include_bytes!("../../../../fixtures/7z/zstd.7z")[..], include_bytes!("../../../../fixtures/7z/brotli.7z")] {
            let unpacked = unpack(&SevenZ, image);
            assert_eq!(unpacked.problems, []);
            assert!(unpacked.file("tree/story.txt") == story && unpacked.file("tree/etc/motd") == motd);
            survives_damage(&SevenZ, image);
        }
    }
}
