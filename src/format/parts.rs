//! Containers that are nothing but a header and parts behind it: they say where the parts stand, and all else is the same for all of them.

use super::{Attributes, Carved, Children, Format, Spec};
use crate::blob::{Blob, Bytes, Span};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// What a header says.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    /// Bytes from the header's first to the container's last.
    pub(crate) length: u64,
    /// Name and place of each part, and why it is not what it should be.
    pub(crate) parts: Vec<(String, Span, Option<Fault>)>,
    /// Fields of text: a key of `fact::HEADER_KEYS`, and where the text stands. Empty ones are left out.
    pub(crate) facts: Vec<(&'static str, Span)>,
    /// What does not fit, and where.
    pub(crate) problems: Vec<(Fault, u64)>,
}

impl Parts {
    /// A part without a fault.
    pub(crate) fn push(&mut self, name: impl Into<String>, span: Span) {
        self.parts.push((name.into(), span, None));
    }

    /// A field of at most `length` bytes at `start` of `bytes` that ends at its first NUL.
    pub(crate) fn fact(&mut self, key: &'static str, bytes: Bytes<'_>, start: u64, length: u64) {
        let text = bytes.text(start, length).unwrap_or_default();
        let printable = text.iter().all(|byte| !byte.is_ascii_control());
        if !text.is_empty() && printable {
            self.facts.push((key, Span::new(start, super::length_of(text))));
        }
    }

    /// Whether the checksum that the header has at `place` is the one that was `found`.
    pub(crate) fn check(&mut self, what: &str, place: u64, stored: u32, found: u32) {
        if stored != found {
            let message = format!("the header says that {what} is {stored:#010x}, it is {found:#010x}");
            self.problems.push((Fault::Checksum(message), place));
        }
    }
}

/// A container that is nothing but a header and parts behind it.
pub(crate) trait Parted: Sync {
    /// The declaration.
    fn declared(&self) -> &'static Spec;

    /// Reads the header at the start of `bytes`, and checks all that it offers. What costs more than a look at the header, such as a
    /// checksum over the parts, is done only if `thorough`.
    ///
    /// # Errors
    /// If it is something else.
    fn parts(&self, bytes: Bytes<'_>, thorough: bool) -> Result<Parts, Rejected>;
}

impl<T: Parted> Format for T {
    fn spec(&self) -> &'static Spec {
        self.declared()
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let found = self.parts(Bytes(blob.bytes().tail(start)), false)?;
        Carved::plausible(found.length, start, blob)
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let found = self.parts(blob.bytes(), true).map_err(|rejected| Fault::corrupt(rejected.0))?;
        for (key, span) in found.facts {
            children.fact(key, blob.bytes().up_to(span.start, span.length), span);
        }
        for (fault, place) in &found.problems {
            children.problem(fault, Some(*place));
        }
        for (name, span, fault) in found.parts {
            children.span_with(name, span, Attributes::default(), fault.as_ref())?;
        }
        Ok(())
    }
}
