//! Files as text for mail: uuencode, and base64 in its frame.

use crate::blob::{Blob, Span, to_u64};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, path_text};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// uuencoded file.
#[derive(Debug)]
pub(super) struct Uuencode;

static SPEC: Spec = Spec {
    id: "uuencode",
    name: "uuencode",
    kind: Kind::Encoding,
    magics: &[Magic::start(b"begin "), Magic::start(b"begin-base64 ")],
    leaf: false,
    references: &["https://pubs.opengroup.org/onlinepubs/9799919799/utilities/uuencode.html"],
    limitations: &["a text in the middle of other bytes is not recognized"],
};

/// Lines are no longer than this; names may be.
const WIDEST: usize = 1024;

/// The first line: `begin`, mode in octal, name.
struct Head<'a> {
    base64: bool,
    mode: u32,
    name: &'a [u8],
    /// Where the next line begins.
    end: usize,
}

impl<'a> Head<'a> {
    fn read(text: &'a [u8]) -> Option<Self> {
        let (line, end) = next_line(text, 0)?;
        let (base64, rest) = match line.strip_prefix(b"begin-base64 ") {
            Some(rest) => (true, rest),
            None => (false, line.strip_prefix(b"begin ")?),
        };
        let (mode, name) = rest.split_at_checked(rest.iter().position(|byte| *byte == b' ')?)?;
        let mode = u32::from_str_radix(std::str::from_utf8(mode).ok()?, 8).ok().filter(|mode| *mode <= 0o7777)?;
        Some(Self { base64, mode, name: name.trim_ascii(), end }).filter(|head| !head.name.is_empty())
    }

    /// The bytes that `line` stands for; none if it stands for none.
    fn decode(&self, line: &[u8]) -> Option<Vec<u8>> {
        if self.base64 {
            let digits: Option<Vec<u32>> = line.iter().take_while(|byte| **byte != b'=').map(|byte| base64(*byte)).collect();
            let digits = digits.filter(|_| line.len().is_multiple_of(4) && !line.is_empty())?;
            return Some(join(&digits, digits.len().saturating_mul(6) / 8));
        }
        let (first, rest) = line.split_first()?;
        let length = usize::from(first.checked_sub(b' ').filter(|length| (1..=45).contains(length))?);
        // Blanks at the end of a line may be gone.
        let digits: Option<Vec<u32>> =
            rest.iter().chain(std::iter::repeat(&b' ')).take(length.div_ceil(3).saturating_mul(4)).map(|byte| uu(*byte)).collect();
        Some(join(&digits?, length))
    }

    /// Whether `line` says that the data ends.
    fn ends(&self, line: &[u8]) -> bool {
        if self.base64 { line == b"====" } else { line == b"end" }
    }
}

fn uu(character: u8) -> Option<u32> {
    character.checked_sub(b' ').filter(|value| *value <= 64).map(|value| u32::from(value & 63))
}

fn base64(character: u8) -> Option<u32> {
    const ORDER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    ORDER.iter().position(|known| *known == character).and_then(|place| u32::try_from(place).ok())
}

/// Four digits of six bits make three bytes; `length` of them count.
fn join(digits: &[u32], length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for group in digits.chunks(4) {
        let word = (0..4).fold(0_u32, |word, index| (word << 6) | group.get(index).copied().unwrap_or(0));
        bytes.extend(word.to_be_bytes().iter().skip(1));
    }
    bytes.truncate(length);
    bytes
}

/// The line at `at`, and where the next one begins.
fn next_line(text: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let window = text.get(at..text.len().min(at.saturating_add(WIDEST)))?;
    let length = window.iter().position(|byte| *byte == b'\n')?;
    let line = window.get(..length)?;
    Some((line.strip_suffix(b"\r").unwrap_or(line), at.saturating_add(length).saturating_add(1)))
}

/// Hands the bytes of each line to `sink`. Returns where the text ends, and whether it says so itself.
fn walk(text: &[u8], head: &Head<'_>, sink: &mut dyn FnMut(&[u8]) -> Result<(), Fault>) -> Result<(usize, bool), Fault> {
    let mut at = head.end;
    while let Some((line, next)) = next_line(text, at) {
        if head.ends(line) {
            return Ok((next, true));
        }
        match head.decode(line) {
            Some(bytes) => sink(&bytes)?,
            // The line with a length of 0, before the end.
            None if !head.base64 && matches!(line, b"`" | b" " | b"") => {}
            None => break,
        }
        at = next;
    }
    Ok((at, false))
}

impl Format for Uuencode {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let text = blob.bytes().tail(start);
        let head = Head::read(text).ok_or(Rejected("no mode and name"))?;
        let mut made = 0;
        let walked = walk(text, &head, &mut |bytes| {
            made = to_u64(bytes.len()).saturating_add(made);
            Ok(())
        });
        let Ok((end, _)) = walked else { return Err(Rejected("lines")) };
        if made == 0 { Err(Rejected("no data")) } else { Ok(Carved::new(to_u64(end), start, blob)) }
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let text = blob.as_slice();
        let head = Head::read(text).ok_or_else(|| Fault::corrupt("no mode and name"))?;
        let mut output = children.output();
        let ended = walk(text, &head, &mut |bytes| Ok(output.push(bytes)?))?.1;
        let fault = (!ended).then(|| Fault::Truncated("no line says that the data ends here".to_owned()));
        // The name ends the first line, whatever ends that.
        let line = text.get(..head.end).unwrap_or_default();
        if let Some(at) = memchr::memmem::rfind(line, head.name) {
            children.fact("header.name", head.name, Span::new(to_u64(at), to_u64(head.name.len())));
        }
        let attributes = Attributes { mode: Some(head.mode), ..Attributes::default() };
        children.made_with(path_text(head.name), output, attributes, fault.as_ref())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack};
    use crate::problem::Code;

    #[test]
    fn files_come_out() {
        let story = include_bytes!("../../../fixtures/content/tree/story.txt");
        let uu = include_bytes!("../../../fixtures/uuencode/story.uu").as_slice();
        let base64 = include_bytes!("../../../fixtures/uuencode/story.b64").as_slice();
        for text in [uu, base64] {
            let unpacked = unpack(&Uuencode, &[text, b"and something else\n"].concat());
            assert_eq!((unpacked.file("story.txt") == story, unpacked.problems), (true, vec![]));
            let cut = unpack(&Uuencode, &text[..text.len() / 2]);
            assert!(story.starts_with(cut.file("story.txt")) && cut.file("story.txt").len() > 1000);
            assert_eq!(cut.problems[0].0, Code::Truncated);
            survives_damage(&Uuencode, text);
        }
        assert_eq!(carve(&Uuencode, b"begin with the beginning,\nand go on until you come to the end\n", 0), None);
        assert_eq!(carve(&Uuencode, b"begin 644 story.txt\n\nis how they begin\n", 0), None);
    }
}
