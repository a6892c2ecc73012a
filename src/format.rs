//! What a format is, and the table of all of them. One file a format in `format/`, two lines here.

use std::sync::LazyLock;

use crate::blob::{Blob, to_u64};
pub(crate) use crate::codec::crc32;
use crate::codec::{Codec, Stream};
use crate::limits::{Budget, Output};
use crate::problem::{Fault, Rejected};

mod archive;
mod calendar;
mod children;
mod compression;
mod container;
pub(crate) mod credential;
mod decmpfs;
mod disk;
mod encoding;
mod extents;
mod filesystem;
mod guid;
mod header;
mod media;
pub(crate) mod mtdparts;
mod names;
mod partition;
mod program;
mod simple;
mod spec;
mod uefi;
mod unix;
mod vendor;

pub use calendar::{dos_time, file_time};
pub use children::{Attributes, Child, Children, Entry, EntryKind, HeaderFact, Notes};
pub use names::{entry_path, part_text, path_text, utf16_part_text, utf16_units, utf16le_part_text};
pub use spec::{Anchor, Kind, Magic, Spec};

/// All formats, most specific first: where two begin at the same byte, the earlier row is tried first.
pub static FORMATS: LazyLock<Vec<&'static dyn Format>> = LazyLock::new(|| {
    [
        encoding::LAYERS,
        vendor::FORMATS,
        container::FORMATS,
        partition::FORMATS,
        uefi::FORMATS,
        filesystem::FORMATS,
        archive::FORMATS,
        compression::FORMATS,
        encoding::FORMATS,
        program::FORMATS,
        credential::FORMATS,
        media::FORMATS,
    ]
    .concat()
});

/// A compressed stream in the middle of other bytes that breaks before this many bytes came out was none.
pub(crate) const LEAST_BROKEN_STREAM: u64 = 1024;

/// Carves what is nothing but a stream of `codec` at the start of `input`. One that breaks off at once was none; one of a kind that is
/// not read, behind a header that was, is one.
pub(crate) fn carve_stream<'b>(codec: Codec, name: String, input: &[u8], budget: &'b Budget) -> Result<Carved<'b>, Rejected> {
    let Stream { output, consumed, fault } = codec.stream(input, budget);
    let known = fault.as_ref().is_none_or(|fault| matches!(fault, Fault::Unsupported(_)));
    if consumed == 0 || (!known && output.len() < LEAST_BROKEN_STREAM) {
        return Err(Rejected("the compressed data breaks off at once"));
    }
    Ok(Carved { length: consumed, payload: Some(Payload { name, output, fault }) })
}

/// Knows whether bytes are of its kind, how long, and what is inside.
pub trait Format: Sync {
    /// The declaration.
    fn spec(&self) -> &'static Spec;

    /// Says whether one of these starts at `start` of `blob`, and how far it reaches. Called wherever a magic of the spec stands, so
    /// nearly always for bytes that are something else: reads little, checks all that the header offers. Formats that end where their
    /// compressed data ends hand over what they decompressed on the way.
    ///
    /// # Errors
    /// If it is something else.
    fn carve<'b>(&self, blob: &Blob, start: u64, budget: &'b Budget) -> Result<Carved<'b>, Rejected>;

    /// Hands everything inside to `children`, in the order of the format. `blob` is exactly what `carve` said. What could be handed over
    /// stays, whatever is returned. Parts that cannot be read are problems of `children`, and the rest goes on.
    ///
    /// # Errors
    /// If it could not be read to the end.
    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let _ = (blob, children);
        Ok(())
    }
}

/// How far a format reaches.
#[derive(Debug)]
pub struct Carved<'b> {
    /// Bytes from its start. Never 0, never past the end of the blob.
    pub length: u64,
    /// For compressed streams: what was inside.
    pub payload: Option<Payload<'b>>,
}

/// What a compressed stream held, when finding its end meant decompressing it.
#[derive(Debug)]
pub struct Payload<'b> {
    /// The name that the stream gives its content; empty if none.
    pub name: String,
    /// The content.
    pub output: Output<'b>,
    /// Why it is not whole.
    pub fault: Option<Fault>,
}

impl Carved<'_> {
    /// A format of `length` bytes; cut to what there is in `blob` from `start`, so that a truncated image is still looked into.
    pub fn new(length: u64, start: u64, blob: &Blob) -> Self {
        Self { length: length.min(blob.len().saturating_sub(start)), payload: None }
    }

    /// The same for headers that prove little: what says that it is four times as long as all there is was hardly cut off, but is chance.
    ///
    /// # Errors
    /// If it says so, or has no length.
    pub fn plausible(length: u64, start: u64, blob: &Blob) -> Result<Self, Rejected> {
        let available = blob.len().saturating_sub(start);
        if length == 0 || length / 4 > available {
            return Err(Rejected("longer than all there is"));
        }
        Ok(Self::new(length, start, blob))
    }
}

/// The length of `bytes` as images count it.
pub fn length_of(bytes: &[u8]) -> u64 {
    to_u64(bytes.len())
}

/// The format with this id.
pub fn by_id(id: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.spec().id == id)
}

#[cfg(test)]
#[allow(dead_code, reason = "not every build of the tests uses all of it")]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
