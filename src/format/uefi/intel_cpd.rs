//! Code partitions of Intel's management engine and of its relatives: a directory of modules.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::codec::Codec;
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, part_text};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Intel code partition.
#[derive(Debug)]
pub(super) struct CodePartition;

static SPEC: Spec = Spec {
    id: "intel-cpd",
    name: "Intel code partition",
    kind: Kind::Archive,
    magics: &[Magic::anywhere(b"$CPD")],
    leaf: false,
    references: &["https://github.com/ptresearch/unME11", "https://github.com/linuxboot/fiano", "https://github.com/platomav/MEAnalyzer"],
    limitations: &["modules that are compressed with Intel's Huffman codes are handed over as they are"],
};

/// Bytes of an entry.
const ENTRY: u64 = 24;
/// This bit of an entry's offset says that the module is compressed with Huffman codes.
const HUFFMAN: u32 = 1 << 25;

impl Format for CodePartition {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let directory = Directory::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(directory.end(), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let directory = Directory::read(blob.bytes()).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let mut left = blob.len().saturating_mul(2);
        for module in &directory.modules {
            let span = directory.place(module);
            let Some(rest) = left.checked_sub(span.length.min(blob.len())) else {
                children.problem(&Fault::corrupt(format!("the modules overlap: {} is left out", module.name)), Some(span.start));
                continue;
            };
            left = rest;
            if module.huffman {
                let fault = Fault::unsupported("compressed with Intel's Huffman codes");
                children.span_with(module.name.clone(), span, Attributes::default(), Some(&fault))?;
            } else if !lzma(blob.bytes(), module, span, children)? {
                children.span(module.name.clone(), span, Attributes::default())?;
            }
        }
        Ok(())
    }
}

/// LZMA with three zeros more behind the first byte of data, which do not belong there.
fn lzma(bytes: Bytes<'_>, module: &Module, span: Span, children: &mut Children<'_>) -> Result<bool, Fault> {
    let data = Bytes(bytes.up_to(span.start, span.length));
    if !data.has(0, &[0x36, 0, 0x40, 0, 0]) || !data.has(14, &[0, 0, 0]) {
        return Ok(false);
    }
    let whole = [data.up_to(0, 14), data.tail(17)].concat();
    let stream = Codec::Lzma.stream(&whole, children.budget());
    if stream.output.is_empty() && !stream.fault.as_ref().is_some_and(Fault::is_limit) {
        return Ok(false);
    }
    children.made_with(module.name.clone(), stream.output, Attributes::default(), stream.fault.as_ref())?;
    Ok(true)
}

struct Module {
    name: String,
    start: u64,
    length: u64,
    huffman: bool,
}

/// The directory; numbers are little endian:
///
/// ```text
/// 0 "$CPD"   4 number of modules u32   8 version: 1 or 2   9 version of the entries   a length of the header: 10 or 14   b checksum u8
/// c name of the partition, 4 bytes   10 CRC, in version 2
/// ```
///
/// An entry: 0 name, 12 bytes   c offset from the signature, and bit 25 for Huffman   10 length u32, uncompressed where that is Huffman.
struct Directory {
    modules: Vec<Module>,
    end: u64,
}

impl Directory {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let count = u64::from(bytes.u32(4, Endian::Little)?);
        let (version, header) = (bytes.u8(8)?, u64::from(bytes.u8(10)?));
        if !bytes.has(0, b"$CPD") || !(1..=256).contains(&count) || !matches!((version, header), (1, 0x10) | (2, 0x14)) {
            return Err(Rejected("number of modules, or versions"));
        }
        let mut modules = Vec::new();
        for index in 0..count {
            let entry = bytes.part(Span::new(header.saturating_add(index.saturating_mul(ENTRY)), ENTRY))?;
            let name = entry.text(0, 12)?;
            let offset = entry.u32(12, Endian::Little)?;
            if name.is_empty() || !name.iter().all(|byte| matches!(byte, b' '..=b'~')) || offset > 0x0fff_ffff {
                return Err(Rejected("name or offset of a module"));
            }
            modules.push(Module {
                name: part_text(name),
                start: u64::from(offset & 0x01ff_ffff),
                length: entry.u32(16, Endian::Little)?.into(),
                huffman: offset & HUFFMAN != 0,
            });
        }
        let end = header.saturating_add(count.saturating_mul(ENTRY));
        if modules.iter().any(|module| module.length > 0 && module.start < end) {
            return Err(Rejected("a module in the directory"));
        }
        Ok(Self { modules, end })
    }

    /// Where a module stands. One in Huffman codes reaches up to the next, as its length is not written anywhere here.
    fn place(&self, module: &Module) -> Span {
        let next = self.modules.iter().map(|other| other.start).filter(|start| *start > module.start).min();
        let length = match next {
            Some(next) if module.huffman => next.saturating_sub(module.start),
            _ => module.length,
        };
        Span::new(module.start, length)
    }

    fn end(&self) -> u64 {
        self.modules.iter().map(|module| self.place(module).end()).fold(self.end, u64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    fn partition(modules: &[(&str, u32, &[u8])]) -> Vec<u8> {
        let mut head = [b"$CPD", &(modules.len() as u32).to_le_bytes()[..], &[1, 1, 0x10, 0], b"FTPR"].concat();
        let mut data = Vec::new();
        for (name, flag, content) in modules {
            let offset = (16 + 24 * modules.len() + data.len()) as u32 | flag;
            head.extend([name.as_bytes(), &vec![0; 12 - name.len()]].concat());
            head.extend([offset, content.len() as u32, 0].map(u32::to_le_bytes).concat());
            data.extend(*content);
        }
        [head, data].concat()
    }

    #[test]
    fn modules_come_out() {
        let image = partition(&[("FTPR.man", 0, b"manifest"), ("kernel", HUFFMAN, b"packed"), ("kernel.met", 0, b"about it")]);
        let flash = [&[0xff; 5], &image[..], b"next"].concat();
        assert_eq!(carve(&CodePartition, &flash, 5), Some(image.len() as u64));
        let unpacked = unpack_at(&CodePartition, &flash, 5);
        assert_eq!(unpacked.by_name()["FTPR.man"], b"manifest");
        assert_eq!(unpacked.by_name()["kernel"], b"packed");
        assert_eq!(unpacked.problems.iter().map(|problem| problem.0).collect::<Vec<_>>(), [Code::Unsupported]);
        survives_damage(&CodePartition, &image);
    }

    #[test]
    fn lzma_is_unpacked() {
        if crate::testing::lacking(&["xz"]) {
            return;
        }
        let data = b"module ".repeat(500);
        let packed = crate::codec::testing::pipe("xz", &["-c", "--format=lzma", "--lzma1=dict=16KiB,lc=0,lp=1,pb=1"], &data);
        assert_eq!(packed[..5], [0x36, 0, 0x40, 0, 0]);
        let packed = [&packed[..14], &[0; 3], &packed[14..]].concat();
        assert_eq!(unpack(&CodePartition, &partition(&[("bup", 0, &packed)])).file("bup"), data);
    }

    #[test]
    fn a_text_is_no_directory() {
        assert_eq!(carve(&CodePartition, b"$CPD is what a code partition begins with, but this is a text", 0), None);
    }
}
