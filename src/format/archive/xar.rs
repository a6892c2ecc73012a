//! xar archives: packages of macOS, and what some makers of routers took for their updates.

use self::toc::{File, files};
use crate::blob::{Blob, Bytes, Endian, Span, to_u64};
use crate::codec::{Codec, Stream};
use crate::format::{Carved, Children, EntryKind, Format, Kind, Magic, Spec};
use crate::limits::{Budget, Output};
use crate::problem::{Fault, Rejected};

mod toc;
mod xml;

/// xar.
#[derive(Debug)]
pub(super) struct Xar;

static SPEC: Spec = Spec {
    id: "xar",
    name: "xar",
    kind: Kind::Archive,
    // Its end is known only once the table of contents was read: too much work to try it anywhere.
    magics: &[Magic::start(b"xar!")],
    leaf: false,
    references: &["https://github.com/mackyle/xar/wiki/xarformat"],
    limitations: &["checksums and signatures are not verified", "extended attributes"],
};

/// The largest table of contents that is read.
const LARGEST_TABLE: u64 = 16 << 20;

impl Format for Xar {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let header = Header::read(Bytes(blob.bytes().tail(start)))?;
        let table = header.table(Bytes(blob.bytes().tail(start))).map_err(|_| Rejected("table of contents"))?;
        let ends = files(&table).into_iter().map(|file| file.data.end());
        let heap = ends.fold(toc::checksum_end(&table), u64::max);
        Ok(Carved::new(header.heap.saturating_add(heap), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let header = Header::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let table = header.table(bytes)?;
        for file in files(&table) {
            child(file, header.heap, bytes, children)?;
        }
        Ok(())
    }
}

fn child(file: File, heap: u64, bytes: Bytes<'_>, children: &mut Children<'_>) -> Result<(), Fault> {
    let kind = match (file.kind.as_str(), file.link) {
        ("directory", _) => Some(EntryKind::Directory),
        ("symlink", Some(target)) => Some(EntryKind::Symlink(target)),
        ("hardlink", Some(_)) if file.hard_link.is_some() => file.hard_link.map(EntryKind::HardLink),
        ("fifo", _) => Some(EntryKind::Fifo),
        ("socket", _) => Some(EntryKind::Socket),
        ("character special", _) => Some(EntryKind::CharacterDevice(file.device.0, file.device.1)),
        ("block special", _) => Some(EntryKind::BlockDevice(file.device.0, file.device.1)),
        _ => None,
    };
    if let Some(kind) = kind {
        children.entry(file.path, kind, file.attributes);
        return Ok(());
    }
    let place = Span::new(heap.saturating_add(file.data.start), file.data.length);
    let packed = bytes.up_to(place.start, place.length);
    let codec = match file.encoding.as_str() {
        "" | "application/octet-stream" => return Ok(children.span(file.path, place, file.attributes)?),
        // It says gzip, and is zlib.
        "application/x-gzip" => Codec::Zlib,
        "application/x-bzip2" => Codec::Bzip2,
        "application/x-xz" => Codec::Xz,
        "application/x-lzma" if packed.starts_with(b"\xfd7zXZ") => Codec::Xz,
        "application/x-lzma" => Codec::Lzma,
        encoding => {
            let fault = Fault::unsupported(format!("xar: encoded as {encoding}"));
            return Ok(children.span_with(file.path, place, file.attributes, Some(&fault))?);
        }
    };
    let Stream { output, fault, .. } = codec.stream(packed, children.budget());
    let fault = fault.or_else(|| check(&output, file.size));
    Ok(children.made_with(file.path, output, file.attributes, fault.as_ref())?)
}

fn check(output: &Output<'_>, size: u64) -> Option<Fault> {
    (output.len() != size).then(|| Fault::corrupt(format!("xar: {} bytes came out, the table says {size}", output.len())))
}

/// The header; big endian: "xar!", u16 size of the header, u16 version: 1, u64 size of the table of contents as compressed, u64 its size,
/// u32 algorithm of checksums; then the table, then the heap.
struct Header {
    table: Span,
    size: u64,
    heap: u64,
}

impl Header {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let (length, version) = (u64::from(bytes.u16(4, Endian::Big)?), bytes.u16(6, Endian::Big)?);
        let (packed, size) = (bytes.u64(8, Endian::Big)?, bytes.u64(16, Endian::Big)?);
        if !(28..=128).contains(&length)
            || version != 1
            || bytes.u32(24, Endian::Big)? > 4
            || size > LARGEST_TABLE
            || packed > LARGEST_TABLE
        {
            return Err(Rejected("header"));
        }
        if bytes.u8(length)? & 0x0f != 8 {
            return Err(Rejected("the table is not compressed by zlib"));
        }
        let table = Span::new(length, packed);
        Ok(Self { table, size, heap: table.end() })
    }

    fn table(&self, bytes: Bytes<'_>) -> Result<Vec<u8>, Fault> {
        let table = Codec::Zlib.block(bytes.get(self.table.start, self.table.length)?, self.size)?;
        if to_u64(table.len()) == self.size { Ok(table) } else { Err(Fault::corrupt("xar: the size of the table of contents")) }
    }
}

#[cfg(test)]
mod tests;
