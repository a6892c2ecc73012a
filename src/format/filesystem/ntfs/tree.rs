//! From the master file table to files with paths.

use std::collections::{BTreeMap, BTreeSet};

use super::attribute::{Attribute, Here, Place};
use super::boot::Boot;
use super::record::{self, Name, Record};
use super::reparse;
use super::stream::Stream;
use crate::blob::{Bytes, Span};
use crate::format::extents::{Extents, File, out_of_limit};
use crate::format::{Attributes, Children, EntryKind};
use crate::limits::{Effort, Exceeded};
use crate::problem::Fault;

/// Records of the file system's own files come first.
const FIRST_OF_USER: u64 = 24;
/// The record of the root folder.
const ROOT: u64 = 5;
/// The record of the folder with more files of the file system itself.
const EXTEND: u64 = 11;
/// Deeper folders cannot be used anywhere: only a broken or hostile image has them.
const DEEPEST: u32 = 512;
const LONGEST_PATH: usize = 4096;

/// Hands over all files.
///
/// # Errors
/// If a limit is reached, or the table cannot be read.
pub(super) fn unpack(image: Bytes<'_>, boot: &Boot, children: &mut Children<'_>) -> Result<(), Fault> {
    let mut table = Table::read(image, boot, children)?;
    let names = table.names();
    let mut tree = Tree { image, boot, names, told: BTreeSet::new(), children };
    for (number, record) in std::mem::take(&mut table.records) {
        if number >= FIRST_OF_USER {
            tree.record(number, &record)?;
        }
    }
    Ok(())
}

/// All records in use, those that go on with others merged into them.
struct Table<'w> {
    records: BTreeMap<u64, Record>,
    effort: Effort<'w>,
}

impl<'w> Table<'w> {
    fn read(image: Bytes<'_>, boot: &Boot, children: &mut Children<'w>) -> Result<Self, Fault> {
        let first = record::bytes(image, boot.table, boot)?;
        let first = Record::read(Bytes(&first), boot.table).unwrap_or_default();
        let mut table = Self { records: BTreeMap::new(), effort: Effort::new(children.budget(), image.len()) };
        let mut parts = first.attributes.clone();
        let (mut known, mut broken) = (0_u64, 0_u64);
        // Where the end of the table stands may be written in the table.
        for _ in 0..DEEPEST {
            let stream = Stream::of(&parts).into_iter().find(|stream| stream.name.is_empty());
            let places = stream.map(|stream| (stream.extents(boot), stream.size)).unwrap_or_default();
            let records = places.0.length().min(places.1).checked_div(boot.record).unwrap_or(0);
            if known >= records.min(image.len()) {
                break;
            }
            let fresh = table.fill(image, boot, &places.0, known..records, &mut broken)?;
            known = records;
            parts.extend(fresh);
        }
        if broken > 0 {
            children.problem(&Fault::corrupt(format!("{broken} records of the table are broken or not there")), Some(boot.table));
        }
        Ok(table)
    }

    /// Reads some records. Returns what else they say about the table itself.
    fn fill(
        &mut self,
        image: Bytes<'_>,
        boot: &Boot,
        places: &Extents,
        numbers: std::ops::Range<u64>,
        broken: &mut u64,
    ) -> Result<Vec<Attribute>, Exceeded> {
        let mut fresh = Vec::new();
        for (number, at) in places.steps(boot.record, image.len()).filter(|(number, _)| numbers.contains(number)) {
            self.effort.spend(boot.record)?;
            // Records that were never used are zero.
            let Ok(bytes) = record::bytes(image, at, boot) else {
                let zero = image.up_to(at, 4) == [0; 4];
                *broken = broken.saturating_add(u64::from(!zero));
                continue;
            };
            let Some(record) = Record::read(Bytes(&bytes), at) else { continue };
            match record.base {
                Some(0) => fresh.extend(record.attributes),
                Some(base) => {
                    let whole = self.records.entry(base).or_default();
                    whole.names.extend(record.names);
                    whole.attributes.extend(record.attributes);
                }
                None => {
                    let part = self.records.remove(&number).unwrap_or_default();
                    let mut record = record;
                    record.names.extend(part.names);
                    record.attributes.extend(part.attributes);
                    self.records.insert(number, record);
                }
            }
        }
        Ok(fresh)
    }

    /// The name that each folder is called by.
    fn names(&self) -> BTreeMap<u64, Name> {
        let folders = self.records.iter().filter(|(_, record)| record.folder);
        folders.filter_map(|(number, record)| Some((*number, long(&record.names).next()?.clone()))).collect()
    }
}

/// Names but those that only stand beside another for DOS, unless there are no others.
fn long(names: &[Name]) -> impl Iterator<Item = &Name> {
    let only_short = names.iter().all(|name| name.short);
    names.iter().filter(move |name| only_short || !name.short)
}

struct Tree<'a, 'c, 'w> {
    image: Bytes<'a>,
    boot: &'a Boot,
    names: BTreeMap<u64, Name>,
    /// Places that were handed over.
    told: BTreeSet<String>,
    children: &'c mut Children<'w>,
}

impl Tree<'_, '_, '_> {
    /// The path of a file with this name; none if it is one of the file system itself.
    fn path(&self, name: &Name) -> Option<String> {
        let mut parts = vec![name.text.as_str()];
        let mut parent = name.parent;
        let mut length = name.text.len();
        for _ in 0..DEEPEST {
            match parent {
                ROOT => {
                    parts.reverse();
                    return Some(parts.join("/"));
                }
                EXTEND => return None,
                _ => {}
            }
            let Some(above) = self.names.get(&parent).filter(|_| length < LONGEST_PATH) else { break };
            length = length.saturating_add(above.text.len()).saturating_add(1);
            parts.push(&above.text);
            parent = above.parent;
        }
        parts.push("lost");
        parts.reverse();
        Some(parts.join("/"))
    }

    fn record(&mut self, number: u64, record: &Record) -> Result<(), Exceeded> {
        let mut paths: Vec<String> = Vec::new();
        for name in long(&record.names) {
            match self.path(name) {
                Some(path) => paths.push(path),
                None => return Ok(()),
            }
        }
        let mut paths = paths.into_iter();
        let path = paths.next().unwrap_or_else(|| format!("lost/{number}"));
        // In a sound volume no two files have one path.
        let path = if self.told.insert(path.clone()) { path } else { format!("{path}#{number}") };
        let attributes = Attributes { modified: record.modified, ..Attributes::default() };
        for other in paths {
            self.children.entry(other, EntryKind::HardLink(path.clone()), attributes.clone());
        }
        self.content(record, path, &attributes)
    }

    fn content(&mut self, record: &Record, path: String, attributes: &Attributes) -> Result<(), Exceeded> {
        let streams = Stream::of(&record.attributes);
        let point = record.attributes.iter().find(|attribute| attribute.kind == 0xc0).and_then(|attribute| match attribute.place {
            Place::Here(here) => Some(self.value(Some(here))),
            Place::Runs { .. } => None,
        });
        let point = Bytes(point.as_deref().unwrap_or_default());
        let main = streams.iter().find(|stream| stream.name.is_empty());
        let special = reparse::point(point).or_else(|| reparse::interix(Bytes(&self.value(main.and_then(|main| main.here)))));
        let outside = point.has(0, &reparse::COMPRESSED_OUTSIDE.to_le_bytes());
        let special = special.or(record.folder.then_some(EntryKind::Directory));
        let named = special.is_some();
        if let Some(kind) = special {
            self.children.entry(path.clone(), kind, attributes.clone());
        }
        for stream in &streams {
            match stream.name.as_str() {
                "" if named => {}
                "" => self.stream(stream, path.clone(), attributes, outside)?,
                name => self.stream(stream, format!("{path}:{name}"), attributes, false)?,
            }
        }
        Ok(())
    }

    fn stream(&mut self, stream: &Stream, name: String, attributes: &Attributes, outside: bool) -> Result<(), Exceeded> {
        let attributes = attributes.clone();
        let fault = match (stream.encrypted, outside) {
            (true, _) => Some(Fault::Encrypted("encrypted by Windows (EFS)".to_owned())),
            (_, true) => Some(Fault::unsupported("compressed by Windows: its bytes are in the stream WofCompressedData")),
            _ => None,
        };
        if let Some(here) = stream.here {
            return self.resident(name, here, attributes, fault.as_ref());
        }
        if let Some(unit) = stream.compressed {
            let mut output = self.children.output();
            return match stream.decompress(self.image, self.boot, unit, &mut output) {
                Err(Fault::Exceeded(limit)) => out_of_limit(limit, name, output, attributes, self.children),
                result => self.children.made_with(name, output, attributes, result.err().or(fault).as_ref()),
            };
        }
        let file = File { name, size: stream.size, attributes, fault: fault.as_ref() };
        stream.extents(self.boot).deliver(file, self.image, self.children)
    }

    /// Bytes that stand in a record: as they are there, unless a fixup is among them.
    fn resident(&mut self, name: String, here: Here, attributes: Attributes, fault: Option<&Fault>) -> Result<(), Exceeded> {
        // The first two bytes that are kept elsewhere, behind the start of the value or around it.
        let fixup = here.span.start.saturating_sub(1) | 510;
        if here.span.length > 0 && fixup >= here.span.end() {
            let span = Span::new(here.record.saturating_add(here.span.start), here.span.length);
            return self.children.span_with(name, span, attributes, fault);
        }
        let mut output = self.children.output();
        output.push(&self.value(Some(here)))?;
        self.children.made_with(name, output, attributes, fault)
    }

    fn value(&self, here: Option<Here>) -> Vec<u8> {
        let record = here.and_then(|here| Some((record::bytes(self.image, here.record, self.boot).ok()?, here.span)));
        record.map_or(Vec::new(), |(bytes, span)| Bytes(&bytes).up_to(span.start, span.length).to_vec())
    }
}
