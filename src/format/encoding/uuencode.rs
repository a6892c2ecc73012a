//! Files as text: uuencode, with its own digits and with those of base64.

use crate::blob::{Blob, Bytes, to_u64};
use crate::codec::uu;
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, path_text};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// uuencode.
#[derive(Debug)]
pub(super) struct Uuencode;

static SPEC: Spec = Spec {
    id: "uuencode",
    name: "uuencode",
    kind: Kind::Encoding,
    magics: &[Magic::anywhere(b"begin "), Magic::anywhere(b"begin-base64 ")],
    leaf: false,
    references: &["https://pubs.opengroup.org/onlinepubs/9699919799/utilities/uuencode.html"],
    limitations: &[],
};

/// Longest line, and longest name, that are believed.
const LONGEST_LINE: u64 = 512;

impl Format for Uuencode {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let text = Text::read(bytes)?;
        let mut made = 0_u64;
        let (end, _) = text.lines(bytes, &mut |line| {
            made = made.saturating_add(to_u64(line.len()));
            Ok(())
        });
        if made == 0 {
            return Err(Rejected("no line behind the first one"));
        }
        Ok(Carved::new(end, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let text = Text::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let mut output = children.output();
        let (_, fault) = text.lines(bytes, &mut |line| Ok(output.push(&line)?));
        let attributes = Attributes { mode: Some(text.mode), ..Attributes::default() };
        Ok(children.made_with(path_text(text.name), output, attributes, fault.as_ref())?)
    }
}

/// The first line: "begin" or "begin-base64", mode in octal digits, name.
struct Text<'a> {
    base64: bool,
    mode: u32,
    name: &'a [u8],
    start: u64,
}

/// A line from `at` on, and where the next one begins.
fn line(bytes: Bytes<'_>, at: u64) -> Option<(&[u8], u64)> {
    let rest = bytes.up_to(at, LONGEST_LINE);
    let length =
        rest.iter().position(|byte| *byte == b'\n').or((to_u64(rest.len()) < LONGEST_LINE && !rest.is_empty()).then_some(rest.len()))?;
    let line = rest.get(..length)?;
    let next = at.saturating_add(to_u64(length)).saturating_add(1).min(bytes.len());
    Some((line.strip_suffix(b"\r").unwrap_or(line), next))
}

impl<'a> Text<'a> {
    fn read(bytes: Bytes<'a>) -> Result<Self, Rejected> {
        let (first, start) = line(bytes, 0).ok_or(Rejected("the first line"))?;
        let mut words = first.splitn(3, |byte| *byte == b' ');
        let (base64, mode) = (words.next() == Some(b"begin-base64"), words.next().unwrap_or_default());
        let name = words.next().unwrap_or_default();
        let digits = std::str::from_utf8(mode).ok().filter(|mode| matches!(mode.len(), 3..=6));
        let mode = digits.and_then(|digits| u32::from_str_radix(digits, 8).ok()).ok_or(Rejected("mode"))?;
        if name.is_empty() || name.iter().any(u8::is_ascii_control) {
            return Err(Rejected("name"));
        }
        Ok(Self { base64, mode, name, start })
    }

    /// Visits all lines. Returns where they end, and why that is not at their end.
    fn lines(&self, bytes: Bytes<'_>, visit: &mut dyn FnMut(Vec<u8>) -> Result<(), Fault>) -> (u64, Option<Fault>) {
        let mut at = self.start;
        while let Some((text, next)) = line(bytes, at) {
            let last = if self.base64 { text == b"====" } else { text == b"end" };
            if last {
                return (next, None);
            }
            let decoded = if self.base64 { uu::base64_line(text) } else { uu::line(text) };
            let Some(decoded) = decoded else { break };
            if let Err(fault) = visit(decoded) {
                return (next, Some(fault));
            }
            at = next;
        }
        (at, Some(Fault::Truncated(format!("uuencode: no line of it at {at:#x}"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/uuencode/tool.uue");
    const BASE64: &[u8] = include_bytes!("../../../fixtures/uuencode/story.b64");
    const STORY: &[u8] = include_bytes!("../../../fixtures/content/tree/story.txt");

    #[test]
    fn files_come_back() {
        for image in [IMAGE, BASE64] {
            let junk = [b"a text\n".as_slice(), image, b"after"].concat();
            assert_eq!(carve(&Uuencode, &junk, 7), Some(to_u64(image.len())));
            let unpacked = unpack_at(&Uuencode, &junk, 7);
            assert_eq!(unpacked.problems, []);
            survives_damage(&Uuencode, image);
        }
        assert!(unpack(&Uuencode, BASE64).file("story.txt") == STORY);
        assert!(unpack(&Uuencode, IMAGE).file("bin/tool").starts_with(b"\x7fELF"));
    }

    #[test]
    fn damage_is_told_and_the_rest_kept() {
        let cut = unpack(&Uuencode, &BASE64[..BASE64.len() / 2]);
        assert_eq!(cut.problems[0].0, Code::Truncated);
        assert!(STORY.starts_with(cut.file("story.txt")) && cut.file("story.txt").len() > 1000);
    }

    #[test]
    fn look_alikes_are_refused() {
        assert_eq!(carve(&Uuencode, b"begin 644 files with uuencode\nis what people did", 0), None);
        assert_eq!(carve(&Uuencode, b"begin the work\n", 0), None);
    }
}
