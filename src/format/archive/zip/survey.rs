//! Where an archive ends, found by going from header to header: that costs what there is, however many headers there are.

use super::content;
use super::header::{CENTRAL, Entry, LOCAL};
use crate::blob::{Bytes, Endian, Span, to_u64};
use crate::limits::{Budget, Exceeded};

/// What an archive consists of.
pub(super) struct Layout {
    pub(super) end: u64,
    /// Whether the record is there that ends it.
    pub(super) whole: bool,
    /// Files, by their local headers.
    pub(super) files: u64,
    pub(super) central: Option<Span>,
    /// Files in the central directory.
    pub(super) listed: u64,
    /// Files in the central directory as its end says, modulo 65536.
    pub(super) promised: Option<u64>,
    /// What is added to an offset: archives may stand behind something else, from whose start they count, or not.
    pub(super) base: Option<i128>,
}

/// Bytes between two records that are passed over: alignment, or what some tool put there, or what is left of a broken file.
const LONGEST_GAP: u64 = 64 << 10;

/// Places that are looked at in a gap: compressed data has one in it rarely.
const CANDIDATES: usize = 64;

/// Goes through an archive, and visits every local header with the place of its data.
pub(super) fn survey<'a>(
    bytes: Bytes<'a>,
    budget: &Budget,
    visit: &mut dyn FnMut(&Entry<'a>, Span) -> Result<(), Exceeded>,
) -> Result<Layout, Exceeded> {
    let mut layout = Layout { end: 0, whole: false, files: 0, central: None, listed: 0, promised: None, base: None };
    let (mut at, mut wide_offset) = (0_u64, None);
    loop {
        layout.end = at.min(bytes.len());
        let number = |offset: u64| bytes.u32(at.saturating_add(offset), Endian::Little).map_or(0, u64::from);
        match bytes.array(at) {
            Ok([b'P', b'K', 3, 4]) if layout.central.is_none() => {
                let Ok(entry) = Entry::local(bytes, at) else { break };
                let (data, next) = extent(bytes, at.saturating_add(entry.length), &entry, budget);
                visit(&entry, data)?;
                layout.files = layout.files.saturating_add(1);
                at = next;
            }
            Ok([b'P', b'K', 1, 2]) => {
                let Ok(entry) = Entry::central(bytes, at) else { break };
                let start = layout.central.map_or(at, |central| central.start);
                at = at.saturating_add(entry.length);
                layout.listed = layout.listed.saturating_add(1);
                layout.central = Some(Span::between(start, at));
            }
            // Archive extra data record, digital signature, Zip64 end record, Zip64 locator: APPNOTE sections 4.3.11 and 4.3.13 to 15.
            Ok([b'P', b'K', 6, 8]) => at = at.saturating_add(8).saturating_add(number(4)),
            Ok([b'P', b'K', 5, 5]) => at = at.saturating_add(6).saturating_add(number(4) & 0xffff),
            Ok([b'P', b'K', 6, 6]) => {
                wide_offset = bytes.u64(at.saturating_add(48), Endian::Little).ok();
                at = at.saturating_add(12).saturating_add(bytes.u64(at.saturating_add(4), Endian::Little).unwrap_or(0));
            }
            Ok([b'P', b'K', 6, 7]) => at = at.saturating_add(20),
            Ok([b'P', b'K', 5, 6]) => {
                end(bytes, at, wide_offset, &mut layout);
                break;
            }
            _ => match gap(bytes, at) {
                Some(next) if layout.central.is_none() && layout.files > 0 => at = next,
                _ => break,
            },
        }
    }
    layout.base = base(bytes, &layout);
    Ok(layout)
}

/// APPNOTE section 4.3.16: u32 signature, u16 disk, u16 first disk, u16 files on this disk, u16 files, u32 size of directory, u32 offset of
/// directory, u16 length of comment, comment.
fn end(bytes: Bytes<'_>, at: u64, wide_offset: Option<u64>, layout: &mut Layout) {
    let Ok(record) = bytes.get(at, 22).map(Bytes) else { return };
    let short = |offset| record.u16(offset, Endian::Little).unwrap_or(0);
    let long = |offset| u64::from(record.u32(offset, Endian::Little).unwrap_or(0));
    let empty = record.0.get(4..20).is_some_and(|numbers| numbers.iter().all(|byte| *byte == 0));
    if layout.files == 0 && !empty {
        return;
    }
    let offset = if long(16) == u64::from(u32::MAX) { wide_offset.unwrap_or(long(16)) } else { long(16) };
    layout.promised = Some(short(10).into()).filter(|files| *files != 0xffff);
    layout.base = layout.central.map(|central| i128::from(central.start).saturating_sub(offset.into()));
    layout.end = at.saturating_add(22).saturating_add(short(20).into()).min(bytes.len());
    layout.whole = true;
}

/// What offsets count from: what the end record says, if a file is there; or else where the first of all files is.
fn base(bytes: Bytes<'_>, layout: &Layout) -> Option<i128> {
    let central = layout.central?;
    let (mut at, mut least, mut first) = (central.start, u64::MAX, None);
    while at < central.end() {
        let Ok(entry) = Entry::central(bytes, at) else { break };
        at = at.saturating_add(entry.length);
        least = least.min(entry.offset);
        first = first.or(Some(entry.offset));
    }
    let fits = |base: &i128| {
        let place = first.and_then(|first| u64::try_from(base.saturating_add(first.into())).ok());
        place.is_some_and(|place| bytes.has(place, LOCAL))
    };
    layout.base.filter(fits).or(Some(i128::from(least).saturating_neg()))
}

/// Where the data of a file is, and where the next header is.
fn extent(bytes: Bytes<'_>, start: u64, entry: &Entry<'_>, budget: &Budget) -> (Span, u64) {
    if entry.checked {
        let data = Span::new(start, entry.packed);
        return (data, data.end());
    }
    let length = if entry.packed > 0 { entry.packed } else { length(bytes, start, entry, budget) };
    let data = Span::new(start, length);
    (data, data.end().saturating_add(descriptor(bytes, data)))
}

/// The length of data that only its descriptor knows: where it ends by itself, or where a descriptor says so.
fn length(bytes: Bytes<'_>, start: u64, entry: &Entry<'_>, budget: &Budget) -> u64 {
    let stream = if entry.method == 0 { None } else { Some(content(entry, bytes.tail(start), budget)) };
    if let Some(whole) = stream.as_ref().filter(|stream| stream.fault.is_none()) {
        return whole.consumed;
    }
    let rest = || stream.map_or_else(|| bytes.len().saturating_sub(start), |stream| stream.consumed);
    described(bytes, start).unwrap_or_else(rest)
}

fn is_record(bytes: Bytes<'_>, at: u64) -> bool {
    matches!(bytes.array(at), Ok([b'P', b'K', 1, 2] | [b'P', b'K', 3, 4] | [b'P', b'K', 5, 6] | [b'P', b'K', 6, 6..=8]))
}

/// Bytes of the descriptor behind the data, APPNOTE section 4.3.9: maybe a signature, u32 CRC-32, compressed size and size as u32, or
/// as u64.
fn descriptor(bytes: Bytes<'_>, data: Span) -> u64 {
    let lengths: [u64; 4] = if bytes.has(data.end(), b"PK\x07\x08") { [16, 24, 16, 24] } else { [12, 20, 16, 24] };
    let (followed, [default, ..]) = (|length: &u64| is_record(bytes, data.end().saturating_add(*length)), lengths);
    lengths.into_iter().find(followed).unwrap_or(if bytes.has(data.end(), b"PK\x07\x08") { default } else { 0 })
}

/// The length of data as its descriptor has it, which is looked for nearby: before a record, and it has to name the distance.
fn described(bytes: Bytes<'_>, start: u64) -> Option<u64> {
    let near = bytes.up_to(start, LONGEST_GAP);
    memchr::memmem::find_iter(near, b"PK").take(CANDIDATES).map(to_u64).find_map(|distance| {
        let at = start.saturating_add(distance);
        let named = |place: u64, length: u64| bytes.u32(place, Endian::Little).is_ok_and(|named| u64::from(named) == length & 0xffff_ffff);
        if bytes.has(at, b"PK\x07\x08") {
            return named(at.saturating_add(8), distance).then_some(distance);
        }
        let without = |size: u64, back: u64| {
            let length = distance.checked_sub(size)?;
            named(at.saturating_sub(back), length).then_some(length)
        };
        if is_record(bytes, at) { without(12, 8).or_else(|| without(20, 16)) } else { None }
    })
}

/// Where the next record is behind bytes that are none.
fn gap(bytes: Bytes<'_>, at: u64) -> Option<u64> {
    // <https://source.android.com/docs/security/features/apksigning/v2>: u64 size, pairs, u64 size, magic. The size leaves out its
    // first field.
    if let Ok(size) = bytes.u64(at, Endian::Little) {
        let end = at.saturating_add(8).saturating_add(size);
        if bytes.has(end.saturating_sub(16), b"APK Sig Block 42") && end > at.saturating_add(16) {
            return Some(end);
        }
    }
    let near = bytes.up_to(at, LONGEST_GAP);
    let places = memchr::memmem::find_iter(near, b"PK").take(CANDIDATES).map(|distance| at.saturating_add(to_u64(distance)));
    places
        .filter(|place| *place > at && (bytes.has(*place, LOCAL) || bytes.has(*place, CENTRAL)))
        .find(|place| Entry::local(bytes, *place).is_ok() || Entry::central(bytes, *place).is_ok())
}
