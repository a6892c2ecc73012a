//! PFS 0.9: a list of files with their places, in which routers and cameras keep their web pages.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, entry_path};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// PFS, version 0.9.
#[derive(Debug)]
pub(super) struct Pfs;

static SPEC: Spec = Spec {
    id: "pfs",
    name: "PFS 0.9",
    kind: Kind::Archive,
    magics: &[Magic::anywhere(b"PFS/0.9\0\0\0\0\0\0\0")],
    leaf: false,
    references: &["http://web.archive.org/web/20140107233423/http://www.cba.si/pfs/_README"],
    limitations: &[],
};

/// Bytes before the entries, and how many bytes a name may have.
const HEADER: u64 = 16;
const NAMES: [u64; 4] = [32, 40, 16, 64];

impl Format for Pfs {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let files = files(Bytes(blob.bytes().tail(start)))?;
        let end = files.iter().map(|(_, span)| span.end()).fold(HEADER, u64::max);
        Ok(Carved::new(end, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        for (name, span) in files(blob.bytes()).map_err(|rejected| Fault::corrupt(rejected.0))? {
            let path: Vec<u8> = name.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect();
            children.span(entry_path(&path), span, Attributes::default())?;
        }
        Ok(())
    }
}

/// Little endian: "PFS/0.9", NUL, 6 of padding, u16 files; for each a name of one of a few widths, u32 time, u32 offset from where these
/// entries end, u32 size.
fn files(bytes: Bytes<'_>) -> Result<Vec<(&[u8], Span)>, Rejected> {
    let count = u64::from(bytes.u16(14, Endian::Little)?);
    NAMES.into_iter().find_map(|width| entries(bytes, count, width)).filter(|files| !files.is_empty()).ok_or(Rejected("entries"))
}

/// The entries, if names have this width: each is a text, and each file begins where the one before ends, or soon after.
fn entries(bytes: Bytes<'_>, count: u64, width: u64) -> Option<Vec<(&[u8], Span)>> {
    let size = width.saturating_add(12);
    let data = HEADER.saturating_add(count.saturating_mul(size));
    let (mut files, mut last) = (Vec::new(), 0_u64);
    for index in 0..count {
        let at = HEADER.saturating_add(index.saturating_mul(size));
        let name = bytes.text(at, width).ok()?;
        let word = |offset: u64| bytes.u32(at.saturating_add(width).saturating_add(offset), Endian::Little).ok().map(u64::from);
        let (start, length) = (word(4)?, word(8)?);
        if name.is_empty() || name.iter().any(u8::is_ascii_control) || start < last || (index == 0 && start > 0) {
            return None;
        }
        last = start;
        files.push((name, Span::new(data.saturating_add(start), length)));
    }
    Some(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/pfs/pages.pfs");
    const WIDE: &[u8] = include_bytes!("../../../fixtures/pfs/wide.pfs");
    const MOTD: &[u8] = include_bytes!("../../../fixtures/content/tree/etc/motd");

    #[test]
    fn files_come_back() {
        for image in [IMAGE, WIDE] {
            let junk = [b"before".as_slice(), image, b"after"].concat();
            assert_eq!(carve(&Pfs, &junk, 6), Some(image.len() as u64));
            let unpacked = unpack_at(&Pfs, &junk, 6);
            assert_eq!((unpacked.names(), unpacked.problems.len()), (vec!["www/index.html", "etc/motd"], 0));
            assert_eq!(unpacked.file("etc/motd"), MOTD);
            survives_damage(&Pfs, image);
        }
        assert_eq!(unpack(&Pfs, &IMAGE[..IMAGE.len() - 4]).problems[0].0, Code::Truncated);
        assert_eq!(carve(&Pfs, b"PFS/0.9\0\0\0\0\0\0\0\x05\0 and no entries behind it, however long this text may be", 0), None);
    }
}
