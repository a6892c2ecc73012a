//! Rock Ridge: names, modes, links and devices of POSIX in the bytes that a record leaves to the system.

use super::record::short_date;
use crate::blob::{Bytes, Endian, Span};

/// More areas than the entries of one record could need.
const MOST_AREAS: u32 = 64;

/// What Rock Ridge says of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Posix {
    /// NM: the name.
    pub(super) name: Option<Vec<u8>>,
    /// PX: mode, owner and group.
    pub(super) mode: Option<(u32, u32, u32)>,
    /// PX: names of the file.
    pub(super) links: u32,
    /// TF: the last change.
    pub(super) modified: Option<i64>,
    /// SL: where a link leads.
    pub(super) target: Option<Vec<u8>>,
    /// PN: major and minor number.
    pub(super) device: Option<(u32, u32)>,
    /// CL: the block of the folder that should be here, but would be too deep.
    pub(super) child: Option<u64>,
    /// RE: a folder that only stands here because it would be too deep elsewhere.
    pub(super) relocated: bool,
    /// SF: holes.
    pub(super) sparse: bool,
}

/// Whether entries follow in the records of this volume, and how many bytes each leaves to others before: SP in the first record of the
/// root folder.
pub(super) fn skipped(image: Bytes<'_>, system: Span) -> Option<u64> {
    // Discs of CD-ROM XA have 14 bytes of their own before it.
    [0_u64, 14].into_iter().find_map(|other| {
        let at = system.start.saturating_add(other);
        image.has(at, b"SP\x07\x01\xbe\xef").then(|| image.u8(at.saturating_add(6)).unwrap_or(0).into())
    })
}

impl Posix {
    /// Reads the entries in `system`: two letters, length, version, data.
    pub(super) fn read(image: Bytes<'_>, system: Span, skipped: u64, block: u64) -> Self {
        let mut posix = Self::default();
        let mut link = Link::default();
        let mut next = Some(Span::between(system.start.saturating_add(skipped), system.end()));
        for _ in 0..MOST_AREAS {
            let Some(area) = next.take() else { break };
            let mut at = area.start;
            while at.saturating_add(4) <= area.end() {
                let Ok(length) = image.u8(at.saturating_add(2)).map(u64::from) else { break };
                let Ok(entry) = image.get(at, length) else { break };
                let (entry, [first, second]) = (Bytes(entry), image.array(at).unwrap_or_default());
                if length < 4 || &[first, second] == b"ST" {
                    break;
                }
                match &[first, second] {
                    b"CE" => next = continued(entry, block),
                    b"SL" => link.add(entry),
                    name => posix.entry(*name, entry),
                }
                at = at.saturating_add(length);
            }
        }
        posix.target = link.finish();
        posix
    }

    fn entry(&mut self, name: [u8; 2], entry: Bytes<'_>) {
        let word = |at| entry.u32(at, Endian::Little);
        match &name {
            b"NM" => {
                let (flags, part) = (entry.u8(4).unwrap_or(0), entry.tail(5));
                // Names of the folder itself and of the one above are not written out.
                if flags & 6 == 0 {
                    self.name.get_or_insert_default().extend_from_slice(part);
                }
            }
            b"PX" => {
                self.links = word(12).unwrap_or(1);
                self.mode = word(4).ok().map(|mode| (mode, word(20).unwrap_or(0), word(28).unwrap_or(0)));
            }
            b"PN" => {
                if let (Ok(high), Ok(low)) = (word(4), word(12)) {
                    self.device = Some(if high == 0 { (low >> 8, low & 0xff) } else { (high, low) });
                }
            }
            b"TF" => self.modified = self.modified.or_else(|| modified(entry)),
            b"CL" => self.child = word(4).ok().map(u64::from),
            b"RE" => self.relocated = true,
            b"SF" => self.sparse = true,
            _ => {}
        }
    }
}

/// CE: block, offset in it and length of an area with more entries.
fn continued(entry: Bytes<'_>, block: u64) -> Option<Span> {
    let word = |at| entry.u32(at, Endian::Little).map(u64::from);
    let start = word(4).ok()?.saturating_mul(block).saturating_add(word(12).ok()?);
    Some(Span::new(start, word(20).ok()?))
}

/// TF: bits say which times follow: creation, then change. The long form has 17 bytes each and is not written by anybody.
fn modified(entry: Bytes<'_>) -> Option<i64> {
    let flags = entry.u8(4).ok()?;
    let at = if flags & 1 == 0 { 5 } else { 12 };
    if flags & 0x82 == 2 { short_date(entry.array(at).ok()?) } else { None }
}

/// The target of a link in the making: components with flags u8 and length u8.
#[derive(Debug, Default)]
struct Link {
    target: Option<Vec<u8>>,
    /// Whether the next component goes on with the last one.
    open: bool,
}

impl Link {
    fn add(&mut self, entry: Bytes<'_>) {
        let target = self.target.get_or_insert_default();
        let mut at = 5_u64;
        while let (Ok(flags), Ok(length)) = (entry.u8(at), entry.u8(at.saturating_add(1))) {
            let text = match flags & 0xe {
                2 => b".".as_slice(),
                4 => b"..",
                8 => b"/",
                _ => entry.up_to(at.saturating_add(2), length.into()),
            };
            if !self.open && !target.is_empty() && !target.ends_with(b"/") {
                target.push(b'/');
            }
            target.extend_from_slice(text);
            self.open = flags & 1 != 0;
            at = at.saturating_add(2).saturating_add(length.into());
        }
    }

    fn finish(self) -> Option<Vec<u8>> {
        self.target
    }
}
