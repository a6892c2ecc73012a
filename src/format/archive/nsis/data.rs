//! The compressed data of an installer: the script, then files, each with its size before it.

use crate::blob::{Bytes, Endian, Span, to_u64};
use crate::codec::{Codec, LzmaProperties, Stream, bzip2_bare, deflate64, lzma_raw_stream, x86_jumps};
use crate::format::Children;
use crate::limits::{Budget, Output};
use crate::problem::Fault;

/// How an installer is compressed. Nothing says so: it is told by how the data begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Deflate,
    Bzip2,
    /// With a byte before each stream that says whether jumps of x86 code were changed.
    Lzma {
        filter: bool,
    },
}

/// Stands in the size of what is compressed, where not all is one stream.
const COMPRESSED: u32 = 1 << 31;

/// All that stands behind the header.
pub(super) struct Data<'b> {
    input: Bytes<'b>,
    method: Method,
    /// What came out of the one stream that all is in, or of the script.
    unpacked: Stream<'b>,
    /// In `unpacked`, if `solid`.
    script: Span,
    solid: bool,
    /// Where files begin: in `unpacked` if `solid`, else in the input.
    first: u64,
}

/// A file: where it stands behind the sizes, and whether it is compressed.
pub(super) struct Item {
    span: Span,
    compressed: bool,
}

impl<'b> Data<'b> {
    /// Takes the script, of `size` bytes, out of `input`.
    pub(super) fn open(input: Bytes<'b>, size: u64, budget: &'b Budget) -> Result<Self, Fault> {
        let first = input.u32(0, Endian::Little)?;
        let stored = u64::from(first & !COMPRESSED);
        if first == u32::try_from(size).unwrap_or(0) {
            let mut output = Output::new(budget, input.len());
            output.push(input.up_to(4, size))?;
            let unpacked = Stream { output, consumed: size, fault: None };
            let first = size.saturating_add(4);
            return Ok(Self { input, method: Method::Deflate, unpacked, script: Span::new(0, size), solid: false, first });
        }
        let body = Bytes(input.tail(4));
        // A lone stream of deflate cannot begin with a size whose fourth byte is 80: it would be far too long.
        let solid = first >> 24 != 0x80 || method(input).is_some();
        let method = method(if solid { input } else { body }).unwrap_or(Method::Deflate);
        let packed = if solid { input.0 } else { input.up_to(4, stored) };
        let unpacked = method.stream(packed, budget);
        let script = Span::new(if solid { 4 } else { 0 }, size);
        if unpacked.output.len() < script.end() {
            let fault = unpacked.fault.filter(Fault::is_limit);
            return Err(fault.unwrap_or_else(|| Fault::corrupt("nsis: the script does not come out")));
        }
        let first = if solid { script.end() } else { stored.saturating_add(4) };
        Ok(Self { input, method, unpacked, script, solid, first })
    }

    /// The script.
    pub(super) fn script(&self) -> &[u8] {
        Bytes(self.unpacked.output.as_slice()).up_to(self.script.start, self.script.length)
    }

    /// Why not everything came out, where all is one stream.
    pub(super) fn fault(&self) -> Option<Fault> {
        self.unpacked.fault.clone().filter(|_| self.solid)
    }

    /// What files are part of.
    fn whole(&self) -> Bytes<'_> {
        if self.solid { Bytes(self.unpacked.output.as_slice()) } else { self.input }
    }

    /// All files with their places as the script counts them, up to where nothing more is.
    pub(super) fn items(&self) -> impl Iterator<Item = (u64, Item)> {
        let (whole, mut at) = (self.whole(), self.first);
        std::iter::from_fn(move || {
            let size = whole.u32(at, Endian::Little).ok()?;
            let compressed = !self.solid && size & COMPRESSED != 0;
            let length = u64::from(if self.solid { size } else { size & !COMPRESSED });
            let span = Span::new(at.saturating_add(4), length);
            let place = at.saturating_sub(self.first);
            at = span.end();
            Some((place, Item { span, compressed }))
        })
    }

    /// Where in the input a file stands as it is, if it does.
    pub(super) fn span(&self, item: &Item) -> Option<Span> {
        (!self.solid && !item.compressed).then_some(item.span)
    }

    /// The content of a file that does not.
    pub(super) fn unpacked<'c>(&self, item: &Item, children: &Children<'c>) -> Result<Stream<'c>, Fault> {
        let there = self.whole().up_to(item.span.start, item.span.length);
        if item.compressed {
            return Ok(self.method.stream(there, children.budget()));
        }
        let mut output = children.output();
        output.push(there)?;
        let cut = to_u64(there.len()) < item.span.length;
        let fault = cut.then(|| Fault::Truncated(format!("{} of {} bytes are there", there.len(), item.span.length)));
        Ok(Stream { output, consumed: item.span.length, fault })
    }
}

/// How data that begins so is compressed, if it says.
fn method(data: Bytes<'_>) -> Option<Method> {
    // Properties as all its packers have them, a dictionary of whole 64 KiB, and the first byte of LZMA, which is 0.
    let lzma = |at: u64| {
        let head = data.get(at, 7).unwrap_or_default();
        matches!(head, [0x5d, 0, 0, _, _, 0, next] if next & 0x80 == 0)
    };
    match data.u8(0).ok()? {
        _ if lzma(0) => Some(Method::Lzma { filter: false }),
        0 | 1 if lzma(1) => Some(Method::Lzma { filter: true }),
        // The first block, and the upper byte of a place in its 900 000 bytes.
        0x31 if data.u8(1).is_ok_and(|place| place < 14) => Some(Method::Bzip2),
        _ => None,
    }
}

impl Method {
    fn stream<'b>(self, packed: &[u8], budget: &'b Budget) -> Stream<'b> {
        match self {
            Self::Deflate => {
                // Its stored blocks are not those of RFC 1951, but they are rare, and the usual decoder is faster.
                let stream = Codec::Deflate.stream(packed, budget);
                let odd = stream.fault.as_ref().is_some_and(|fault| !fault.is_limit());
                if odd { deflate64::nsis(packed, budget) } else { stream }
            }
            Self::Bzip2 => bzip2_bare(packed, budget),
            Self::Lzma { filter } => lzma(Bytes(packed), filter, budget),
        }
    }
}

fn lzma<'b>(packed: Bytes<'_>, filter: bool, budget: &'b Budget) -> Stream<'b> {
    let start = u64::from(filter);
    let properties = packed.u8(start).ok().zip(packed.u32(start.saturating_add(1), Endian::Little).ok());
    let properties = properties.and_then(|(packed, dictionary)| LzmaProperties::unpacked(packed, dictionary));
    let Some(properties) = properties else {
        let fault = Some(Fault::Truncated("nsis: the header of LZMA is cut off".to_owned()));
        return Stream { output: Output::new(budget, 0), consumed: 0, fault };
    };
    let mut stream = lzma_raw_stream(packed.tail(start.saturating_add(5)), properties, None, budget);
    if filter && packed.u8(0) == Ok(1) {
        let plain = x86_jumps(stream.output.as_slice());
        stream.fault = stream.output.write_at(0, &plain).err().map(Fault::from).or(stream.fault);
    }
    stream
}
