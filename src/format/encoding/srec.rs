//! Motorola S-records: memory as text.

use crate::blob::{Blob, Span};
use crate::format::encoding::ihex::memory::{Memory, Run};
use crate::format::encoding::ihex::text::{self, Bad, Lines, Shape, pairs};
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Motorola S-record file.
#[derive(Debug)]
pub(super) struct Srec;

static SPEC: Spec = Spec {
    id: "srec",
    name: "Motorola S-record",
    kind: Kind::Encoding,
    magics: &[Magic::start(b"S0"), Magic::start(b"S1"), Magic::start(b"S2"), Magic::start(b"S3")],
    leaf: false,
    references: &["https://man7.org/linux/man-pages/man5/srec_motorola.5.html"],
    limitations: &["a text in the middle of other bytes is not recognized"],
};

impl Format for Srec {
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
            (&reader.counts, Fault::corrupt("the number of records is not what the file says")),
        ];
        Bad::tell(&kinds, children);
        let bytes = blob.as_slice();
        reader.memory.hand_over(
            children,
            blob.len(),
            |address| format!("{address:#010x}"),
            |source, sink| {
                let records = Lines::new(bytes, source).filter_map(|(_, line)| Record::parse(line));
                records.filter(Record::is_data).try_for_each(|record| sink(record.data()))
            },
        )?;
        if reader.ended { Ok(()) } else { Err(Fault::Truncated("no record says that the file ends here".to_owned())) }
    }
}

/// A line: `S`, type as one digit, number of the bytes that follow u8, address, data, checksum u8, in hexadecimal digits.
struct Record {
    kind: u8,
    bytes: [u8; 264],
    length: usize,
}

impl Record {
    /// The record in `line`, whether or not its checksum fits.
    fn parse(line: &[u8]) -> Option<Self> {
        let [b'S', kind @ (b'0'..=b'3' | b'5'..=b'9'), digits @ ..] = line else { return None };
        let ([count, ..], _) = pairs(digits.get(..2)?, 1)?;
        let (bytes, length) = pairs(digits, usize::from(count).saturating_add(1))?;
        let record = Self { kind: *kind, bytes, length };
        (usize::from(count) > record.address_length()).then_some(record)
    }

    fn all(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn address_length(&self) -> usize {
        match self.kind {
            b'2' | b'6' | b'8' => 3,
            b'3' | b'7' => 4,
            _ => 2,
        }
    }

    fn is_data(&self) -> bool {
        matches!(self.kind, b'1'..=b'3')
    }

    /// The address, or the number of records.
    fn address(&self) -> u64 {
        self.all().iter().skip(1).take(self.address_length()).fold(0, |value, byte| (value << 8) | u64::from(*byte))
    }

    fn data(&self) -> &[u8] {
        self.all().get(self.address_length().saturating_add(1)..self.length.saturating_sub(1)).unwrap_or_default()
    }

    /// All bytes together make ff.
    fn fits(&self) -> bool {
        self.all().iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)) == 0xff
    }
}

fn shape(line: &[u8]) -> Shape {
    match Record::parse(line).filter(Record::fits) {
        _ if line.is_empty() => Shape::Blank,
        Some(record) if record.kind >= b'7' => Shape::End,
        Some(_) => Shape::Record,
        None => Shape::Junk,
    }
}

/// What the records seen so far say.
#[derive(Default)]
struct Reader {
    memory: Memory,
    /// Where the last record of data that was taken ends, in memory and in the text.
    next: Option<(u64, u64)>,
    /// Records of data since the file or the last count began.
    records: u64,
    ended: bool,
    sums: Bad,
    junk: Bad,
    counts: Bad,
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
        // Not all programs write an end, but those that do not write how many records there are.
        self.ended = record.kind >= b'5';
        match record.kind {
            b'1'..=b'3' => {
                self.records = self.records.saturating_add(1);
                self.data(span, &record, fits);
            }
            b'5' | b'6' if fits => {
                if record.address() != self.records {
                    self.counts.add(span.start);
                }
                self.records = 0;
            }
            _ => {}
        }
    }

    fn data(&mut self, span: Span, record: &Record, fits: bool) {
        let address = record.address();
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
