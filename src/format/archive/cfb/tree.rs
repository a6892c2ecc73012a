//! The directory of a compound file: storages are folders, streams are files.

use std::collections::BTreeSet;

use super::chain::Volume;
use super::name::readable;
use crate::blob::{Bytes, Endian, Span, to_u64};
use crate::format::{Attributes, Children, EntryKind, file_time};
use crate::limits::Effort;
use crate::problem::Fault;

/// Bytes of an entry; all numbers little endian:
///
/// ```text
///  0 name in UTF-16[64]   64 bytes of it with its NUL u16   66 type u8: 1 storage, 2 stream, 5 root   67 colour u8
/// 68 left u32, right u32, below u32   80 class[16]   96 state u32   100 created u64, written u64   116 first sector u32   120 size u64
/// ```
const ENTRY: u64 = 128;

const STORAGE: u8 = 1;
const STREAM: u8 = 2;
const ROOT: u8 = 5;

/// Levels of storages that are believed.
const DEEPEST: usize = 32;

/// Hands over everything. What one storage holds is a search tree of its own, which is gone through in order.
pub(super) fn unpack(volume: &Volume<'_>, children: &mut Children<'_>) -> Result<(), Fault> {
    let root = Entry::read(volume, 0)?;
    if root.kind != ROOT {
        return Err(Fault::corrupt("cfb: the first entry of the directory is not the root"));
    }
    let effort = Effort::new(children.budget(), volume.bytes.len());
    Walk { volume, seen: BTreeSet::new(), effort }.storage(root.below, "", 0, children)
}

struct Walk<'a, 'b> {
    volume: &'a Volume<'a>,
    seen: BTreeSet<u32>,
    effort: Effort<'b>,
}

impl Walk<'_, '_> {
    fn storage(&mut self, first: u32, prefix: &str, depth: usize, children: &mut Children<'_>) -> Result<(), Fault> {
        // An entry is on the stack twice: to go to its left, and when that is done.
        let mut stack = vec![(first, false)];
        while let Some((index, done)) = stack.pop() {
            if index == u32::MAX || (!done && !self.seen.insert(index)) {
                continue;
            }
            self.effort.spend(self.volume.cost(0))?;
            let Ok(entry) = Entry::read(self.volume, index) else {
                children.problem(&Fault::corrupt(format!("cfb: there is no entry {index}")), None);
                continue;
            };
            if !done {
                stack.extend([(entry.right, false), (index, true), (entry.left, false)]);
                continue;
            }
            let path = format!("{prefix}{}", entry.name);
            match entry.kind {
                STREAM => {
                    self.effort.spend(self.volume.cost(entry.size))?;
                    stream(self.volume, &entry, path, children)?;
                }
                STORAGE if depth < DEEPEST => {
                    children.entry(path.clone(), EntryKind::Directory, entry.attributes());
                    self.storage(entry.below, &format!("{path}/"), depth.saturating_add(1), children)?;
                }
                _ => children.problem(&Fault::corrupt(format!("cfb: entry {index} is of no known kind, or too deep")), None),
            }
        }
        Ok(())
    }
}

fn stream(volume: &Volume<'_>, entry: &Entry, path: String, children: &mut Children<'_>) -> Result<(), Fault> {
    let runs = volume.stream(entry.start, entry.size);
    if let [run] = runs.as_slice()
        && run.length == entry.size
    {
        return Ok(children.span(path, *run, entry.attributes())?);
    }
    let mut output = children.output();
    for Span { start, length } in runs {
        output.push(volume.bytes.up_to(start, length))?;
    }
    let length = output.len();
    let cut = || Fault::Truncated(format!("cfb: {length} of {} bytes are there", entry.size));
    let fault = (length < entry.size).then(cut);
    Ok(children.made_with(path, output, entry.attributes(), fault.as_ref())?)
}

struct Entry {
    name: String,
    kind: u8,
    left: u32,
    right: u32,
    below: u32,
    written: Option<i64>,
    start: u32,
    size: u64,
}

impl Entry {
    fn read(volume: &Volume<'_>, index: u32) -> Result<Self, Fault> {
        let mut left = u64::from(index).saturating_mul(ENTRY);
        let mut runs = volume.directory.iter();
        let at = loop {
            let run = runs.next().ok_or_else(|| Fault::corrupt("cfb: an entry behind the end of the directory"))?;
            if left < run.length {
                break run.start.saturating_add(left);
            }
            left = left.saturating_sub(run.length);
        };
        let entry = Bytes(volume.bytes.get(at, ENTRY)?);
        let word = |at| entry.u32(at, Endian::Little);
        let length = u64::from(entry.u16(64, Endian::Little)?).min(64);
        let (units, _) = entry.up_to(0, length).as_chunks::<2>();
        let name = readable(units.iter().map(|unit| u16::from_le_bytes(*unit)).take_while(|unit| *unit != 0));
        let size = entry.u64(120, Endian::Little)?;
        // The upper half is not always set where sectors have 512 bytes.
        let size = if size > to_u64(volume.bytes.0.len()) { size & 0xffff_ffff } else { size };
        Ok(Self {
            name,
            kind: entry.u8(66)?,
            left: word(68)?,
            right: word(72)?,
            below: word(76)?,
            written: file_time(entry.u64(108, Endian::Little)?),
            start: word(116)?,
            size,
        })
    }

    fn attributes(&self) -> Attributes {
        Attributes { modified: self.written, ..Attributes::default() }
    }
}
