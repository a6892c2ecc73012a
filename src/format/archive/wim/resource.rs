//! The bytes of a resource: as they are, or in chunks that are compressed each by itself.

use std::borrow::Cow;

use super::header::{Header, LARGEST_CHUNK, Method, Resource};
use crate::blob::{Bytes, Endian};
use crate::codec::lzx::{self, LzxProperties};
use crate::codec::{lzms, xpress};
use crate::format::{Children, length_of};
use crate::limits::Output;
use crate::problem::Fault;

/// The whole content of a resource that must be whole.
pub(super) fn content<'w>(bytes: Bytes<'_>, header: &Header, resource: &Resource, children: &Children<'w>) -> Result<Output<'w>, Fault> {
    let mut output = children.output();
    read(bytes, header, resource, &mut output)?;
    Ok(output)
}

/// Puts the content of a resource into `output`, as far as it can be had: zeros stand for chunks that are broken.
///
/// Compressed: the offsets of all chunks but the first one, from where this table ends, u32, or u64 in resources of 4 GiB and more; then
/// chunks. One that is as long as it should be when unpacked is not compressed.
pub(super) fn read(bytes: Bytes<'_>, header: &Header, resource: &Resource, output: &mut Output<'_>) -> Result<(), Fault> {
    let stored = Bytes(bytes.up_to(resource.start, resource.stored));
    let cut = || Fault::Truncated(format!("wim: {} of {} stored bytes are there", stored.len(), resource.stored));
    if !resource.is_compressed() {
        output.push(stored.up_to(0, resource.size))?;
        return if stored.len() < resource.stored { Err(cut()) } else { Ok(()) };
    }
    let chunks = resource.size.div_ceil(header.chunk);
    let width: u64 = if resource.size > u64::from(u32::MAX) { 8 } else { 4 };
    let table_end = chunks.saturating_sub(1).saturating_mul(width);
    let offset = |index: u64| match index.checked_sub(1) {
        None => Ok(0),
        Some(entry) if width == 4 => stored.u32(entry.saturating_mul(4), Endian::Little).map(u64::from),
        Some(entry) => stored.u64(entry.saturating_mul(8), Endian::Little),
    };
    let mut broken = None;
    for index in 0..chunks {
        let size = header.chunk.min(resource.size.saturating_sub(output.len()));
        let next = index.saturating_add(1);
        let (start, end) = (
            table_end.saturating_add(offset(index)?),
            if next < chunks { table_end.saturating_add(offset(next)?) } else { resource.stored },
        );
        let packed = stored.get(start, end.saturating_sub(start)).map_err(|_| cut())?;
        append(chunk(header.method, header.chunk, packed, size), size, output, &mut broken)?;
    }
    broken.map_or(Ok(()), Err)
}

/// The same of a resource that many files lie in: u64 size, u32 bytes of a chunk, u32 compression (0 none, 1 XPRESS, 2 LZX, 3 LZMS), u32 the
/// stored bytes of each chunk, chunks. Says which chunk is broken, if nothing else is.
pub(super) fn read_solid(bytes: Bytes<'_>, resource: &Resource, output: &mut Output<'_>) -> Result<Option<Fault>, Fault> {
    let stored = Bytes(bytes.up_to(resource.start, resource.stored));
    let (size, step) = (stored.u64(0, Endian::Little)?, u64::from(stored.u32(8, Endian::Little)?));
    let method = match stored.u32(12, Endian::Little)? {
        0 => Method::Stored,
        1 => Method::Xpress,
        2 => Method::Lzx,
        3 => Method::Lzms,
        other => return Err(Fault::unsupported(format!("wim: a solid resource with compression {other}"))),
    };
    if !step.is_power_of_two() || step > LARGEST_CHUNK {
        return Err(Fault::corrupt("wim: the chunks of a solid resource"));
    }
    let chunks = size.div_ceil(step);
    let (mut at, mut broken) = (chunks.saturating_mul(4).saturating_add(16), None);
    for index in 0..chunks {
        let length = u64::from(stored.u32(index.saturating_mul(4).saturating_add(16), Endian::Little)?);
        let packed = stored.get(at, length)?;
        let wanted = step.min(size.saturating_sub(index.saturating_mul(step)));
        append(chunk(method, step, packed, wanted), wanted, output, &mut broken)?;
        at = at.saturating_add(length);
    }
    Ok(broken)
}

/// Appends the `size` bytes of a chunk, or zeros where it is broken: the others do not need it.
fn append(chunk: Result<Cow<'_, [u8]>, Fault>, size: u64, output: &mut Output<'_>, broken: &mut Option<Fault>) -> Result<(), Fault> {
    match chunk {
        Ok(content) if length_of(&content) == size => output.push(&content)?,
        Err(limit) if limit.is_limit() => return Err(limit),
        chunk => {
            output.zeros(size)?;
            let fault = chunk.err().unwrap_or_else(|| Fault::corrupt("wim: a chunk of the wrong size"));
            broken.get_or_insert(fault);
        }
    }
    Ok(())
}

fn chunk(method: Method, step: u64, packed: &[u8], size: u64) -> Result<Cow<'_, [u8]>, Fault> {
    let unpacked = match method {
        _ if length_of(packed) == size => return Ok(Cow::Borrowed(packed)),
        Method::Stored => Err(Fault::corrupt("wim: a compressed resource in an image without compression")),
        Method::Xpress => xpress::block(packed, size),
        Method::Lzx => {
            let properties = LzxProperties { window_bits: step.trailing_zeros(), reset_interval: 0, windows_image: true };
            lzx::block(packed, properties, size)
        }
        Method::Lzms => lzms::block(packed, size),
    };
    unpacked.map(Cow::Owned)
}
