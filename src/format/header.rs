//! Containers whose header says all that there is to say: how long they are, what stands where, which checksums hold. Each format of this
//! kind is one function that reads its header into an [`Image`]; what is done with that is the same for all of them, and is done here.

use sha2::{Digest as _, Sha256};

use crate::blob::{Blob, Bytes, OutOfBounds, Span, to_u64};
use crate::format::{Attributes, Carved, Children, EntryKind, Format, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

mod check;
pub(crate) mod cipher;
pub(crate) mod openssl;
mod part;
pub(crate) mod sums;
#[cfg(test)]
pub(crate) mod testing;

use check::Check;
pub(crate) use check::{Digest, Over, over, over_but};
pub(crate) use part::{Decode, Undo, undo};
use part::{How, Part};

/// Parts may share bytes, and so may checksums, but not so many that all of them are more than so many times the image.
const OVERLAP: u64 = 4;

/// A format that is nothing but a header before its parts.
pub(crate) struct Header {
    /// The declaration.
    pub(crate) spec: &'static Spec,
    /// Reads the header at the start of the bytes and checks all that it offers. Never looks at more than a bounded number of bytes,
    /// unless it is anchored at the start.
    pub(crate) read: fn(Bytes<'_>) -> Result<Image, Rejected>,
}

/// What a header says.
#[derive(Default)]
pub(crate) struct Image {
    /// Bytes from the header's first to the last of all.
    pub(crate) length: u64,
    /// Where the header ends, if nothing but padding may stand between the parts behind it.
    header: Option<u64>,
    facts: Vec<(&'static str, Span)>,
    checks: Vec<Check>,
    problems: Vec<(Fault, u64)>,
    parts: Vec<Part>,
    folders: Vec<String>,
    known: Vec<Span>,
}

impl Image {
    /// An image of `length` bytes, of which the first `header` are its header. What stands between the parts and is no padding is a part
    /// without a name.
    pub(crate) fn new(length: u64, header: u64) -> Self {
        Self { length, header: Some(header), ..Self::default() }
    }

    /// An image of `length` bytes whose header and tables may stand anywhere between its parts.
    pub(crate) fn of(length: u64) -> Self {
        Self { length, ..Self::default() }
    }

    /// A text of the header: `length` bytes at `start`, up to the first NUL.
    pub(crate) fn fact(&mut self, key: &'static str, start: u64, length: u64) -> &mut Self {
        self.facts.push((key, Span::new(start, length)));
        self
    }

    /// A checksum that stands at `at`; `what` says of what it is.
    pub(crate) fn sum(&mut self, what: &'static str, at: u64, stored: &[u8], digest: Digest, over: Vec<Over>) -> &mut Self {
        let stored = stored.to_vec();
        let covered = over.iter().map(Over::length).sum();
        self.check(format!("the checksum of {what}"), at, covered, move |bytes| {
            let pieces = over.iter().map(|piece| match piece {
                Over::Span(span) => bytes.get(span.start, span.length),
                Over::Instead(instead) => Ok(*instead),
            });
            Ok(digest(&pieces.collect::<Result<Vec<_>, _>>()?) == stored)
        })
    }

    /// Something that must hold of `covered` bytes of the image, as the bytes at `at` say; 0 where it is the only one, as many of them alone
    /// could cost more than they should. Where bytes are missing, that is said of the parts.
    pub(crate) fn check(
        &mut self,
        what: impl Into<String>,
        at: u64,
        covered: u64,
        holds: impl Fn(Bytes<'_>) -> Result<bool, OutOfBounds> + 'static,
    ) -> &mut Self {
        self.checks.push(Check { what: what.into(), at, covered, holds: Box::new(holds) });
        self
    }

    /// A checksum of 32 bits at `at`, over `covered`.
    pub(crate) fn sum32(&mut self, what: &'static str, at: u64, expected: u32, covered: Span, how: fn(&[u8]) -> u32) -> &mut Self {
        self.check(what, at, covered.length, move |bytes| Ok(how(bytes.part(covered)?.0) == expected))
    }

    /// A SHA-256 that stands at `at`, over `covered`.
    pub(crate) fn sha256(&mut self, what: &'static str, at: u64, covered: Span) -> &mut Self {
        self.check(what, at, covered.length, move |bytes| Ok(Sha256::digest(bytes.part(covered)?.0).as_slice() == bytes.get(at, 32)?))
    }

    /// Something that is wrong at `at`.
    pub(crate) fn problem(&mut self, fault: Fault, at: u64) -> &mut Self {
        self.problems.push((fault, at));
        self
    }

    /// A part that stands there as it is; nothing if it is empty.
    pub(crate) fn part(&mut self, name: impl Into<String>, span: Span) -> &mut Self {
        self.add(name.into(), span, How::AsIs)
    }

    /// A part that cannot be read, and why.
    pub(crate) fn faulty(&mut self, name: impl Into<String>, span: Span, fault: Fault) -> &mut Self {
        self.add(name.into(), span, How::Faulty(fault))
    }

    /// A part whose bytes must be made from those that stand there.
    pub(crate) fn undone(&mut self, name: impl Into<String>, span: Span, undo: Undo) -> &mut Self {
        self.add(name.into(), span, How::Undone(undo))
    }

    /// Bytes between the parts that say something of them: nothing that is left over.
    pub(crate) fn known(&mut self, span: Span) -> &mut Self {
        self.known.push(span);
        self
    }

    /// A folder that may hold nothing.
    pub(crate) fn folder(&mut self, path: String) -> &mut Self {
        self.folders.push(path);
        self
    }

    fn add(&mut self, name: String, span: Span, how: How) -> &mut Self {
        if span.length > 0 {
            self.parts.push(Part { name, span, how });
        }
        self
    }

    /// Whether the parts lie where the header says that the image is.
    fn checked(self) -> Result<Self, Rejected> {
        let inside = |header: u64| self.length > header && self.parts.iter().all(|part| part.span.end() <= self.length);
        if self.header.is_none_or(inside) { Ok(self) } else { Err(Rejected("the parts are not inside")) }
    }
}

impl Format for Header {
    fn spec(&self) -> &'static Spec {
        self.spec
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let image = (self.read)(Bytes(blob.bytes().tail(start)))?.checked()?;
        Carved::plausible(image.length, start, blob)
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let image = (self.read)(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        for (key, span) in &image.facts {
            let text = bytes.text(span.start, span.length).unwrap_or_default().trim_ascii_end();
            if !text.is_empty() && text.iter().all(|byte| matches!(byte, b' '..=b'~')) {
                children.fact(key, text, Span::new(span.start, to_u64(text.len())));
            }
        }
        check::verify(&image.checks, bytes, children);
        for (fault, at) in &image.problems {
            children.problem(fault, Some(*at));
        }
        for folder in &image.folders {
            children.entry(folder.as_str(), EntryKind::Directory, Attributes::default());
        }
        image.hand_out(bytes, children)
    }
}

impl Image {
    /// All parts, and what stands between and behind them unless it is padding.
    fn hand_out(&self, bytes: Bytes<'_>, children: &mut Children<'_>) -> Result<(), Fault> {
        let mut left = bytes.len().saturating_mul(OVERLAP);
        let mut covered = self.known.clone();
        for part in &self.parts {
            if part.span.length.min(bytes.len()) > left {
                children.problem(&Fault::corrupt(format!("the parts overlap: {} is left out", part.name)), Some(part.span.start));
                continue;
            }
            left = left.saturating_sub(part.span.length);
            covered.push(part.span);
            part.hand_out(bytes, children)?;
        }
        let Some(mut end) = self.header else { return Ok(()) };
        covered.sort_unstable();
        covered.push(Span::new(bytes.len(), 0));
        for span in covered {
            let gap = Span::between(end, span.start.min(bytes.len()));
            end = end.max(span.end());
            if bytes.part(gap).is_ok_and(|gap| gap.0.iter().any(|byte| !matches!(byte, 0 | 0xff))) {
                children.span(format!("at-{:#x}", gap.start), gap, Attributes::default())?;
            }
        }
        Ok(())
    }
}

/// Whether a field of `length` bytes at `start` is text up to its first NUL, with nothing but NULs behind it.
pub(crate) fn is_name(bytes: Bytes<'_>, start: u64, length: u64) -> bool {
    let Ok(field) = bytes.get(start, length) else { return false };
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    let (text, rest) = field.split_at_checked(end).unwrap_or((field, &[]));
    text.iter().all(|byte| matches!(byte, b' '..=b'~')) && rest.iter().all(|byte| *byte == 0)
}
