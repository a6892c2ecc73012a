//! The content of files: blocks in a row, and a tail that shares its block with the tails of others.

use std::rc::Rc;

use super::inode::File;
use super::metadata::Reader;
use super::tables::Stored;
use crate::blob::{Bytes, Span, to_u64};
use crate::limits::{Exceeded, Output};
use crate::problem::Fault;

/// What was made of a file so far.
struct Sink<'o, 'b> {
    output: &'o mut Output<'b>,
    /// Bytes of the file that were dealt with. Those that could not be read become zeros if any come after them.
    at: u64,
    fault: Option<Fault>,
}

impl Sink<'_, '_> {
    /// The next `expected` bytes of the file. Limits are errors, all else is damage that stays where it is.
    fn put(&mut self, bytes: Result<&[u8], Fault>, expected: u64) -> Result<(), Exceeded> {
        let bytes = match bytes {
            Ok(bytes) => Bytes(bytes).up_to(0, expected),
            Err(Fault::Exceeded(limit)) => return Err(limit),
            Err(fault) => {
                self.fault.get_or_insert(fault);
                &[]
            }
        };
        if to_u64(bytes.len()) < expected {
            self.fault.get_or_insert_with(|| Fault::corrupt(format!("{} of {expected} bytes in a block", bytes.len())));
        }
        if !bytes.is_empty() {
            self.output.write_at(self.at, &[])?;
            self.output.push(bytes)?;
        }
        self.at = self.at.saturating_add(expected);
        Ok(())
    }

    fn hole(&mut self, length: u64) -> Result<(), Exceeded> {
        self.at = self.at.saturating_add(length);
        self.output.write_at(self.at, &[])
    }
}

impl<'a> Reader<'a> {
    /// Where the content of `file` stands in one piece and as it is, if it does.
    pub(super) fn as_it_is(&mut self, file: &File) -> Option<Span> {
        let blocks = file.blocks(self.superblock.block_size);
        let span = match file.fragment {
            None => Span::new(file.start, file.size),
            Some((index, offset)) if blocks == 0 => {
                let stored = self.fragment_entry(index).ok().filter(|stored| stored.raw)?;
                let span = Span::new(stored.span.start.saturating_add(offset.into()), file.size);
                Some(span).filter(|span| span.end() <= stored.span.end())?
            }
            Some(_) => return None,
        };
        if file.size == 0 || span.end() > self.image.len() {
            return None;
        }
        let (mut sizes, mut left) = (file.sizes.clone(), file.size);
        for _ in 0..blocks {
            let stored = Stored::new(0, self.block_entry(&mut sizes).ok()?);
            let expected = left.min(self.superblock.block_size.into());
            if !stored.raw || stored.span.length != expected {
                return None;
            }
            left = left.saturating_sub(expected);
        }
        Some(span)
    }

    /// Writes the content of `file` to `output`. What is damaged is zeros, unless nothing comes after it; the first damage is returned.
    pub(super) fn contents(&mut self, file: &File, output: &mut Output<'_>) -> Result<Option<Fault>, Exceeded> {
        let mut sink = Sink { output, at: 0, fault: None };
        let (mut sizes, mut start, mut left) = (file.sizes.clone(), file.start, file.size);
        for _ in 0..file.blocks(self.superblock.block_size) {
            let size = match self.block_entry(&mut sizes) {
                Ok(size) => size,
                Err(Fault::Exceeded(limit)) => return Err(limit),
                // Without the sizes before it, no later block can be found.
                Err(fault) => return Ok(sink.fault.or(Some(fault))),
            };
            let expected = left.min(self.superblock.block_size.into());
            let stored = Stored::new(start, size);
            match size {
                0 => sink.hole(expected)?,
                _ => self.put_block(stored, expected, &mut sink)?,
            }
            start = stored.span.end();
            left = left.saturating_sub(expected);
        }
        if let (Some((index, offset)), 1..) = (file.fragment, left) {
            let fragment = self.fragment(index);
            let tail = match &fragment {
                Ok(fragment) => Ok(Bytes(fragment).up_to(offset.into(), left)),
                Err(fault) => Err(fault.clone()),
            };
            sink.put(tail, left)?;
        }
        Ok(sink.fault)
    }

    fn put_block(&mut self, stored: Stored, expected: u64, sink: &mut Sink<'_, '_>) -> Result<(), Exceeded> {
        match self.stored_bytes(stored) {
            Ok(bytes) if stored.raw => sink.put(Ok(bytes), expected),
            Ok(bytes) => match self.coding.block(bytes, self.superblock.block_size.into()) {
                Ok(bytes) => sink.put(Ok(&bytes), expected),
                Err(fault) => {
                    self.effort.spend(expected)?;
                    sink.put(Err(located(&fault, stored)), expected)
                }
            },
            Err(fault) => sink.put(Err(fault), expected),
        }
    }

    /// Fragment `index`, decompressed.
    fn fragment(&mut self, index: u32) -> Result<Rc<Vec<u8>>, Fault> {
        let stored = self.fragment_entry(index)?;
        if let Some(fragment) = self.fragments.get(stored.span.start) {
            return fragment.clone();
        }
        self.effort.spend(self.superblock.block_size.into())?;
        let fragment = self.stored_bytes(stored).and_then(|bytes| match stored.raw {
            true => Ok(bytes.to_vec()),
            false => self.coding.block(bytes, self.superblock.block_size.into()).map_err(|fault| located(&fault, stored)),
        });
        let fragment = fragment.map(Rc::new);
        self.fragments.put(stored.span.start, fragment.clone());
        fragment
    }

    fn stored_bytes(&self, stored: Stored) -> Result<&'a [u8], Fault> {
        if stored.span.length > self.superblock.block_size.into() {
            return Err(Fault::corrupt(format!("a block of {} bytes at {:#x}", stored.span.length, stored.span.start)));
        }
        Ok(self.image.part(stored.span)?.0)
    }
}

fn located(fault: &Fault, stored: Stored) -> Fault {
    Fault::corrupt(format!("block at {:#x}: {fault}", stored.span.start))
}
