//! LHA archives (LZH): of Amiga and MS-DOS, and of the firmware of PCs, whose modules Award keeps in them.

use self::header::Header;
use crate::blob::{Blob, Bytes, Span};
use crate::codec::crc::crc16_arc;
use crate::codec::lzh::{self, Lzh};
use crate::codec::{Lzss, Stream};
use crate::format::{Carved, Children, EntryKind, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

mod header;

/// LHA.
#[derive(Debug)]
pub(super) struct Lha;

static SPEC: Spec = Spec {
    id: "lha",
    name: "LHA (LZH)",
    kind: Kind::Archive,
    magics: &[
        Magic::anywhere(b"-lh0-").at(2),
        Magic::anywhere(b"-lh1-").at(2),
        Magic::anywhere(b"-lh4-").at(2),
        Magic::anywhere(b"-lh5-").at(2),
        Magic::anywhere(b"-lh6-").at(2),
        Magic::anywhere(b"-lh7-").at(2),
        Magic::anywhere(b"-lhd-").at(2),
        Magic::anywhere(b"-lhx-").at(2),
        Magic::anywhere(b"-lz4-").at(2),
        Magic::anywhere(b"-lz5-").at(2),
        Magic::anywhere(b"-lzs-").at(2),
    ],
    leaf: false,
    references: &["https://github.com/jca02266/lha/blob/master/header.doc.md"],
    limitations: &["files compressed with lh1 are named, not read"],
};

impl Format for Lha {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// An archive ends with a byte 0 where the next header would be, which some leave out.
    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let first = Header::read(bytes, 0)?;
        let path = first.path();
        Carved::plausible(first.data.end(), start, blob)?;
        if path.is_empty() || path.chars().any(char::is_control) {
            return Err(Rejected("name of the first file"));
        }
        let mut end = first.data.end();
        while let Ok(next) = Header::read(bytes, end) {
            end = next.data.end();
        }
        let ended = bytes.u8(end) == Ok(0);
        Ok(Carved::new(end.saturating_add(ended.into()), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let (bytes, mut at) = (blob.bytes(), 0);
        while let Ok(header) = Header::read(bytes, at) {
            at = header.data.end();
            child(&header, bytes, children)?;
        }
        if at.saturating_add(1) < bytes.len() {
            return Err(Fault::corrupt(format!("lha: no header at {at:#x}")));
        }
        Ok(())
    }
}

fn child(header: &Header<'_>, bytes: Bytes<'_>, children: &mut Children<'_>) -> Result<(), Fault> {
    let (path, attributes) = (header.path(), header.attributes());
    if header.method == *b"-lhd-" {
        match path.split_once('|') {
            Some((link, target)) => children.entry(link, EntryKind::Symlink(target.to_owned()), attributes),
            None if path.is_empty() => (),
            None => children.entry(path, EntryKind::Directory, attributes),
        }
        return Ok(());
    }
    let Span { start, length } = header.data;
    let packed = bytes.up_to(start, length);
    let variant = match &header.method {
        b"-lh0-" | b"-lz4-" => {
            if crc16_arc(packed) != header.crc && bytes.len() >= header.data.end() {
                children.problem(&Fault::Checksum(format!("lha: the checksum of {path:?} does not fit")), Some(start));
            }
            return Ok(children.span(path, header.data, attributes)?);
        }
        b"-lh4-" => Lzh::Static(12),
        b"-lh5-" => Lzh::Static(13),
        b"-lh6-" => Lzh::Static(15),
        b"-lh7-" => Lzh::Static(16),
        b"-lzs-" => Lzh::Larc,
        b"-lz5-" => return checked(header, lz5(packed, header.size, children), children),
        b"-lhx-" => Lzh::Static(20),
        method => {
            let fault = Fault::unsupported(format!("lha: compressed with {}", String::from_utf8_lossy(method)));
            return Ok(children.made_with(path, children.output(), attributes, Some(&fault))?);
        }
    };
    checked(header, lzh::stream(packed, variant, header.size, children.budget()), children)
}

/// The bytes of a file in LArc's own method.
fn lz5<'b>(packed: &[u8], size: u64, children: &Children<'b>) -> Stream<'b> {
    let mut output = children.output();
    let bytes = Lzss::LARC.block(packed, size);
    let short = || Fault::Truncated(format!("lha: {} of {size} bytes come out", bytes.len()));
    let fault = output.push(&bytes).err().map(Fault::from).or_else(|| (output.len() < size).then(short));
    Stream { output, consumed: 0, fault }
}

fn checked(header: &Header<'_>, stream: Stream<'_>, children: &mut Children<'_>) -> Result<(), Fault> {
    let (path, attributes) = (header.path(), header.attributes());
    let sum = crc16_arc(stream.output.as_slice());
    let wrong = || Fault::Checksum(format!("lha: the checksum is {sum:04x}, the header says {:04x}", header.crc));
    let fault = stream.fault.or_else(|| (sum != header.crc).then(wrong));
    Ok(children.made_with(path, stream.output, attributes, fault.as_ref())?)
}

#[cfg(test)]
mod tests;
