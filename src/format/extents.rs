//! Files whose bytes stand in several places of an image, with holes between.

use crate::blob::{Bytes, Span, to_u64};
use crate::format::{Attributes, Children};
use crate::limits::{Exceeded, Output};
use crate::problem::Fault;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Stored(Span),
    Hole(u64),
}

/// Where the bytes of one file stand, in the order of the file.
#[derive(Debug, Clone, Default)]
pub(super) struct Extents {
    pieces: Vec<Piece>,
    length: u64,
}

impl Extents {
    /// Adds bytes that stand at `span` of the image.
    pub(super) fn stored(&mut self, span: Span) {
        self.length = self.length.saturating_add(span.length);
        match self.pieces.last_mut() {
            Some(Piece::Stored(last)) if last.end() == span.start => last.length = last.length.saturating_add(span.length),
            _ if span.length == 0 => {}
            _ => self.pieces.push(Piece::Stored(span)),
        }
    }

    /// Adds `length` zeros that stand nowhere.
    pub(super) fn hole(&mut self, length: u64) {
        self.length = self.length.saturating_add(length);
        match self.pieces.last_mut() {
            Some(Piece::Hole(last)) => *last = last.saturating_add(length),
            _ if length == 0 => {}
            _ => self.pieces.push(Piece::Hole(length)),
        }
    }

    /// Bytes of all pieces.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Where all pieces stand that do.
    pub(super) fn places(&self) -> Vec<Span> {
        self.placed().0.into_iter().map(|(_, span)| span).collect()
    }

    /// The same with the place of each in the file.
    pub(super) fn placed(&self) -> Placed {
        let (mut placed, mut begin) = (Vec::new(), 0_u64);
        for piece in &self.pieces {
            let length = match *piece {
                Piece::Stored(span) => {
                    placed.push((begin, span));
                    span.length
                }
                Piece::Hole(length) => length,
            };
            begin = begin.saturating_add(length);
        }
        Placed(placed)
    }

    /// The one place where all of the first `size` bytes stand, if there is one.
    pub(super) fn whole(&self, size: u64) -> Option<Span> {
        match self.pieces.as_slice() {
            [] if size == 0 => Some(Span::default()),
            [Piece::Stored(span), ..] if span.length >= size => Some(Span::new(span.start, size)),
            _ => None,
        }
    }

    /// Numbers and places of all parts of `step` bytes that are in one piece, up to `end` of the image.
    pub(super) fn steps(&self, step: u64, end: u64) -> impl Iterator<Item = (u64, u64)> {
        let begins = self.pieces.iter().scan(0_u64, |position, piece| {
            let length = match piece {
                Piece::Stored(span) => span.length,
                Piece::Hole(length) => *length,
            };
            let begin = *position;
            *position = position.saturating_add(length);
            Some((begin, *piece))
        });
        begins.flat_map(move |(begin, piece)| {
            let number = begin.div_ceil(step);
            let span = match piece {
                Piece::Stored(span) => span,
                Piece::Hole(_) => Span::default(),
            };
            let start = span.start.saturating_add(number.saturating_mul(step).saturating_sub(begin));
            let count = span.end().min(end).saturating_sub(start).checked_div(step).unwrap_or(0);
            (0..count).map(move |index| (number.saturating_add(index), start.saturating_add(index.saturating_mul(step))))
        })
    }

    /// The first `size` bytes.
    pub(super) fn first(&self, size: u64) -> Self {
        let mut first = Self::default();
        for piece in &self.pieces {
            let left = size.saturating_sub(first.length);
            match *piece {
                Piece::Stored(span) => first.stored(Span::new(span.start, span.length.min(left))),
                Piece::Hole(length) => first.hole(length.min(left)),
            }
        }
        first
    }

    /// Appends the first `size` bytes to `output`; what is behind the end of the image is left out at the end, and zero before.
    ///
    /// # Errors
    /// If a limit is reached.
    pub(super) fn read(&self, image: Bytes<'_>, size: u64, output: &mut Output<'_>) -> Result<Option<Fault>, Exceeded> {
        let mut left = size;
        let (mut missing, mut lacking) = (0_u64, false);
        for piece in &self.pieces {
            let length = match *piece {
                Piece::Stored(span) => {
                    let wanted = span.length.min(left);
                    let bytes = image.up_to(span.start, wanted);
                    if !bytes.is_empty() {
                        output.zeros(missing)?;
                        output.push(bytes)?;
                        missing = 0;
                    }
                    let short = wanted.saturating_sub(to_u64(bytes.len()));
                    lacking |= short > 0;
                    missing = missing.saturating_add(short);
                    wanted
                }
                Piece::Hole(length) => {
                    missing = missing.saturating_add(length.min(left));
                    length.min(left)
                }
            };
            left = left.saturating_sub(length);
        }
        if lacking {
            return Ok(Some(Fault::Truncated("parts of it are behind the end of the image".to_owned())));
        }
        output.zeros(missing)?;
        Ok((left > 0).then(|| Fault::corrupt(format!("the image does not say where the last {left} bytes of it are"))))
    }

    /// Hands over the file `name` of `size` bytes: as it stands if that is in one piece. `fault` says why it is not what it should be.
    ///
    /// # Errors
    /// If a limit is reached that is not of this file alone.
    pub(super) fn deliver(&self, file: File<'_>, image: Bytes<'_>, children: &mut Children<'_>) -> Result<(), Exceeded> {
        let File { name, size, attributes, fault } = file;
        if let Some(span) = self.whole(size).filter(|span| span.length > 0) {
            return children.span_with(name, span, attributes, fault);
        }
        let mut output = children.output();
        match self.read(image, size, &mut output) {
            Ok(found) => children.made_with(name, output, attributes, fault.or(found.as_ref())),
            Err(limit) => out_of_limit(limit, name, output, attributes, children),
        }
    }
}

/// The pieces of a file that others stand in, with the place of each in it, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Placed(Vec<(u64, Span)>);

impl Placed {
    /// Where the first of the `length` bytes from `start` of the file are: as many of them as stand in one piece.
    pub(super) fn first(&self, start: u64, length: u64) -> Option<Span> {
        let index = self.0.partition_point(|(place, _)| *place <= start).checked_sub(1)?;
        let (place, span) = self.0.get(index)?;
        let skip = start.checked_sub(*place)?;
        let there = span.length.saturating_sub(skip).min(length);
        (there > 0).then(|| Span::new(span.start.saturating_add(skip), there))
    }

    /// Where all of them are, if they stand in one piece.
    pub(super) fn whole(&self, start: u64, length: u64) -> Option<Span> {
        self.first(start, length).filter(|span| span.length == length)
    }
}

/// What one file alone may not do ends this file only.
///
/// # Errors
/// If the limit is one of all files together.
pub(super) fn out_of_limit(
    limit: Exceeded,
    name: String,
    output: Output<'_>,
    attributes: Attributes,
    children: &mut Children<'_>,
) -> Result<(), Exceeded> {
    match limit {
        Exceeded::Artifact(_) | Exceeded::Ratio(_) => children.made_with(name, output, attributes, Some(&limit.into())),
        _ => Err(limit),
    }
}

/// What a folder says of a file.
#[derive(Debug, Clone)]
pub(super) struct File<'f> {
    /// Its path.
    pub(super) name: String,
    /// Its bytes.
    pub(super) size: u64,
    /// Mode, owner, time.
    pub(super) attributes: Attributes,
    /// Why it is not what it should be.
    pub(super) fault: Option<&'f Fault>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{Budget, Limits};

    fn read(extents: &Extents, size: u64) -> (Vec<u8>, bool) {
        let budget = Budget::new(Limits::default(), std::sync::Arc::default());
        let mut output = Output::new(&budget, 100);
        let fault = extents.read(Bytes(b"0123456789"), size, &mut output).unwrap();
        (output.as_slice().to_vec(), fault.is_some())
    }

    #[test]
    fn pieces_in_a_row_are_one() {
        let mut extents = Extents::default();
        extents.stored(Span::new(2, 3));
        extents.stored(Span::new(5, 4));
        assert_eq!(extents.whole(6), Some(Span::new(2, 6)));
        assert_eq!(extents.whole(8), None);
        assert_eq!(extents.length(), 7);
        extents.hole(3);
        extents.stored(Span::new(20, 9));
        assert_eq!(extents.steps(3, 100).collect::<Vec<_>>(), [(0, 2), (1, 5), (4, 22), (5, 25)]);
        assert_eq!(extents.steps(3, 25).collect::<Vec<_>>(), [(0, 2), (1, 5), (4, 22)]);
    }

    #[test]
    fn what_stands_in_a_file_is_found_behind_holes() {
        let mut extents = Extents::default();
        extents.stored(Span::new(100, 10));
        extents.hole(5);
        extents.stored(Span::new(50, 10));
        let placed = extents.placed();
        assert_eq!(placed.whole(8, 2), Some(Span::new(108, 2)));
        assert_eq!((placed.whole(8, 3), placed.first(8, 3)), (None, Some(Span::new(108, 2))));
        assert_eq!((placed.first(12, 1), placed.first(25, 1)), (None, None));
        assert_eq!(placed.whole(16, 9), Some(Span::new(51, 9)));
    }

    #[test]
    fn holes_are_zero_and_what_is_missing_is_told() {
        let mut extents = Extents::default();
        extents.stored(Span::new(8, 2));
        extents.hole(2);
        extents.stored(Span::new(0, 2));
        assert_eq!(read(&extents, 6), (b"89\0\x0001".to_vec(), false));
        assert_eq!(read(&extents, 3), (b"89\0".to_vec(), false));
        assert_eq!(read(&extents, 7), (b"89\0\x0001".to_vec(), true));
        extents.stored(Span::new(9, 3));
        assert_eq!(read(&extents, 9), (b"89\0\x00019".to_vec(), true));
        extents.stored(Span::new(4, 1));
        assert_eq!(read(&extents, 10), (b"89\0\x00019\0\x004".to_vec(), true));
    }
}
