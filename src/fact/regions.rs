//! What the parts of raw bytes are: code and of which instruction set, text, tables, media, compressed or random bytes, padding.

use crate::blob::{Span, to_u64};

use super::entropy::{Histogram, decimal};
use super::{Analyzer, Context, Facts, Key, Subject};

mod model;
mod window;

use window::{Kind, Window};

/// Regions of raw bytes, and the entropy of all bytes.
#[derive(Debug)]
pub(super) struct Regions;

/// Regions start and end at multiples of this.
const WINDOW: usize = 4096;

impl Analyzer for Regions {
    fn id(&self) -> &'static str {
        "regions"
    }

    fn keys(&self) -> &'static [Key] {
        const {
            &[
                Key::new("bytes.entropy", "Shannon entropy of all bytes, bits a byte"),
                Key::new("bytes.profile", "entropy of each 4 KiB in quarter bits, one character each, 0 to 9 and a to w"),
                Key::new("region.code", "machine code, and of which instruction set: its name, bits and byte order"),
                Key::new("region.compressed", "bytes about as even as noise, but not quite: compressed; the entropy"),
                Key::new("region.media", "samples or pixels as they are, and of what kind"),
                Key::new("region.padding", "one byte value over and over, and which"),
                Key::new("region.random", "bytes as even as chance makes them: encrypted, well compressed, or random; the entropy"),
                Key::new("region.table", "structured data, and what it is like"),
                Key::new("region.text", "text, and how it is encoded"),
            ]
        }
    }

    fn analyze(&self, subject: &Subject<'_>, facts: &mut Facts<'_>) {
        let bytes = subject.blob.as_slice();
        if bytes.is_empty() {
            return;
        }
        let whole = Span::new(0, subject.blob.len());
        if !matches!(subject.context, Context::Raw | Context::Kernel) || subject.format.is_some() {
            return facts.say("bytes.entropy", decimal(Histogram::of(bytes).entropy()).as_bytes(), whole);
        }
        let (mut sum, mut profile) = (Histogram::new(), Vec::with_capacity(bytes.len() / WINDOW));
        let mut windows: Vec<Window> = bytes
            .chunks(WINDOW)
            .map(|part| {
                let counted = Histogram::of(part);
                sum.merge(&counted);
                profile.push(digit(counted.entropy()));
                Window::of(part, &counted)
            })
            .collect();
        facts.say("bytes.entropy", decimal(sum.entropy()).as_bytes(), whole);
        facts.say("bytes.profile", &profile, whole);
        window::smooth(&mut windows);
        let mut start = 0_usize;
        for group in windows.chunk_by(|one, other| one.kind == other.kind) {
            let length = group.len().saturating_mul(WINDOW).min(bytes.len().saturating_sub(start));
            let part = bytes.get(start..).and_then(|rest| rest.get(..length)).unwrap_or_default();
            if let Some((key, value)) = group.first().and_then(|first| said(first.kind, part)) {
                facts.say(key, value.as_bytes(), Span::new(to_u64(start), to_u64(length)));
            }
            start = start.saturating_add(length);
        }
    }
}

/// Key and value of a region; none where nothing is to be said.
fn said(kind: Kind, part: &[u8]) -> Option<(&'static str, String)> {
    Some(match kind {
        Kind::Padding(value) => ("region.padding", format!("{value:02x}")),
        Kind::Even => {
            let counted = Histogram::of(part);
            let key = if counted.is_chance() { "region.random" } else { "region.compressed" };
            (key, decimal(counted.entropy()))
        }
        Kind::Ascii => ("region.text", "ascii".to_owned()),
        Kind::Class(row) => {
            let class = model::model().class(row)?;
            (class.key(), class.name.clone())
        }
        Kind::Unknown => return None,
    })
}

/// An entropy in quarter bits, 0 to 32, as one character.
fn digit(entropy: u64) -> u8 {
    let quarters = u8::try_from(entropy >> 14).unwrap_or(u8::MAX).min(32);
    if quarters < 10 { b'0'.saturating_add(quarters) } else { b'a'.saturating_add(quarters.saturating_sub(10)) }
}

#[cfg(test)]
mod tests;
