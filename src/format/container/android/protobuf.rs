//! As much of Protocol Buffers as it takes to read a message without its schema.

use crate::blob::{Bytes, Span};

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// A number of any width.
    Number(u64),
    /// Bytes, text or a message: where it stands.
    Bytes(Span),
}

/// Goes through the fields of the message at a span, until it ends or breaks.
pub(super) struct Fields<'a> {
    bytes: Bytes<'a>,
    at: u64,
    end: u64,
}

impl<'a> Fields<'a> {
    /// The fields of the message at `span` of `bytes`.
    pub(super) fn new(bytes: Bytes<'a>, span: Span) -> Self {
        Self { bytes, at: span.start, end: span.end().min(bytes.len()) }
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            if self.at >= self.end {
                return None;
            }
            let byte = self.bytes.u8(self.at).ok()?;
            self.at = self.at.saturating_add(1);
            value |= u64::from(byte & 0x7f).wrapping_shl(shift);
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn fixed(&mut self, width: u64) -> Option<Value> {
        let bytes = self.bytes.get(self.at, width).ok()?;
        self.at = self.at.saturating_add(width);
        Some(Value::Number(bytes.iter().rev().fold(0, |value, byte| value.wrapping_shl(8) | u64::from(*byte))))
    }
}

impl Iterator for Fields<'_> {
    type Item = (u64, Value);

    fn next(&mut self) -> Option<Self::Item> {
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Value::Number(self.varint()?),
            1 => self.fixed(8)?,
            5 => self.fixed(4)?,
            2 => {
                let length = self.varint()?;
                let span = Span::new(self.at, length.min(self.end.saturating_sub(self.at)));
                if span.length < length {
                    self.at = self.end;
                    return None;
                }
                self.at = span.end();
                Value::Bytes(span)
            }
            _ => return None,
        };
        Some((tag.wrapping_shr(3), value))
    }
}

/// Whether something that can be a message stands at `span`: it begins with a field.
pub(super) fn is_message(bytes: Bytes<'_>, span: Span) -> bool {
    Fields::new(bytes, span).next().is_some_and(|(field, _)| (1..1 << 29).contains(&field))
}
