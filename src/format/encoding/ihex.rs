//! Intel HEX: memory as text.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

pub(super) mod memory;
pub(super) mod text;

use memory::{Memory, Run};
use text::{Bad, Lines, Shape, pairs};

/// Intel hexadecimal object file.
#[derive(Debug)]
pub(super) struct Ihex;

static SPEC: Spec = Spec {
    id: "ihex",
    name: "Intel HEX",
    kind: Kind::Encoding,
    magics: &[Magic::start(b":")],
    leaf: false,
    references: &["https://developer.arm.com/documentation/ka003292/latest/"],
    limitations: &["records of types other than 00 to 05 are skipped", "a text in the middle of other bytes is not recognized"],
};

impl Format for Ihex {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        text::carve(blob, start, shape)
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let mut reader = Reader::default();
        for (span, line) in Lines::new(blob.as_slice(), Span::new(0, blob.len())) {
            reader.line(span, line);
        }
        let kinds = [
            (&reader.sums, Fault::Checksum(format!("{} records do not fit their checksum", reader.sums.count))),
            (&reader.junk, Fault::corrupt(format!("{} lines are no records", reader.junk.count))),
            (&reader.unknown, Fault::unsupported(format!("{} records are of unknown types", reader.unknown.count))),
        ];
        Bad::tell(&kinds, children);
        let bytes = blob.as_slice();
        reader.memory.hand_over(
            children,
            blob.len(),
            |address| format!("{address:#010x}"),
            |source, sink| {
                let records = Lines::new(bytes, source).filter_map(|(_, line)| Record::parse(line));
                records.filter(|record| record.kind() == DATA).try_for_each(|record| sink(record.data()))
            },
        )?;
        if reader.ended { Ok(()) } else { Err(Fault::Truncated("the record that ends the file is missing".to_owned())) }
    }
}

const DATA: u8 = 0;
const END_OF_FILE: u8 = 1;

/// A line: `:`, number of data bytes u8, address u16, type u8, data, checksum u8, in hexadecimal digits.
struct Record {
    bytes: [u8; 264],
    length: usize,
}

impl Record {
    /// The record in `line`, whether or not its checksum fits.
    fn parse(line: &[u8]) -> Option<Self> {
        let digits = line.strip_prefix(b":")?;
        let ([count, ..], _) = pairs(digits.get(..2)?, 1)?;
        let (bytes, length) = pairs(digits, usize::from(count).saturating_add(5))?;
        Some(Self { bytes, length })
    }

    fn all(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn kind(&self) -> u8 {
        self.all().get(3).copied().unwrap_or(u8::MAX)
    }

    fn address(&self) -> u64 {
        Bytes(self.all()).u16(1, Endian::Big).unwrap_or(0).into()
    }

    fn data(&self) -> &[u8] {
        self.all().get(4..self.length.saturating_sub(1)).unwrap_or_default()
    }

    /// All bytes together make 0.
    fn fits(&self) -> bool {
        self.all().iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)) == 0
    }
}

fn shape(line: &[u8]) -> Shape {
    match Record::parse(line).filter(Record::fits) {
        _ if line.is_empty() => Shape::Blank,
        Some(record) if record.kind() == END_OF_FILE => Shape::End,
        Some(_) => Shape::Record,
        None => Shape::Junk,
    }
}

/// What the records seen so far say.
#[derive(Default)]
struct Reader {
    memory: Memory,
    /// What the addresses of records count from.
    base: u64,
    /// Where the last record of data that was taken ends, in memory and in the text.
    next: Option<(u64, u64)>,
    ended: bool,
    sums: Bad,
    junk: Bad,
    unknown: Bad,
}

impl Reader {
    fn line(&mut self, span: Span, line: &[u8]) {
        let Some(record) = Record::parse(line) else {
            if !line.is_empty() {
                self.junk.add(span.start);
            }
            return;
        };
        let fits = record.fits();
        if !fits {
            self.sums.add(span.start);
        }
        self.ended = false;
        let word = Bytes(record.data()).u16(0, Endian::Big).unwrap_or(0);
        match record.kind() {
            DATA => self.data(span, &record, fits),
            END_OF_FILE => (self.base, self.ended) = (0, true),
            2 => self.base = u64::from(word) << 4,
            4 => self.base = u64::from(word) << 16,
            3 | 5 => {}
            _ => self.unknown.add(span.start),
        }
    }

    fn data(&mut self, span: Span, record: &Record, fits: bool) {
        let address = self.base.saturating_add(record.address());
        // With a wrong checksum the address may be wrong: it is only believed if it is the expected one.
        if !fits && self.next.is_none_or(|(expected, _)| expected != address) {
            self.next = None;
            return;
        }
        let length = crate::format::length_of(record.data());
        let start = self.next.map_or(span.start, |(_, end)| end);
        self.memory.add(Run { address, length, source: Span::between(start, span.end()) });
        self.next = Some((address.saturating_add(length), span.end()));
    }
}

#[cfg(test)]
mod tests;
