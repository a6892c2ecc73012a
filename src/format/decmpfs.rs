//! Files that Apple's file systems keep compressed: the attribute com.apple.decmpfs, and blocks of 64 KiB in the resource fork.

use crate::blob::{Bytes, Endian, Span, to_u64};
use crate::codec::{Codec, Stream};
use crate::limits::{Effort, Output};
use crate::problem::Fault;

/// The name of the attribute.
pub(super) const ATTRIBUTE: &str = "com.apple.decmpfs";

/// Decompressed bytes of a block.
const BLOCK: u64 = 64 << 10;
/// Content that stands in an attribute is no longer.
const LARGEST_INSIDE: u64 = 1 << 20;

/// What comes before content that is not compressed.
const ZLIB_STORED: u8 = 0xff;
const LZVN_STORED: u8 = 0x06;

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Stored,
    Zlib,
    Lzvn,
    Lzfse,
}

/// What the attribute says: "fpmc", 4 kind u32, 8 bytes of the content u64, 16 the content, for odd kinds. All little endian.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attribute<'a> {
    kind: u32,
    /// Bytes of the content once decompressed.
    pub(super) size: u64,
    inside: Bytes<'a>,
}

/// Appends the content of a file to `output`, as its `attribute` says. `fork` reads its resource fork, if that is needed, from an image of
/// `image` bytes.
///
/// # Errors
/// If a limit is reached, or not all of it can be decompressed.
pub(super) fn content(
    attribute: Option<&[u8]>,
    image: u64,
    output: &mut Output<'_>,
    effort: &mut Effort<'_>,
    fork: impl FnOnce(&mut Output<'_>, &mut Effort<'_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let missing = || Fault::corrupt("the attribute that says how it is compressed is not there");
    let attribute = attribute.and_then(|bytes| Attribute::read(Bytes(bytes))).ok_or_else(missing)?;
    let mut resources = Output::new(effort.budget(), image);
    if attribute.is_outside() {
        fork(&mut resources, effort)?;
    }
    attribute.decompress(Bytes(resources.as_slice()), output, effort)
}

impl<'a> Attribute<'a> {
    pub(super) fn read(bytes: Bytes<'a>) -> Option<Self> {
        if !bytes.has(0, b"fpmc") {
            return None;
        }
        let kind = bytes.u32(4, Endian::Little).ok()?;
        Some(Self { kind, size: bytes.u64(8, Endian::Little).ok()?, inside: Bytes(bytes.tail(16)) })
    }

    /// Whether the content is in the resource fork.
    pub(super) fn is_outside(&self) -> bool {
        matches!(self.kind, 4 | 8 | 10 | 12 | 14)
    }

    fn method(&self) -> Result<Method, Fault> {
        match self.kind {
            1 | 9 | 10 => Ok(Method::Stored),
            3 | 4 => Ok(Method::Zlib),
            7 | 8 => Ok(Method::Lzvn),
            11 | 12 => Ok(Method::Lzfse),
            kind => Err(Fault::unsupported(format!("compressed by the file system in a way that is not read (decmpfs {kind})"))),
        }
    }

    /// Appends the content to `output`. `resources` is the resource fork.
    ///
    /// # Errors
    /// If a limit is reached, or not all of it can be decompressed.
    pub(super) fn decompress(&self, resources: Bytes<'_>, output: &mut Output<'_>, effort: &mut Effort<'_>) -> Result<(), Fault> {
        let method = self.method()?;
        if !self.is_outside() {
            let size = self.size.min(LARGEST_INSIDE);
            output.push(&method.block(self.inside.0, size, effort)?)?;
        } else {
            let places = if method == Method::Zlib { in_resource(resources)? } else { in_row(resources)? };
            for place in places {
                let left = self.size.saturating_sub(output.len());
                if left == 0 {
                    break;
                }
                let packed = resources.part(place)?;
                effort.spend(place.length)?;
                output.push(&method.block(packed.0, left.min(BLOCK), effort)?)?;
            }
        }
        if output.len() < self.size {
            return Err(Fault::corrupt(format!("{} of {} bytes are there", output.len(), self.size)));
        }
        Ok(())
    }
}

impl Method {
    /// One block of at most `limit` bytes. What would not become smaller stands behind one byte that says so.
    fn block(self, packed: &[u8], limit: u64, effort: &Effort<'_>) -> Result<Vec<u8>, Fault> {
        let first = packed.first().copied().unwrap_or(0);
        let stored = || Ok(Bytes(packed).up_to(1, limit).to_vec());
        match self {
            Self::Stored => Ok(Bytes(packed).up_to(0, limit).to_vec()),
            Self::Zlib if first & 0xf == 0xf => stored(),
            Self::Lzvn if first == LZVN_STORED => stored(),
            Self::Lzfse if first == ZLIB_STORED => stored(),
            Self::Zlib => Codec::Zlib.block(packed, limit),
            Self::Lzfse => framed(packed, limit, effort),
            // As a stream of LZFSE with one block has it.
            Self::Lzvn => {
                let size = |length: u64| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
                let head = [b"bvxn".as_slice(), &size(limit), &size(to_u64(packed.len()))].concat();
                framed(&[head.as_slice(), packed, b"bvx$"].concat(), limit, effort)
            }
        }
    }
}

fn framed(stream: &[u8], limit: u64, effort: &Effort<'_>) -> Result<Vec<u8>, Fault> {
    let Stream { output, fault, .. } = Codec::Lzfse.stream(stream, effort.budget());
    if let Some(fault) = fault {
        return Err(fault);
    }
    if output.len() > limit {
        return Err(Fault::corrupt("a block holds more than it may"));
    }
    Ok(output.as_slice().to_vec())
}

/// The blocks of a resource: 0 where it is u32, big endian; there 4 number u32, then for each place u32 and length u32, counted from the number.
fn in_resource(fork: Bytes<'_>) -> Result<Vec<Span>, Fault> {
    let table = u64::from(fork.u32(0, Endian::Big)?).saturating_add(4);
    let count = u64::from(fork.u32(table, Endian::Little)?);
    let rows = Bytes(fork.get(table.saturating_add(4), count.saturating_mul(8))?);
    let place = |row: Bytes<'_>| {
        Span::new(table.saturating_add(row.u32(0, Endian::Little).map_or(0, u64::from)), row.u32(4, Endian::Little).map_or(0, u64::from))
    };
    Ok(rows.0.chunks_exact(8).map(|row| place(Bytes(row))).collect())
}

/// Blocks in a row: where each of them begins u32, and where the last ends; the first begins behind these numbers.
fn in_row(fork: Bytes<'_>) -> Result<Vec<Span>, Fault> {
    let first = u64::from(fork.u32(0, Endian::Little)?);
    let numbers = fork.get(0, first)?.chunks_exact(4).map(|word| Bytes(word).u32(0, Endian::Little).map_or(0, u64::from));
    let ends = numbers.clone().skip(1);
    Ok(numbers.zip(ends).map(|(start, end)| Span::between(start, end)).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::limits::{Budget, Limits};

    fn attribute(kind: u32, size: usize, inside: &[u8]) -> Vec<u8> {
        [b"fpmc".as_slice(), &kind.to_le_bytes(), &(size as u64).to_le_bytes(), inside].concat()
    }

    fn content(attribute: &[u8], resources: &[u8]) -> Result<Vec<u8>, Fault> {
        let budget = Budget::new(Limits::default(), Arc::default());
        let mut output = Output::new(&budget, 1 << 20);
        let read = Attribute::read(Bytes(attribute)).unwrap();
        read.decompress(Bytes(resources), &mut output, &mut Effort::new(&budget, 1 << 20)).map(|()| output.as_slice().to_vec())
    }

    #[test]
    fn content_in_the_attribute() {
        let zlib = [0x78, 0x9c, 0x4b, 0x4c, 0x84, 0x01, 0x00, 0x14, 0xe1, 0x03, 0xcb];
        assert_eq!(content(&attribute(3, 10, &zlib), b"").unwrap(), b"aaaaaaaaaa");
        assert_eq!(content(&attribute(3, 4, b"\xfftext"), b"").unwrap(), b"text");
        assert_eq!(content(&attribute(7, 4, b"\x06text"), b"").unwrap(), b"text");
        assert_eq!(content(&attribute(9, 4, b"text"), b"").unwrap(), b"text");
        // Four letters as they are, then the end.
        assert_eq!(content(&attribute(7, 4, b"\xe4text\x06\0\0\0\0\0\0\0"), b"").unwrap(), b"text");
        assert!(content(&attribute(3, 5, b"\xfftext"), b"").is_err());
        assert!(matches!(content(&attribute(13, 4, b"text"), b""), Err(Fault::Unsupported(_))));
    }

    #[test]
    fn content_in_the_resource_fork() {
        let first = vec![7_u8; 64 << 10];
        let blocks = [[vec![0xff], first.clone()].concat(), b"\xffend".to_vec()];
        let table = [2_u32, 20, 65_537, 65_557, 4].map(u32::to_le_bytes).concat();
        let fork = [0x100_u32.to_be_bytes().to_vec(), vec![0; 0x100], table, blocks.concat()].concat();
        assert_eq!(content(&attribute(4, 65_539, b""), &fork).unwrap(), [first.as_slice(), b"end"].concat());
        let row = [[12_u32, 17, 21].map(u32::to_le_bytes).concat(), b"\x06text\x06end".to_vec()].concat();
        assert_eq!(content(&attribute(8, 7, b""), &row).unwrap(), b"textend");
        assert!(content(&attribute(8, 7, b""), &row[..14]).is_err());
    }
}
