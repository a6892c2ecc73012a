//! zip archives, at any place of anything: with the central directory, or with what can be had without one.

use self::header::Entry;
use self::survey::{Layout, survey};
use crate::blob::{Blob, Bytes, Endian, Span, to_u64};
use crate::codec::implode::{self, ImplodeProperties};
use crate::codec::{Codec, LzmaProperties, Stream, crc32, deflate64, lzma_raw_stream, ppmd, reduce, shrink};
use crate::format::{Attributes, Carved, Children, EntryKind, Format, Kind, LEAST_BROKEN_STREAM, Magic, Spec, entry_path, path_text};
use crate::limits::{Budget, Exceeded, Output};
use crate::problem::{Fault, Rejected};

pub(in crate::format) mod disguise;
mod header;
mod survey;

/// zip, and what is built on it: jar, apk, ipk of some, office documents.
#[derive(Debug)]
pub(in crate::format) struct Zip;

static SPEC: Spec = Spec {
    id: "zip",
    name: "zip",
    kind: Kind::Archive,
    magics: &[Magic::anywhere(b"PK\x03\x04"), Magic::anywhere(b"PK\x05\x06")],
    leaf: false,
    references: &["https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT"],
    limitations: &[
        "encrypted files are handed over as they are",
        "WavPack",
        "archives in several volumes",
        "stored files above 64 KiB whose size stands behind them only",
        "times of files that have none in UTC",
    ],
};

impl Format for Zip {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, budget: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let mut first = None;
        let Ok(layout) = survey(bytes, budget, &mut |entry, data| {
            if first.is_none() {
                first = Some((entry.clone(), data));
            }
            Ok(())
        }) else {
            return Err(Rejected("unreachable: nothing was unpacked"));
        };
        match &first {
            None if layout.end == 0 || !layout.whole || start > 0 => Err(Rejected("neither a file nor the end of an empty archive")),
            // One header may be chance: then its data has to be what it says.
            Some((entry, data)) if layout.central.is_none() && layout.files < 2 && !convincing(entry, *data, bytes, budget) => {
                Err(Rejected("no data behind the only header"))
            }
            _ => Ok(Carved::new(layout.end, start, blob)),
        }
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let layout = survey(bytes, children.budget(), &mut |_, _| Ok(()))?;
        if let Some(central) = layout.central {
            if let Some(block) = signing_block(bytes, central) {
                children.span("APK Signing Block", block, Attributes::default())?;
            }
            directory(bytes, &layout, central, children)?;
        } else {
            survey(bytes, children.budget(), &mut |entry, data| child(entry, data, bytes, children))?;
        }
        if !layout.whole {
            return Err(Fault::Truncated(format!("zip: the central directory is missing or ends early, at {:#x}", layout.end)));
        }
        match layout.promised {
            Some(promised) if promised != layout.listed & 0xffff => {
                Err(Fault::corrupt(format!("zip: the central directory lists {} files, its end says {promised}", layout.listed)))
            }
            _ => Ok(()),
        }
    }
}

fn convincing(entry: &Entry<'_>, data: Span, bytes: Bytes<'_>, budget: &Budget) -> bool {
    if entry.encrypted() {
        return false;
    }
    let packed = bytes.up_to(data.start, data.length);
    if entry.method == 0 {
        // No checksum: there may be many headers, each before as much as there is.
        return entry.packed == entry.size && entry.size > 0;
    }
    let stream = content(entry, packed, budget);
    stream.fault.is_none() || stream.output.len() >= LEAST_BROKEN_STREAM
}

/// Where Android's packages keep their signatures and the certificates of who made them, before the central directory: u64 size of what
/// follows, pairs, u64 size again, magic. <https://source.android.com/docs/security/features/apksigning/v2>
fn signing_block(bytes: Bytes<'_>, central: Span) -> Option<Span> {
    let end = central.start.checked_sub(16).filter(|at| bytes.has(*at, b"APK Sig Block 42"))?;
    let size = bytes.u64(end.checked_sub(8)?, Endian::Little).ok()?;
    let start = central.start.checked_sub(size)?.checked_sub(8)?;
    (bytes.u64(start, Endian::Little).ok()? == size).then(|| Span::between(start, central.start))
}

/// Files as the central directory has them. Where more of them claim the same bytes than any tool would let, the rest is left.
fn directory(bytes: Bytes<'_>, layout: &Layout, central: Span, children: &mut Children<'_>) -> Result<(), Fault> {
    let (mut at, mut claimed) = (central.start, 0_u64);
    while let Ok(listed) = Entry::central(bytes, at) {
        at = at.saturating_add(listed.length);
        let place = layout.base.and_then(|base| u64::try_from(base.saturating_add(listed.offset.into())).ok());
        let local = place.and_then(|place| Some((place, Entry::local(bytes, place).ok()?)));
        if let Some((place, local)) = local {
            let data = Span::new(place.saturating_add(local.length), listed.packed);
            claimed = claimed.saturating_add(to_u64(bytes.up_to(data.start, data.length).len()));
            if claimed > bytes.len().saturating_mul(2) {
                return Err(Fault::corrupt("zip: the files overlap"));
            }
            child(&listed, data, bytes, children)?;
        } else {
            let fault = Fault::corrupt(format!("zip: no file at {:#x}", listed.offset));
            children.made_with(entry_path(listed.name), children.output(), listed.attributes(), Some(&fault))?;
        }
        if at >= central.end() {
            break;
        }
    }
    Ok(())
}

fn child(entry: &Entry<'_>, data: Span, bytes: Bytes<'_>, children: &mut Children<'_>) -> Result<(), Exceeded> {
    let (path, attributes) = (entry_path(entry.name), entry.attributes());
    if entry.is_directory() {
        if !path.is_empty() {
            children.entry(path, EntryKind::Directory, attributes);
        }
        return Ok(());
    }
    if entry.encrypted() {
        let fault = Fault::Encrypted("zip: the file is encrypted".to_owned());
        return children.span_with(path, data, attributes, Some(&fault));
    }
    let packed = bytes.up_to(data.start, data.length);
    if entry.method == 0 && !entry.is_symlink() {
        let whole = to_u64(packed.len()) == data.length;
        if whole && entry.checked && entry.crc != crc32(packed) {
            children.problem(&Fault::Checksum(format!("zip: the checksum of {path:?} does not fit")), Some(data.start));
        }
        return children.span(path, data, attributes);
    }
    let Stream { output, fault, .. } = content(entry, packed, children.budget());
    let fault = fault.or_else(|| check(entry, &output));
    if entry.is_symlink() && output.len() <= 4096 {
        fault.iter().for_each(|fault| children.problem(fault, Some(data.start)));
        children.entry(path, EntryKind::Symlink(path_text(output.as_slice())), attributes);
        return Ok(());
    }
    children.made_with(path, output, attributes, fault.as_ref())
}

/// Whether size and checksum are those of the header.
fn check(entry: &Entry<'_>, output: &Output<'_>) -> Option<Fault> {
    if !entry.checked {
        return None;
    }
    if output.len() != entry.size {
        return Some(Fault::corrupt(format!("zip: {} bytes came out, the header says {}", output.len(), entry.size)));
    }
    let sum = crc32(output.as_slice());
    (sum != entry.crc).then(|| Fault::Checksum(format!("zip: the checksum is {sum:08x}, the header says {:08x}", entry.crc)))
}

/// The bytes of a file.
fn content<'b>(entry: &Entry<'_>, packed: &[u8], budget: &'b Budget) -> Stream<'b> {
    match entry.method {
        0 => {
            let mut output = Output::new(budget, to_u64(packed.len()));
            let fault = output.push(packed).err().map(Fault::from);
            Stream { output, consumed: to_u64(packed.len()), fault }
        }
        1 => shrink::stream(packed, entry.size, budget),
        method @ 2..=5 => reduce::stream(packed, u32::from(method).saturating_sub(1), entry.size, budget),
        6 => {
            let properties = ImplodeProperties { large_window: entry.flags & 2 != 0, literal_code: entry.flags & 4 != 0 };
            implode::stream(packed, properties, entry.size, budget)
        }
        8 => Codec::Deflate.stream(packed, budget),
        9 => deflate64::stream(packed, budget),
        12 => Codec::Bzip2.stream(packed, budget),
        14 => lzma(entry, Bytes(packed), budget),
        20 | 93 => Codec::Zstd.stream(packed, budget),
        98 => ppmd::stream(packed, entry.size, budget),
        95 => Codec::Xz.stream(packed, budget),
        method => {
            let name = match method {
                97 => "WavPack",
                _ => "unknown",
            };
            let fault = Some(Fault::unsupported(format!("zip: compression method {method} ({name})")));
            Stream { output: Output::new(budget, 0), consumed: 0, fault }
        }
    }
}

/// APPNOTE section 5.8.8: u16 version of the SDK, u16 size of properties, which is 5, u8 properties, u32 dictionary size, data. Bit 1 of
/// the flags says that it has an end marker.
fn lzma<'b>(entry: &Entry<'_>, packed: Bytes<'_>, budget: &'b Budget) -> Stream<'b> {
    let Ok([_, _, 5, 0, packed_properties, one, two, three, four]) = packed.array(0) else {
        let fault = Some(Fault::corrupt("zip: no properties of LZMA"));
        return Stream { output: Output::new(budget, 0), consumed: 0, fault };
    };
    let (lc, lp, pb) = (packed_properties % 9, packed_properties / 9 % 5, packed_properties / 45);
    let properties = LzmaProperties { lc, lp, pb, dictionary: u32::from_le_bytes([one, two, three, four]) };
    lzma_raw_stream(packed.tail(9), properties, (entry.flags & 2 == 0).then_some(entry.size), budget)
}

#[cfg(test)]
mod tests;
