//! Memory as records fill it: pieces at addresses, in any order, joined to blocks.

use crate::blob::{Span, to_u64, to_usize};
use crate::format::{Attributes, Children};
use crate::limits::{Exceeded, Output};
use crate::problem::Fault;

/// Pieces that are further apart are not of one block.
const WIDEST_GAP: u64 = 64 << 10;

/// The value of erased flash.
const ERASED: [u8; 4096] = [0xff; 4096];

/// Bytes that stand in a row in memory and come from records in a row.
#[derive(Debug, Clone, Copy)]
pub(in crate::format) struct Run {
    /// Address of the first byte.
    pub(in crate::format) address: u64,
    /// Bytes.
    pub(in crate::format) length: u64,
    /// Where the records stand.
    pub(in crate::format) source: Span,
}

impl Run {
    fn end(&self) -> u64 {
        self.address.saturating_add(self.length)
    }
}

/// All that records write to memory.
#[derive(Debug, Default)]
pub(in crate::format) struct Memory {
    /// In the order of the records.
    pub(in crate::format) runs: Vec<Run>,
}

impl Memory {
    /// Adds what the record at `source` writes. Records are of one run if both their addresses and their places meet.
    pub(in crate::format) fn add(&mut self, run: Run) {
        match self.runs.last_mut() {
            _ if run.length == 0 => {}
            Some(last) if last.end() == run.address && last.source.end() == run.source.start => {
                last.length = last.length.saturating_add(run.length);
                last.source.length = last.source.length.saturating_add(run.source.length);
            }
            _ => self.runs.push(run),
        }
    }

    /// Hands over each block as a child, named by its first address; small gaps are filled as erased flash is. `decode` hands the
    /// bytes of the records at a source to its second argument.
    pub(in crate::format) fn hand_over(
        mut self,
        children: &mut Children<'_>,
        input: u64,
        name: impl Fn(u64) -> String,
        decode: impl Fn(Span, &mut dyn FnMut(&[u8]) -> Result<(), Exceeded>) -> Result<(), Exceeded>,
    ) -> Result<(), Exceeded> {
        self.runs.sort_by_key(|run| run.address);
        // Few records may ask for many gaps: what fills them has to stay in proportion.
        let mut fill = input.saturating_mul(8).saturating_add(1 << 20);
        let mut runs = self.runs.as_slice();
        while let Some(first) = runs.first() {
            let (mut end, mut count) = (first.end(), 1_usize);
            for run in runs.iter().skip(1) {
                let gap = run.address.saturating_sub(end);
                if gap > WIDEST_GAP || gap > fill {
                    break;
                }
                fill = fill.saturating_sub(gap);
                end = end.max(run.end());
                count = count.saturating_add(1);
            }
            let (block, rest) = runs.split_at(count.min(runs.len()));
            let mut output = children.output();
            let fault = match assemble(block, &mut output, &decode) {
                Ok(false) => None,
                Ok(true) => Some(Fault::corrupt("some addresses are written twice")),
                // What one block alone may not do ends this block only.
                Err(limit @ (Exceeded::Artifact(_) | Exceeded::Ratio(_))) => Some(limit.into()),
                Err(limit) => return Err(limit),
            };
            children.made_with(name(first.address), output, Attributes::default(), fault.as_ref())?;
            runs = rest;
        }
        Ok(())
    }
}

/// Writes the runs of one block, and says whether some overlap.
fn assemble(
    runs: &[Run],
    output: &mut Output<'_>,
    decode: &impl Fn(Span, &mut dyn FnMut(&[u8]) -> Result<(), Exceeded>) -> Result<(), Exceeded>,
) -> Result<bool, Exceeded> {
    let (base, mut overlap) = (runs.first().map_or(0, |run| run.address), false);
    for run in runs {
        let start = run.address.saturating_sub(base);
        overlap |= start < output.len();
        while output.len() < start {
            let missing = to_usize(start.saturating_sub(output.len())).min(ERASED.len());
            output.push(ERASED.get(..missing).unwrap_or_default())?;
        }
        let mut written = 0;
        decode(run.source, &mut |bytes| {
            let left = to_usize(run.length.saturating_sub(written)).min(bytes.len());
            let bytes = bytes.get(..left).unwrap_or_default();
            output.write_at(start.saturating_add(written), bytes)?;
            written = written.saturating_add(to_u64(left));
            Ok(())
        })?;
    }
    Ok(overlap)
}
