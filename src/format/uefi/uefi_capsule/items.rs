//! What a firmware management capsule holds: drivers, and images with their signatures.

use crate::blob::{Bytes, Endian, Span};
use crate::format::guid::Guid;
use crate::format::{Attributes, Children};
use crate::problem::Fault;

/// More items than any capsule has.
const MOST_ITEMS: u64 = 256;

/// The header of the items, at `start`: 0 version u32, 1   4 number of drivers u16   6 number of images u16   8 offset of each from here u64.
pub(super) fn unpack(bytes: Bytes<'_>, start: u64, end: u64, children: &mut Children<'_>) -> Result<(), Fault> {
    let half = |at: u64| bytes.u16(start.saturating_add(at), Endian::Little).map(u64::from);
    let (drivers, images) = (half(4)?, half(6)?);
    let count = drivers.saturating_add(images);
    if bytes.u32(start, Endian::Little)? != 1 || count > MOST_ITEMS {
        return Err(Fault::unsupported("items of another version"));
    }
    let mut starts = Vec::new();
    for index in 0..count {
        let offset = bytes.u64(start.saturating_add(8).saturating_add(index.saturating_mul(8)), Endian::Little)?;
        starts.push(start.saturating_add(offset));
    }
    for (index, place) in (0..count).zip(&starts) {
        let next = starts.iter().copied().filter(|other| other > place).min().unwrap_or(end).min(end);
        let item = Span::between(*place, next);
        if index < drivers {
            children.span(format!("driver-{index}"), item, Attributes::default())?;
        } else if let Err(fault) = image(bytes, item, children) {
            if fault.is_limit() {
                return Err(fault);
            }
            children.problem(&fault, Some(*place));
        }
    }
    Ok(())
}

/// An image: 0 version u32   4 GUID of what it is for   14 index u8   18 size of the image u32   1c size of vendor code u32   from version 2:
/// 20 hardware instance u64   from version 3: 28 capabilities u64.
fn image(bytes: Bytes<'_>, item: Span, children: &mut Children<'_>) -> Result<(), Fault> {
    let word = |at: u64| bytes.u32(item.start.saturating_add(at), Endian::Little);
    let (version, size, code) = (word(0)?, u64::from(word(0x18)?), u64::from(word(0x1c)?));
    let header = match version {
        0 | 1 => 0x20,
        2 => 0x28,
        _ => 0x30,
    };
    let name = format!("image {}", Guid::at(bytes, item.start.saturating_add(4))?.titled(None));
    let mut start = item.start.saturating_add(header);
    let end = start.saturating_add(size);
    if let Some(signature) = signature(bytes, start).filter(|signature| signature.end() <= end) {
        children.span(format!("{name}/signature"), signature, Attributes::default())?;
        start = signature.end();
    }
    if let Some(payload) = dependencies(bytes, Span::between(start, end)) {
        children.span(format!("{name}/dependencies"), Span::between(start, payload), Attributes::default())?;
        start = payload;
    }
    if let Some(payload) = payload_header(bytes, start).filter(|payload| *payload < end) {
        children.span(format!("{name}/payload-header"), Span::between(start, payload), Attributes::default())?;
        start = payload;
    }
    children.span(format!("{name}/payload"), Span::between(start, end), Attributes::default())?;
    if code > 0 {
        children.span(format!("{name}/vendor-code"), Span::new(end, code), Attributes::default())?;
    }
    Ok(())
}

/// PKCS#7 in a certificate that UEFI wraps: 0 count u64   8 size u32 from here   c revision u16, 200   e type u16, ef1   10 GUID of PKCS#7.
fn signature(bytes: Bytes<'_>, start: u64) -> Option<Span> {
    const PKCS7: Guid = Guid::of(0x4aaf_d29d_68df_49ee_8aa9_347d_3756_65a7);
    let at = |offset: u64| start.saturating_add(offset);
    let is_wrapped = bytes.has(at(0xc), &[0, 2, 0xf1, 0xe]) && Guid::at(bytes, at(0x10)) == Ok(PKCS7);
    let size = u64::from(bytes.u32(at(8), Endian::Little).ok()?);
    (is_wrapped && size > 24).then(|| Span::between(at(0x20), at(8).saturating_add(size)))
}

/// Bytes of dependencies that are looked through at most.
const MOST_DEPENDENCIES: u64 = 4096;

/// Where the payload starts behind an expression that says which firmware must be there before this one. It is taken for one only if what
/// follows has the header that EDK II writes. Operations: 0 a GUID follows, 1 a version u32, 2 text that ends with a NUL, 3 to c no operand,
/// d the end.
fn dependencies(bytes: Bytes<'_>, image: Span) -> Option<u64> {
    let mut at = image.start;
    let limit = image.end().min(image.start.saturating_add(MOST_DEPENDENCIES));
    while at < limit {
        let operand = match bytes.u8(at).ok()? {
            0 => 16,
            1 => 4,
            2 => {
                let text = bytes.up_to(at.saturating_add(1), limit.saturating_sub(at));
                crate::blob::to_u64(text.iter().position(|byte| *byte == 0)?.saturating_add(1))
            }
            3..=0xc => 0,
            0xd => return payload_header(bytes, at.saturating_add(1)).map(|_| at.saturating_add(1)),
            _ => return None,
        };
        at = at.saturating_add(operand).saturating_add(1);
    }
    None
}

/// Where the payload starts behind the header of EDK II: 0 "MSS1"   4 size of the header u32   8 version u32   c lowest version that it may be
/// replaced by u32.
fn payload_header(bytes: Bytes<'_>, start: u64) -> Option<u64> {
    let size = u64::from(bytes.u32(start.saturating_add(4), Endian::Little).ok()?);
    (bytes.has(start, b"MSS1") && (16..0x1000).contains(&size)).then(|| start.saturating_add(size))
}
