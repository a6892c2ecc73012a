//! Containers whose header says all that there is to say: how long they are, what stands where, which checksums hold. Each format of this
//! kind is one function that reads its header into an [`Image`]; what is done with that is the same for all of them, and is done here.

use crate::blob::{Blob, Bytes, Span, to_u64};
use crate::format::{Attributes, Carved, Children, EntryKind, Format, Spec};
use crate::limits::{Budget, Output};
use crate::problem::{Fault, Rejected};

pub(crate) mod cipher;
pub(crate) mod openssl;
pub(crate) mod sums;

/// A format that is nothing but a header before its parts.
pub(crate) struct Header {
    /// The declaration.
    pub(crate) spec: &'static Spec,
    /// Reads the header at the start of the bytes and checks all that it offers. Never looks at more than a bounded number of bytes.
    pub(crate) read: fn(Bytes<'_>) -> Result<Image, Rejected>,
}

/// What a header says.
#[derive(Default)]
pub(crate) struct Image {
    length: u64,
    header: u64,
    facts: Vec<(&'static str, Span)>,
    sums: Vec<Sum>,
    parts: Vec<Part>,
    folders: Vec<String>,
    known: Vec<Span>,
}

/// A checksum that the header holds.
struct Sum {
    what: &'static str,
    at: u64,
    stored: Vec<u8>,
    digest: Digest,
    over: Vec<Over>,
}

/// The checksum of all these bytes, one piece after the other, most significant byte first.
pub(crate) type Digest = fn(&[&[u8]]) -> Vec<u8>;

/// What a checksum is made over.
pub(crate) enum Over {
    /// Bytes of the image.
    Span(Span),
    /// Bytes that stand in the place of others while it is computed, or that only the maker has.
    Instead(&'static [u8]),
}

/// Over these bytes and no others.
pub(crate) fn over(start: u64, end: u64) -> Vec<Over> {
    vec![Over::Span(Span::between(start, end))]
}

/// Over these bytes, but for a field at `hole` in whose place `instead` stands.
pub(crate) fn over_but(start: u64, hole: u64, instead: &'static [u8], end: u64) -> Vec<Over> {
    let after = hole.saturating_add(to_u64(instead.len()));
    vec![Over::Span(Span::between(start, hole)), Over::Instead(instead), Over::Span(Span::between(after, end))]
}

struct Part {
    name: String,
    span: Span,
    how: How,
}

/// Makes the bytes of a part from those that stand there.
pub(crate) type Undo = Box<dyn Fn(Bytes<'_>, &mut Output<'_>) -> Result<(), Fault>>;

enum How {
    AsIs,
    Faulty(Fault),
    Undone(Undo),
}

impl Image {
    /// An image of `length` bytes, of which the first `header` are its header.
    pub(crate) fn new(length: u64, header: u64) -> Self {
        Self { length, header, ..Self::default() }
    }

    /// A text of the header: `length` bytes at `start`, up to the first NUL.
    pub(crate) fn fact(&mut self, key: &'static str, start: u64, length: u64) -> &mut Self {
        self.facts.push((key, Span::new(start, length)));
        self
    }

    /// A checksum that stands at `at`; `what` says of what it is.
    pub(crate) fn sum(&mut self, what: &'static str, at: u64, stored: &[u8], digest: Digest, over: Vec<Over>) -> &mut Self {
        self.sums.push(Sum { what, at, stored: stored.to_vec(), digest, over });
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
        if self.length <= self.header || self.parts.iter().any(|part| part.span.end() > self.length) {
            return Err(Rejected("the parts are not inside"));
        }
        Ok(self)
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
        for sum in &image.sums {
            sum.verify(bytes, children);
        }
        for folder in &image.folders {
            children.entry(folder.as_str(), EntryKind::Directory, Attributes::default());
        }
        hand_out(&image, bytes, children)
    }
}

impl Sum {
    /// Says so if it does not fit. Where bytes are missing, that is said of the parts.
    fn verify(&self, bytes: Bytes<'_>, children: &mut Children<'_>) {
        let pieces = self.over.iter().map(|piece| match piece {
            Over::Span(span) => bytes.get(span.start, span.length),
            Over::Instead(instead) => Ok(*instead),
        });
        let Ok(pieces) = pieces.collect::<Result<Vec<_>, _>>() else { return };
        if (self.digest)(&pieces) != self.stored {
            children.problem(&Fault::Checksum(format!("the checksum of {} does not fit", self.what)), Some(self.at));
        }
    }
}

/// All parts, and what stands between and behind them unless it is padding.
fn hand_out(image: &Image, bytes: Bytes<'_>, children: &mut Children<'_>) -> Result<(), Fault> {
    // Parts do not share bytes, so that all of them cannot be much more than there is.
    let mut left = bytes.len().saturating_mul(2);
    let mut covered = image.known.clone();
    for part in &image.parts {
        if part.span.length.min(bytes.len()) > left {
            children.problem(&Fault::corrupt(format!("the parts overlap: {} is left out", part.name)), Some(part.span.start));
            continue;
        }
        left = left.saturating_sub(part.span.length);
        covered.push(part.span);
        part.hand_out(bytes, children)?;
    }
    covered.sort_unstable();
    covered.push(Span::new(bytes.len(), 0));
    let mut end = image.header;
    for span in covered {
        let gap = Span::between(end, span.start.min(bytes.len()));
        end = end.max(span.end());
        if bytes.part(gap).is_ok_and(|gap| gap.0.iter().any(|byte| !matches!(byte, 0 | 0xff))) {
            children.span(format!("at-{:#x}", gap.start), gap, Attributes::default())?;
        }
    }
    Ok(())
}

impl Part {
    fn hand_out(&self, bytes: Bytes<'_>, children: &mut Children<'_>) -> Result<(), Fault> {
        match &self.how {
            How::AsIs => children.span(self.name.as_str(), self.span, Attributes::default())?,
            How::Faulty(fault) => children.span_with(self.name.as_str(), self.span, Attributes::default(), Some(fault))?,
            How::Undone(undo) => {
                let there = Bytes(bytes.up_to(self.span.start, self.span.length));
                let missing = || Fault::Truncated(format!("{} of {} bytes are there", there.len(), self.span.length));
                let mut output = children.output();
                let fault = undo(there, &mut output).err();
                if let Some(fault) = fault.as_ref().filter(|fault| fault.is_limit()) {
                    return Err(fault.clone());
                }
                let fault = (there.len() < self.span.length).then(missing).or(fault);
                children.made_with(self.name.as_str(), output, Attributes::default(), fault.as_ref())?;
            }
        }
        Ok(())
    }
}
