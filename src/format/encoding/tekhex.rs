//! Extended Tektronix hexadecimal: memory as text.

use crate::blob::{Blob, Span, to_u64};
use crate::format::encoding::ihex::memory::{Memory, Run};
use crate::format::encoding::ihex::text::{self, Bad, Lines, Shape, pairs};
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Extended Tektronix hex file.
#[derive(Debug)]
pub(super) struct Tekhex;

static SPEC: Spec = Spec {
    id: "tekhex",
    name: "Tektronix extended hex",
    kind: Kind::Encoding,
    magics: &[Magic::start(b"%")],
    leaf: false,
    references: &["https://srecord.sourceforge.net/man/man5/srec_tektronix_extended.5.html"],
    limitations: &["symbols", "the older Tektronix hex, whose lines begin with /", "a text in the middle of other bytes is not recognized"],
};

/// A line: `%`, two digits: characters behind the `%`; type as one digit (3 symbols, 6 data, 8 end), two digits checksum, address with one
/// digit for its length in front, data as pairs of digits.
struct Record {
    kind: u8,
    address: u64,
    bytes: [u8; 264],
    length: usize,
}

impl Record {
    /// The record in `line`, with the right checksum.
    fn parse(line: &[u8]) -> Option<Self> {
        let text = line.strip_prefix(b"%")?;
        let ([count, ..], _) = pairs(text.get(..2)?, 1)?;
        let kind = *text.get(2)?;
        let ([sum, ..], _) = pairs(text.get(3..5)?, 1)?;
        let body = text.get(5..)?;
        let values = text.get(..3)?.iter().chain(body).map(|character| value(*character));
        let actual = values.sum::<Option<u32>>()? & 0xff;
        if text.len() != usize::from(count) || actual != u32::from(sum) || !matches!(kind, b'3' | b'6' | b'8') {
            return None;
        }
        let mut record = Self { kind, address: 0, bytes: [0; 264], length: 0 };
        if kind == b'6' {
            let width = usize::try_from(char::from(*body.first()?).to_digit(16)?).ok()?;
            let end = if width == 0 { 17 } else { width.saturating_add(1) };
            let digits = std::str::from_utf8(body.get(1..end)?).ok()?;
            let data = body.get(end..)?;
            record.address = u64::from_str_radix(digits, 16).ok()?;
            (record.bytes, record.length) = pairs(data, data.len() / 2)?;
        }
        Some(record)
    }

    fn data(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// What a character counts in a checksum.
fn value(character: u8) -> Option<u32> {
    const ORDER: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ$%._abcdefghijklmnopqrstuvwxyz";
    ORDER.iter().position(|known| *known == character).and_then(|place| u32::try_from(place).ok())
}

fn shape(line: &[u8]) -> Shape {
    match Record::parse(line) {
        _ if line.is_empty() => Shape::Blank,
        Some(record) if record.kind == b'8' => Shape::End,
        Some(_) => Shape::Record,
        None => Shape::Junk,
    }
}

impl Format for Tekhex {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        text::carve(blob, start, shape)
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.as_slice();
        let (mut memory, mut junk) = (Memory::default(), Bad::default());
        for (span, line) in Lines::new(bytes, Span::new(0, blob.len())) {
            match Record::parse(line) {
                Some(record) => memory.add(Run { address: record.address, length: to_u64(record.length), source: span }),
                None if line.is_empty() => {}
                None => junk.add(span.start),
            }
        }
        if junk.count > 0 {
            let message = format!("{} lines are no records, or do not fit their checksum", junk.count);
            children.problem(&Fault::corrupt(message), Some(junk.first));
        }
        memory.hand_over(
            children,
            blob.len(),
            |address| format!("{address:#010x}"),
            |source, sink| {
                let mut records = Lines::new(bytes, source).filter_map(|(_, line)| Record::parse(line));
                records.try_for_each(|record| sink(record.data()))
            },
        )?;
        // Not all programs write a record at the end: nothing says that one is missing.
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack};
    use crate::problem::Code;

    #[test]
    fn blocks_have_the_bytes_that_were_written() {
        let story = include_bytes!("../../../fixtures/content/tree/story.txt");
        let text = include_bytes!("../../../fixtures/tekhex/story.tek").as_slice();
        let unpacked = unpack(&Tekhex, text);
        assert_eq!((unpacked.file("0x08000000") == story, unpacked.problems), (true, vec![]));
        let mut damaged = text.to_vec();
        damaged[1000] ^= 1;
        assert_eq!(unpack(&Tekhex, &damaged).problems[0].0, Code::Corrupt);
        assert_eq!(carve(&Tekhex, b"%10 of all lines\n%20 begin like that\n", 0), None);
        survives_damage(&Tekhex, text);
    }
}
