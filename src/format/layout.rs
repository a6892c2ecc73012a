//! Formats whose header says where everything stands: read once, handed out the same way for all of them.

use sha2::{Digest, Sha256};

use super::{Attributes, Carved, Children, Format, Spec, length_of};
use crate::blob::{Blob, Bytes, OutOfBounds, Span};
use crate::limits::{Budget, Output};
use crate::problem::{Fault, Rejected};

/// A format that is nothing but its layout.
pub(in crate::format) struct Laid {
    /// The declaration.
    pub(in crate::format) spec: &'static Spec,
    /// Reads the header at the start of the bytes, and checks all that it offers but for checksums over the content.
    pub(in crate::format) read: fn(Bytes<'_>) -> Result<Layout, Rejected>,
}

/// Where everything stands.
#[derive(Default)]
pub(in crate::format) struct Layout {
    /// Bytes from the start of the header to the end of all.
    pub(in crate::format) length: u64,
    parts: Vec<Part>,
    texts: Vec<(&'static str, Span)>,
    checks: Vec<Check>,
    problems: Vec<(Fault, u64)>,
}

/// Turns what stands in the image into what was meant.
pub(in crate::format) type Decode = fn(&[u8], &mut Output<'_>) -> Result<(), Fault>;

struct Part {
    name: String,
    span: Span,
    fault: Option<Fault>,
    decode: Option<Decode>,
}

/// Whether a checksum fits; an error if what it covers is not all there.
type Holds = Box<dyn Fn(Bytes<'_>) -> Result<bool, OutOfBounds>>;

struct Check {
    what: &'static str,
    at: u64,
    /// Bytes that it covers; 0 where there is only one, so that they cannot be many times those of the image.
    covered: u64,
    holds: Holds,
}

impl Layout {
    /// A layout of `length` bytes with nothing inside so far.
    pub(in crate::format) fn new(length: u64) -> Self {
        Self { length, ..Self::default() }
    }

    /// A part that stands there as it is. Empty ones are left out.
    pub(in crate::format) fn part(&mut self, name: impl Into<String>, span: Span) {
        self.push(name.into(), span, None, None);
    }

    /// A part that is not what it should be, and why.
    pub(in crate::format) fn part_with(&mut self, name: impl Into<String>, span: Span, fault: Fault) {
        self.push(name.into(), span, Some(fault), None);
    }

    /// A part that has to be decoded.
    pub(in crate::format) fn coded(&mut self, name: impl Into<String>, span: Span, decode: Decode) {
        self.push(name.into(), span, None, Some(decode));
    }

    fn push(&mut self, name: String, span: Span, fault: Option<Fault>, decode: Option<Decode>) {
        if span.length > 0 {
            self.parts.push(Part { name, span, fault, decode });
        }
    }

    /// A field of `length` bytes whose text, up to the first NUL, is a fact.
    pub(in crate::format) fn text(&mut self, key: &'static str, start: u64, length: u64) {
        self.texts.push((key, Span::new(start, length)));
    }

    /// A checksum at `at`.
    pub(in crate::format) fn check(
        &mut self,
        what: &'static str,
        at: u64,
        holds: impl Fn(Bytes<'_>) -> Result<bool, OutOfBounds> + 'static,
    ) {
        self.check_of(what, at, 0, holds);
    }

    /// One of several checksums, which covers so many bytes.
    pub(in crate::format) fn check_of(
        &mut self,
        what: &'static str,
        at: u64,
        covered: u64,
        holds: impl Fn(Bytes<'_>) -> Result<bool, OutOfBounds> + 'static,
    ) {
        self.checks.push(Check { what, at, covered, holds: Box::new(holds) });
    }

    /// A checksum of 32 bits at `at`, over `covered`.
    pub(in crate::format) fn sum(&mut self, what: &'static str, at: u64, expected: u32, covered: Span, how: fn(&[u8]) -> u32) {
        self.check_of(what, at, covered.length, move |bytes| Ok(how(bytes.part(covered)?.0) == expected));
    }

    /// A SHA-256 that stands at `at`, over `covered`.
    pub(in crate::format) fn sha256(&mut self, what: &'static str, at: u64, covered: Span) {
        self.check_of(what, at, covered.length, move |bytes| Ok(Sha256::digest(bytes.part(covered)?.0).as_slice() == bytes.get(at, 32)?));
    }

    /// Something that is wrong at `at`.
    pub(in crate::format) fn problem(&mut self, fault: Fault, at: u64) {
        self.problems.push((fault, at));
    }

    fn unpack(self, bytes: Bytes<'_>, children: &mut Children<'_>) -> Result<(), Fault> {
        for (key, field) in self.texts {
            let text = Bytes(bytes.up_to(field.start, field.length)).0.split(|byte| *byte == 0).next().unwrap_or_default();
            if text.iter().any(|byte| !byte.is_ascii_whitespace()) {
                children.fact(key, text, Span::new(field.start, length_of(text)));
            }
        }
        // Parts may share bytes, but not so many that all of them are much more than there is. The same goes for what checksums cover.
        let most = bytes.len().saturating_mul(4);
        let mut left = most;
        for check in self.checks {
            let Some(rest) = left.checked_sub(check.covered.min(bytes.len())) else {
                children.problem(&Fault::corrupt(format!("what checksums cover overlaps: {} is not verified", check.what)), Some(check.at));
                continue;
            };
            left = rest;
            if (check.holds)(bytes) == Ok(false) {
                children.problem(&Fault::Checksum(format!("{} does not fit", check.what)), Some(check.at));
            }
        }
        for (fault, at) in self.problems {
            children.problem(&fault, Some(at));
        }
        left = most;
        for part in self.parts {
            if part.span.length.min(bytes.len()) > left {
                children.problem(&Fault::corrupt(format!("the parts overlap: {} is left out", part.name)), Some(part.span.start));
                continue;
            }
            left = left.saturating_sub(part.span.length);
            part.unpack(bytes, children)?;
        }
        Ok(())
    }
}

impl Part {
    fn unpack(self, bytes: Bytes<'_>, children: &mut Children<'_>) -> Result<(), Fault> {
        let Some(decode) = self.decode else {
            return Ok(children.span_with(self.name, self.span, Attributes::default(), self.fault.as_ref())?);
        };
        let mut output = children.output();
        let fault = decode(bytes.up_to(self.span.start, self.span.length), &mut output).err();
        if let Some(fault) = fault.as_ref().filter(|fault| fault.is_limit()) {
            return Err(fault.clone());
        }
        Ok(children.made_with(self.name, output, Attributes::default(), fault.as_ref())?)
    }
}

impl Format for Laid {
    fn spec(&self) -> &'static Spec {
        self.spec
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let layout = (self.read)(Bytes(blob.bytes().tail(start)))?;
        Carved::plausible(layout.length, start, blob)
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let layout = (self.read)(blob.bytes()).map_err(|rejected| Fault::corrupt(rejected.0))?;
        layout.unpack(blob.bytes(), children)
    }
}

/// Whether a field of `length` bytes at `start` is text up to its first NUL, with nothing but NULs behind it.
pub(in crate::format) fn is_name(bytes: Bytes<'_>, start: u64, length: u64) -> bool {
    let Ok(field) = bytes.get(start, length) else { return false };
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    let (text, rest) = field.split_at_checked(end).unwrap_or((field, &[]));
    text.iter().all(|byte| matches!(byte, b' '..=b'~')) && rest.iter().all(|byte| *byte == 0)
}

/// The sum of all bytes.
pub(in crate::format) fn byte_sum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(u32::from(*byte)))
}

#[cfg(test)]
pub(in crate::format) mod testing {
    //! What must hold of every format that is nothing but its layout.

    use super::Laid;
    use crate::format::testing::{Unpacked, carve, survives_damage, try_unpack_at, unpack_at};
    use crate::problem::Code;

    /// Finds `image` at an odd place of a flash, unpacks it without a problem into `parts`, and damages it in all sorts of ways.
    pub(in crate::format) fn opens(format: &Laid, image: &[u8], parts: &[&str]) -> Unpacked {
        let flash = [vec![0xff; 9], image.to_vec(), vec![0xff; 40]].concat();
        assert_eq!(carve(format, &flash, 9), Some(image.len() as u64), "{}: length", format.spec.id);
        let unpacked = unpack_at(format, &flash, 9);
        assert_eq!(unpacked.names(), parts, "{}", format.spec.id);
        assert_eq!(unpacked.problems, [], "{}", format.spec.id);
        survives_damage(format, image);
        let magic = format.spec.magics[0];
        let mut text = b"this is a text about the magic of a format, and nothing else, whatever it may look like. ".repeat(60);
        let at = usize::try_from(magic.offset).unwrap();
        text[at..at + magic.bytes.len()].copy_from_slice(magic.bytes);
        assert_eq!(carve(format, &text, 0), None, "{}: text", format.spec.id);
        unpacked
    }

    /// The codes of the problems of `image` with the byte at `at` changed.
    pub(in crate::format) fn damaged(format: &Laid, image: &[u8], at: usize) -> Vec<Code> {
        let mut image = image.to_vec();
        image[at] ^= 0x10;
        try_unpack_at(format, &image, 0).unwrap().problems.into_iter().map(|(code, _)| code).collect()
    }
}
