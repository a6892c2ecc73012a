//! What of a disk belongs to which partition, and what to none.

use std::collections::BTreeMap;

use crate::blob::{Bytes, Span, to_u64};
use crate::format::{Attributes, Children};
use crate::limits::Exceeded;
use crate::problem::Fault;

/// What padding is looked for in.
const STEP: usize = 512;

/// Start and end of all that is known of a disk, nothing twice.
#[derive(Debug, Default)]
pub(in crate::format) struct Layout {
    taken: BTreeMap<u64, u64>,
}

impl Layout {
    /// Takes `span`, unless a part of it is taken already.
    pub(in crate::format) fn take(&mut self, span: Span) -> bool {
        let before = self.taken.range(..span.end()).next_back();
        if span.length == 0 || before.is_some_and(|(_, end)| *end > span.start) {
            return false;
        }
        self.taken.insert(span.start, span.end());
        true
    }

    /// Hands over a partition, unless another one or a table has a part of it: what only it has is in the gaps then.
    pub(in crate::format) fn partition(&mut self, children: &mut Children<'_>, name: String, span: Span) -> Result<(), Exceeded> {
        if self.take(span) {
            return children.span(name, span, Attributes::default());
        }
        children.problem(&Fault::corrupt(format!("the partition {name:?} is empty or overlaps another one")), Some(span.start));
        Ok(())
    }

    /// Hands over what no partition and no table has, unless it is padding.
    pub(in crate::format) fn gaps(&self, image: Bytes<'_>, children: &mut Children<'_>) -> Result<(), Exceeded> {
        let mut start = 0;
        for (next, end) in self.taken.iter().map(|(start, end)| (*start, *end)).chain([(image.len(), image.len())]) {
            if let Some(span) = content(image, Span::between(start, next)) {
                children.span(format!("gap@{:#x}", span.start), span, Attributes::default())?;
            }
            start = end;
        }
        Ok(())
    }
}

/// `span` without the padding at its start and end, if it is not all padding: pieces of 512 bytes that are all 00 or all ff.
fn content(image: Bytes<'_>, span: Span) -> Option<Span> {
    let bytes = image.up_to(span.start, span.length);
    let filled = |piece: &[u8]| !piece.iter().all(|byte| *byte == 0) && !piece.iter().all(|byte| *byte == 0xff);
    let first = bytes.chunks(STEP).position(filled)?;
    let last = bytes.chunks(STEP).rposition(filled)?;
    let start = to_u64(first.saturating_mul(STEP));
    let end = to_u64(last.saturating_add(1).saturating_mul(STEP)).min(to_u64(bytes.len()));
    Some(Span::between(span.start.saturating_add(start), span.start.saturating_add(end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_taken_twice() {
        let mut layout = Layout::default();
        assert!(layout.take(Span::new(10, 10)) && layout.take(Span::new(0, 10)) && layout.take(Span::new(30, 5)));
        for span in [Span::new(15, 1), Span::new(19, 5), Span::new(25, 100), Span::new(29, 2), Span::new(5, 0), Span::new(0, 100)] {
            assert!(!layout.take(span), "{span:?}");
        }
        assert!(layout.take(Span::new(20, 10)));
    }

    #[test]
    fn padding_is_cut_off() {
        let mut bytes = vec![0; 4096];
        assert_eq!(content(Bytes(&bytes), Span::new(100, 3000)), None);
        bytes[1200] = 1;
        bytes[2048..].fill(0xff);
        assert_eq!(content(Bytes(&bytes), Span::new(0, 4096)), Some(Span::new(1024, 512)));
        assert_eq!(content(Bytes(&bytes), Span::new(1100, 900)), Some(Span::new(1100, 512)));
    }
}
