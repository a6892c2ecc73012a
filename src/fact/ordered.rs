//! Facts that are found in any order and handed on in the order of their places.

use std::borrow::Cow;

use super::{Facts, Subject};
use crate::blob::{Span, to_u64};

/// Facts of one artifact.
#[derive(Default)]
pub(super) struct Ordered<'a> {
    found: Vec<(&'static str, Cow<'a, [u8]>, Span)>,
    limits: Vec<&'static str>,
}

impl<'a> Ordered<'a> {
    /// The bytes at `span` say `value` under `key`.
    pub(super) fn say(&mut self, key: &'static str, value: impl Into<Cow<'a, [u8]>>, span: Span) {
        self.found.push((key, value.into(), span));
    }

    /// The bytes at `span` say this text.
    pub(super) fn text(&mut self, key: &'static str, value: impl Into<String>, span: Span) {
        self.say(key, value.into().into_bytes(), span);
    }

    /// `value` stands at `start` as it is.
    pub(super) fn verbatim(&mut self, key: &'static str, value: &'a [u8], start: u64) {
        self.say(key, value, Span::new(start, to_u64(value.len())));
    }

    /// There are more of `what` than are read.
    pub(super) fn limit(&mut self, what: &'static str) {
        self.limits.push(what);
    }

    /// Hands all of them on. Damaged headers point outside of an artifact: of such a place, the part that is inside is named.
    pub(super) fn deliver(mut self, subject: &Subject<'_>, facts: &mut Facts<'_>) {
        let length = subject.blob.len();
        for found in &mut self.found {
            found.2 = Span::between(found.2.start.min(length), found.2.end().min(length));
        }
        self.limits.iter().for_each(|what| facts.limit(what));
        self.found.sort_by_key(|found| found.2);
        for (key, value, span) in &self.found {
            facts.say(key, value, *span);
        }
    }
}
