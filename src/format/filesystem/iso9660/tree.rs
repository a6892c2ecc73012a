//! From the root folder to everything below it.

use std::collections::{BTreeMap, BTreeSet};

use super::record::{ASSOCIATED, CONTINUED, FOLDER, Record};
use super::susp::{Posix, skipped};
use super::volume::{SECTOR, Volume};
use super::zisofs;
use crate::blob::{Bytes, Endian, Span};
use crate::format::extents::{Extents, File, out_of_limit};
use crate::format::{Attributes, Children, EntryKind, part_text, path_text, utf16_part_text};
use crate::limits::{Effort, Exceeded};
use crate::problem::Fault;

/// Longer paths cannot be used anywhere: only a broken or hostile image has them.
const LONGEST_PATH: usize = 4096;

/// Hands over all files: by the names of Rock Ridge, or else of Joliet, or else plain ones; then those that only the other folders have.
/// Returns where files begin.
///
/// # Errors
/// If a limit is reached.
pub(super) fn walk(image: Bytes<'_>, primary: &Volume, children: &mut Children<'_>) -> Result<BTreeSet<u64>, Exceeded> {
    let skip = Record::read(image, primary.root).and_then(|root| {
        let first = Record::read(image, root.span(primary.block).start)?;
        skipped(image, first.system)
    });
    let joliet = Volume::joliet(image).map(|volume| (volume, None));
    let primary = Some((*primary, skip));
    let volumes = if skip.is_some() { [primary, joliet] } else { [joliet, primary] };
    let effort = Effort::new(children.budget(), image.len());
    let (starts, seen) = (BTreeMap::new(), BTreeSet::new());
    let mut walk = Walk { image, block: 0, joliet: false, skip: None, again: false, starts, seen, effort, children };
    for (volume, skip) in volumes.into_iter().flatten() {
        (walk.block, walk.joliet, walk.skip) = (volume.block, volume.joliet, skip);
        if let Some(root) = Record::read(image, volume.root) {
            walk.run(root.span(volume.block))?;
        }
        walk.again = true;
    }
    Ok(walk.starts.into_keys().collect())
}

struct Walk<'a, 'c, 'w> {
    image: Bytes<'a>,
    block: u64,
    joliet: bool,
    skip: Option<u64>,
    /// Whether other folders of the disc were listed before.
    again: bool,
    /// Where the files begin that were handed over, and their paths.
    starts: BTreeMap<u64, String>,
    /// Where the folders begin that were listed.
    seen: BTreeSet<u64>,
    effort: Effort<'w>,
    children: &'c mut Children<'w>,
}

/// A file in the making: it may have several records.
struct Open<'a> {
    first: Record<'a>,
    extents: Extents,
}

/// Folders still to be listed, the next one last.
type Waiting = Vec<(Span, String)>;

impl<'a> Walk<'a, '_, '_> {
    fn run(&mut self, root: Span) -> Result<(), Exceeded> {
        let mut folders = vec![(root, String::new())];
        while let Some((span, path)) = folders.pop() {
            if !self.seen.insert(span.start) {
                self.children.problem(&Fault::corrupt(format!("the folder {path:?} is there twice")), Some(span.start));
                continue;
            }
            let waiting = folders.len();
            self.folder(span, &path, &mut folders)?;
            if let Some(new) = folders.get_mut(waiting..) {
                new.reverse();
            }
        }
        Ok(())
    }

    fn folder(&mut self, span: Span, path: &str, folders: &mut Waiting) -> Result<(), Exceeded> {
        self.effort.spend(span.length.min(self.image.len()))?;
        if span.end() > self.image.len() {
            self.children.problem(&Fault::Truncated(format!("the end of the folder {path:?} is missing")), Some(span.start));
        }
        let (mut at, mut open) = (span.start, None::<Open<'a>>);
        while at < span.end().min(self.image.len()) {
            // No record reaches into the next sector: zeros fill the rest of this one.
            if self.image.has(at, &[0]) {
                at = (at | SECTOR.saturating_sub(1)).saturating_add(1);
                continue;
            }
            let Some(record) = Record::read(self.image, at) else {
                self.children.problem(&Fault::corrupt(format!("a record of the folder {path:?} is broken")), Some(at));
                break;
            };
            at = record.system.end();
            if record.is_dot() {
                continue;
            }
            if let Some(other) = open.take_if(|open| open.first.name != record.name) {
                self.entry(&other, path, folders)?;
            }
            let mut file = open.take().unwrap_or(Open { first: record, extents: Extents::default() });
            file.extents.stored(record.span(self.block));
            if record.flags & CONTINUED == 0 {
                self.entry(&file, path, folders)?;
            } else {
                open = Some(file);
            }
        }
        open.map_or(Ok(()), |file| self.entry(&file, path, folders))
    }

    fn entry(&mut self, file: &Open<'a>, folder: &str, folders: &mut Waiting) -> Result<(), Exceeded> {
        let record = &file.first;
        let posix = self.skip.map(|skip| Posix::read(self.image, record.system, skip, self.block)).unwrap_or_default();
        if posix.relocated {
            return Ok(());
        }
        let name = posix.name.as_ref().map_or_else(|| self.name(record.name), |name| part_text(name));
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        let (mode, uid, gid) = posix.mode.map_or((None, None, None), |(mode, uid, gid)| (Some(mode), Some(uid), Some(gid)));
        let attributes = Attributes { mode, uid, gid, modified: posix.modified.or(record.modified) };
        let below = match posix.child {
            Some(block) => {
                let start = block.saturating_mul(self.block);
                Some(Span::new(start, Record::read(self.image, start).map_or(0, |record| record.size)))
            }
            None => (record.flags & FOLDER != 0).then(|| record.span(self.block)),
        };
        if let Some(span) = below {
            if path.len() > LONGEST_PATH {
                self.children.problem(&Fault::corrupt(format!("the folder {path:.200?} is too deep")), Some(record.at));
                return Ok(());
            }
            if !self.again {
                self.children.entry(path.clone(), EntryKind::Directory, attributes);
            }
            folders.push((span, path));
            return Ok(());
        }
        match special(&posix) {
            Some(kind) if !self.again => self.children.entry(path, kind, attributes),
            Some(_) => {}
            None => return self.file(file, path, &posix, attributes),
        }
        Ok(())
    }

    fn file(&mut self, file: &Open<'a>, path: String, posix: &Posix, attributes: Attributes) -> Result<(), Exceeded> {
        let (record, size) = (&file.first, file.extents.length());
        let path = if record.flags & ASSOCIATED == 0 { path } else { format!("{path}/..namedfork/rsrc") };
        let start = record.span(self.block).start;
        let known = self.starts.get(&start).filter(|_| size > 0);
        if self.again && (known.is_some() || size == 0) {
            return Ok(());
        }
        if let Some(target) = known.filter(|_| posix.links > 1) {
            self.children.entry(path, EntryKind::HardLink(target.clone()), attributes);
            return Ok(());
        }
        if size > 0 {
            self.starts.entry(start).or_insert_with(|| path.clone());
        }
        let fault = if record.interleaved {
            Some(Fault::unsupported("its blocks are among those of other files"))
        } else {
            posix.sparse.then(|| Fault::unsupported("a sparse file: where its holes are was not read"))
        };
        let bytes = file.extents.whole(size).map(|span| Bytes(self.image.up_to(span.start, span.length)));
        if let Some(bytes) = bytes.filter(|bytes| zisofs::is_compressed(*bytes)) {
            let mut output = self.children.output();
            return match zisofs::decompress(bytes, &mut output) {
                Err(Fault::Exceeded(limit)) => out_of_limit(limit, path, output, attributes, self.children),
                result => self.children.made_with(path, output, attributes, result.err().as_ref()),
            };
        }
        file.extents.deliver(File { name: path, size, attributes, fault: fault.as_ref() }, self.image, self.children)
    }

    /// A name without the number of its version, and without the dot that would stand before an extension.
    fn name(&self, name: &[u8]) -> String {
        if self.joliet {
            let units = name.chunks_exact(2).map(|unit| Bytes(unit).u16(0, Endian::Big).unwrap_or(0));
            let name = utf16_part_text(units);
            return name.strip_suffix(";1").map_or(name.clone(), String::from);
        }
        let name = name.strip_suffix(b";1").unwrap_or(name);
        part_text(name.strip_suffix(b".").filter(|rest| !rest.is_empty()).unwrap_or(name))
    }
}

/// What is no file and no folder.
fn special(posix: &Posix) -> Option<EntryKind> {
    if let Some(target) = &posix.target {
        return Some(EntryKind::Symlink(path_text(target)));
    }
    let (major, minor) = posix.device.unwrap_or_default();
    match posix.mode?.0 & 0o170_000 {
        0o020_000 => Some(EntryKind::CharacterDevice(major, minor)),
        0o060_000 => Some(EntryKind::BlockDevice(major, minor)),
        0o010_000 => Some(EntryKind::Fifo),
        0o140_000 => Some(EntryKind::Socket),
        _ => None,
    }
}
