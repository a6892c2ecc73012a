//! zip archives whose maker wrote other letters where zip has its own, so that no tool opens them.

use super::Zip;
use super::header::Entry;
use crate::blob::{Blob, Bytes, to_u64};
use crate::format::{Attributes, Carved, Children, Format};
use crate::limits::{Budget, Output};
use crate::problem::{Fault, Rejected};

/// What a maker writes instead of zip's own marks.
#[derive(Debug)]
pub(in crate::format) struct Disguise {
    /// Instead of the mark at the first byte.
    pub(in crate::format) first: [u8; 4],
    /// Instead of marks further on: theirs, and zip's.
    pub(in crate::format) further: &'static [([u8; 4], [u8; 4])],
}

/// Names and extra fields of a local header reach no further than this in any archive of firmware.
const HEADER: u64 = 4096;

impl Disguise {
    /// How far the archive at `start` of `blob` reaches.
    pub(in crate::format) fn carve<'b>(&self, blob: &Blob, start: u64, budget: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let mut head = bytes.up_to(0, HEADER).to_vec();
        head.iter_mut().zip(b"PK\x03\x04").for_each(|(byte, straight)| *byte = *straight);
        let plausible = Entry::local(Bytes(&head), 0).is_ok_and(|entry| {
            matches!(entry.method, 0 | 8) && !entry.name.is_empty() && entry.name.iter().all(|byte| matches!(byte, b' '..=b'~'))
        });
        if !bytes.has(0, &self.first) || !plausible {
            return Err(Rejected("the header of the first file"));
        }
        // What this costs is paid for: many such headers in a row make the scan give up, not go on for ever.
        let straight = self.straightened(bytes, Output::new(budget, bytes.len())).map_err(|_| Rejected("too large"))?;
        let found = Zip.carve(&straight.into_blob(), 0, budget)?;
        Ok(Carved::new(found.length, start, blob))
    }

    /// Hands over the archive as zip has it.
    pub(in crate::format) fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let straight = self.straightened(blob.bytes(), children.output())?;
        Ok(children.made("archive.zip", straight, Attributes::default())?)
    }

    fn straightened<'b>(&self, bytes: Bytes<'_>, mut output: Output<'b>) -> Result<Output<'b>, Fault> {
        output.push(bytes.0)?;
        output.write_at(0, b"PK\x03\x04")?;
        for (theirs, ours) in self.further {
            for place in memchr::memmem::find_iter(bytes.0, theirs) {
                output.write_at(to_u64(place), ours)?;
            }
        }
        Ok(output)
    }
}
