//! What must hold of the bytes behind a header, and is said if it does not.

use crate::blob::{Bytes, OutOfBounds, Span, to_u64};
use crate::format::Children;
use crate::problem::Fault;

/// Something that must hold of the bytes, which is looked at when they are unpacked.
pub(super) struct Check {
    pub(super) what: String,
    pub(super) at: u64,
    /// Bytes that it reads, so that many of them cannot cost many times what reading the image does.
    pub(super) covered: u64,
    pub(super) holds: Holds,
}

/// Whether it holds; an error if not all is there that would tell.
pub(super) type Holds = Box<dyn Fn(Bytes<'_>) -> Result<bool, OutOfBounds>>;

/// The checksum of all these bytes, one piece after the other, most significant byte first.
pub(crate) type Digest = fn(&[&[u8]]) -> Vec<u8>;

/// What a checksum is made over.
pub(crate) enum Over {
    /// Bytes of the image.
    Span(Span),
    /// Bytes that stand in the place of others while it is computed, or that only the maker has.
    Instead(&'static [u8]),
}

impl Over {
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Span(span) => span.length,
            Self::Instead(bytes) => to_u64(bytes.len()),
        }
    }
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

/// Says what does not hold.
pub(super) fn verify(checks: &[Check], bytes: Bytes<'_>, children: &mut Children<'_>) {
    let mut left = bytes.len().saturating_mul(super::OVERLAP);
    for check in checks {
        let Some(rest) = left.checked_sub(check.covered.min(bytes.len())) else {
            children.problem(&Fault::corrupt(format!("what checksums cover overlaps: {} is not verified", check.what)), Some(check.at));
            continue;
        };
        left = rest;
        if (check.holds)(bytes) == Ok(false) {
            children.problem(&Fault::Checksum(format!("{} does not fit", check.what)), Some(check.at));
        }
    }
}
