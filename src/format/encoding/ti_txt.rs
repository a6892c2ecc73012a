//! TI-TXT: memory as text, for microcontrollers of Texas Instruments.

use crate::blob::{Blob, Span, to_u64};
use crate::format::encoding::ihex::memory::{Memory, Run};
use crate::format::encoding::ihex::text::{self, Bad, Lines, Shape};
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// TI-TXT file.
#[derive(Debug)]
pub(super) struct TiTxt;

static SPEC: Spec = Spec {
    id: "ti-txt",
    name: "TI-TXT",
    kind: Kind::Encoding,
    magics: &[Magic::start(b"@")],
    leaf: false,
    references: &["https://srecord.sourceforge.net/man/man5/srec_ti_txt.5.html"],
    limitations: &["a text in the middle of other bytes is not recognized"],
};

/// What a line says.
enum Line {
    /// `@` and hexadecimal digits: what follows belongs there.
    Address(u64),
    /// Pairs of digits with blanks between.
    Data(Vec<u8>),
    /// `q`: the end.
    End,
}

/// Bytes of a line at most; there are 16 in all that tools write.
const WIDEST: usize = 64;

fn parse(line: &[u8]) -> Option<Line> {
    let text = std::str::from_utf8(line).ok()?;
    if text.eq_ignore_ascii_case("q") {
        return Some(Line::End);
    }
    if let Some(digits) = text.strip_prefix('@') {
        let short = digits.len() <= 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        return u64::from_str_radix(digits, 16).ok().filter(|_| short).map(Line::Address);
    }
    let byte = |pair: &str| if pair.len() == 2 { u8::from_str_radix(pair, 16).ok() } else { None };
    let bytes: Option<Vec<u8>> = text.split_ascii_whitespace().map(byte).collect();
    bytes.filter(|bytes| (1..=WIDEST).contains(&bytes.len())).map(Line::Data)
}

fn shape(line: &[u8]) -> Shape {
    match parse(line) {
        _ if line.is_empty() => Shape::Blank,
        Some(Line::End) => Shape::End,
        Some(_) => Shape::Record,
        None => Shape::Junk,
    }
}

impl Format for TiTxt {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = blob.bytes().tail(start);
        let mut lines = Lines::new(bytes, Span::new(0, to_u64(bytes.len()))).map(|(_, line)| parse(line));
        if !matches!((lines.next(), lines.next()), (Some(Some(Line::Address(_))), Some(Some(Line::Data(_))))) {
            return Err(Rejected("no address and data"));
        }
        text::carve(blob, start, shape)
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.as_slice();
        let (mut memory, mut junk, mut ended, mut address) = (Memory::default(), Bad::default(), false, None);
        for (span, line) in Lines::new(bytes, Span::new(0, blob.len())) {
            ended &= line.is_empty();
            match (parse(line), address) {
                (Some(Line::Address(next)), _) => address = Some(next),
                (Some(Line::Data(data)), Some(place)) => {
                    let length = to_u64(data.len());
                    memory.add(Run { address: place, length, source: span });
                    address = Some(place.saturating_add(length));
                }
                (Some(Line::End), _) => ended = true,
                _ if line.is_empty() => {}
                _ => junk.add(span.start),
            }
        }
        if junk.count > 0 {
            children.problem(&Fault::corrupt(format!("{} lines are no records", junk.count)), Some(junk.first));
        }
        memory.hand_over(
            children,
            blob.len(),
            |address| format!("{address:#06x}"),
            |source, sink| {
                let mut lines = Lines::new(bytes, source).filter_map(|(_, line)| parse(line));
                lines.try_for_each(|line| if let Line::Data(data) = line { sink(&data) } else { Ok(()) })
            },
        )?;
        if ended { Ok(()) } else { Err(Fault::Truncated("no line says that the file ends here".to_owned())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack};
    use crate::problem::Code;

    #[test]
    fn blocks_have_the_bytes_that_were_written() {
        let text = include_bytes!("../../../fixtures/ti-txt/status.txt").as_slice();
        let story = include_bytes!("../../../fixtures/content/tree/story.txt");
        for junk in [b"".as_slice(), b"and something else\n"] {
            let unpacked = unpack(&TiTxt, &[text, junk].concat());
            assert_eq!((unpacked.file("0x4400") == story, unpacked.problems), (true, vec![]));
        }
        let cut = unpack(&TiTxt, &text[..text.len() / 2]);
        assert!(story.starts_with(&cut.file("0x4400")[..1000]));
        assert_eq!(cut.problems.last().map(|problem| problem.0), Some(Code::Truncated));
        assert_eq!(carve(&TiTxt, b"@example is a name\nand no address\n", 0), None);
        survives_damage(&TiTxt, text);
    }
}
