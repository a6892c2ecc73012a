//! Volumes: which resources there are, and the tree of names that refers to them by their SHA-1.

use std::collections::{BTreeMap, BTreeSet};

use sha1::{Digest, Sha1};

use super::header::{Header, Resource};
use super::resource;
use crate::blob::{Bytes, Endian, Span, to_u64};
use crate::format::{Attributes, Children, EntryKind, file_time, utf16_part_text, utf16_units};
use crate::limits::{Effort, Output};
use crate::problem::Fault;

type Hash = [u8; 20];

/// An image file: its volumes' metadata, and everything else by its SHA-1.
pub(super) struct Volume<'a> {
    bytes: Bytes<'a>,
    header: &'a Header,
    pub(super) images: Vec<Resource>,
    resources: BTreeMap<Hash, Resource>,
    /// Resources that files lie in one behind the other, by the hash of each file the number of its run.
    solid: Vec<Vec<Resource>>,
    run_of: BTreeMap<Hash, usize>,
}

/// Bytes of an entry in the table of resources: where it is, u16 part, u32 references, SHA-1.
const TABLE_ENTRY: u64 = 50;

/// A name; all numbers little endian:
///
/// ```text
///  0 size u64   8 attributes u32   12 security u32   16 offset of what is below u64   24 reserved   40 created, accessed, written u64
/// 64 SHA-1   84 u32   88 tag of a reparse point u32, or with what follows the group of a hard link u64
/// 96 streams u16   98 bytes of the short name u16   100 bytes of the name u16   102 name; then alternate streams
/// ```
struct Name {
    length: u64,
    attributes: u32,
    below: u64,
    written: Option<i64>,
    hash: Hash,
    link: u64,
    name: String,
    streams: u64,
}

const DIRECTORY: u32 = 0x10;
const REPARSE_POINT: u32 = 0x400;

/// Tags of reparse points: symbolic links, and mount points.
const LINKS: &[u64] = &[0xa000_000c, 0xa000_0003];

/// Levels of folders that are believed.
const DEEPEST: usize = 64;

impl<'a> Volume<'a> {
    pub(super) fn new(bytes: Bytes<'a>, header: &'a Header, table: Bytes<'_>) -> Self {
        let (mut images, mut resources, mut at) = (Vec::new(), BTreeMap::new(), 0_u64);
        let (mut solid, mut run_of, mut inside) = (Vec::<Vec<Resource>>::new(), BTreeMap::new(), true);
        while let (Ok(resource), Ok(hash)) = (Resource::read(table, at), table.array(at.saturating_add(30))) {
            at = at.saturating_add(TABLE_ENTRY);
            if resource.is_solid_whole() {
                // What files lie in stands before them: a new run begins behind the files of the last one.
                if inside {
                    solid.push(Vec::new());
                }
                solid.last_mut().into_iter().for_each(|run| run.push(resource.clone()));
                inside = false;
                continue;
            }
            inside = true;
            if resource.is_solid() {
                run_of.insert(hash, solid.len().saturating_sub(1));
            }
            if resource.is_metadata() {
                images.push(resource);
            } else {
                resources.insert(hash, resource);
            }
        }
        Self { bytes, header, images, resources, solid, run_of }
    }

    /// Hands over all files of the volume that `metadata` describes: u32 size of the security data, which is filled up to eight bytes;
    /// behind it the root.
    pub(super) fn unpack<'b>(
        &self,
        metadata: Bytes<'_>,
        prefix: &str,
        content: &mut Content<'b>,
        children: &mut Children<'b>,
    ) -> Result<(), Fault> {
        let security = u64::from(metadata.u32(0, Endian::Little)?).max(8);
        let root = Name::read(metadata, security.next_multiple_of(8))?;
        let mut walk = Walk { volume: self, metadata, seen: BTreeSet::new(), links: BTreeMap::new(), content };
        walk.folder(root.below, prefix, 0, children)
    }
}

/// What the volumes of an image file share: the content of runs of solid resources, and what all of it may cost.
pub(super) struct Content<'b> {
    runs: BTreeMap<usize, (Output<'b>, Option<Fault>)>,
    effort: Effort<'b>,
}

impl<'b> Content<'b> {
    /// For an image file of `length` bytes.
    pub(super) fn new(children: &Children<'b>, length: u64) -> Self {
        Self { runs: BTreeMap::new(), effort: Effort::new(children.budget(), length) }
    }
}

struct Walk<'a, 'b> {
    volume: &'a Volume<'a>,
    metadata: Bytes<'a>,
    seen: BTreeSet<u64>,
    /// The first path of each group of hard links.
    links: BTreeMap<u64, String>,
    content: &'a mut Content<'b>,
}

impl<'b> Walk<'_, 'b> {
    fn folder(&mut self, start: u64, prefix: &str, depth: usize, children: &mut Children<'b>) -> Result<(), Fault> {
        if depth > DEEPEST || !self.seen.insert(start) {
            return Err(Fault::corrupt(format!("wim: folders in a circle, or too deep, at {start:#x}")));
        }
        let mut at = start;
        while at > 0 && self.metadata.u64(at, Endian::Little)? != 0 {
            let name = Name::read(self.metadata, at)?;
            self.content.effort.spend(name.length)?;
            let hash = name.unnamed_stream(self.metadata, at)?;
            at = name.end(self.metadata, at)?;
            let path = format!("{prefix}{}", name.name);
            if name.attributes & REPARSE_POINT == 0 && name.attributes & DIRECTORY != 0 {
                children.entry(path.clone(), EntryKind::Directory, name.attributes());
                if name.below > 0 {
                    self.folder(name.below, &format!("{path}/"), depth.saturating_add(1), children)?;
                }
            } else {
                self.file(&name, hash, path, children)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, name: &Name, hash: Hash, path: String, children: &mut Children<'b>) -> Result<(), Fault> {
        let attributes = name.attributes();
        let reparse = name.attributes & REPARSE_POINT != 0;
        if !reparse && name.link > 0 {
            if let Some(first) = self.links.get(&name.link) {
                children.entry(path, EntryKind::HardLink(first.clone()), attributes);
                return Ok(());
            }
            self.links.insert(name.link, path.clone());
        }
        if hash == Hash::default() {
            return Ok(children.made(path, children.output(), attributes)?);
        }
        let Some(resource) = self.volume.resources.get(&hash) else {
            let fault = Fault::corrupt("wim: no resource has this file's SHA-1");
            return Ok(children.made_with(path, children.output(), attributes, Some(&fault))?);
        };
        self.content.effort.spend(resource.size.max(resource.stored))?;
        if !resource.is_compressed() && !resource.is_solid() && !reparse {
            let span = Span::new(resource.start, resource.size);
            // Of what is cut off the hash says nothing.
            let fault = self.volume.bytes.part(span).ok().and_then(|content| differs(content.0, &hash));
            return Ok(children.span_with(path, span, attributes, fault.as_ref())?);
        }
        let mut output = children.output();
        let fault = match self.volume.run_of.get(&hash) {
            Some(run) => self.solid_file(*run, (resource, &hash), &mut output, children).err(),
            None => resource::read(self.volume.bytes, self.volume.header, resource, &mut output).err(),
        };
        let fault = fault.or_else(|| differs(output.as_slice(), &hash));
        let tag = name.link & 0xffff_ffff;
        let link = reparse && LINKS.contains(&tag) && fault.is_none();
        if let Some(target) = link.then(|| target(Bytes(output.as_slice()), tag)).flatten() {
            children.entry(path, EntryKind::Symlink(target), attributes);
            return Ok(());
        }
        Ok(children.made_with(path, output, attributes, fault.as_ref())?)
    }

    /// Puts a file of a run of solid resources into `output`. Its place counts from the start of what the run holds when unpacked.
    fn solid_file(
        &mut self,
        run: usize,
        (resource, hash): (&Resource, &Hash),
        output: &mut Output<'_>,
        children: &Children<'b>,
    ) -> Result<(), Fault> {
        let volume = self.volume;
        let (whole, fault) = self.content.runs.entry(run).or_insert_with(|| {
            let mut whole = children.output();
            let run = volume.solid.get(run).map(Vec::as_slice).unwrap_or_default();
            let mut broken = None;
            let all = run.iter().try_for_each(|one| -> Result<(), Fault> {
                let fault = resource::read_solid(volume.bytes, one, &mut whole)?;
                broken = broken.take().or(fault);
                Ok(())
            });
            (whole, all.err().or(broken))
        });
        let content = Bytes(whole.as_slice()).up_to(resource.start, resource.stored);
        output.push(content)?;
        // Where a chunk is broken, zeros may stand in the place of the file.
        let broken = fault.is_some() && differs(content, hash).is_some();
        let missing = || fault.clone().unwrap_or_else(|| Fault::corrupt("wim: a file that is not in its solid resource"));
        if broken || to_u64(content.len()) < resource.stored { Err(missing()) } else { Ok(()) }
    }
}

/// What is wrong if this is not what the hash was made of.
fn differs(content: &[u8], hash: &Hash) -> Option<Fault> {
    let wrong = || Fault::Checksum(format!("wim: the SHA-1 of the file does not fit its {} bytes", content.len()));
    (Sha1::digest(content).as_slice() != hash).then(wrong)
}

/// Where a link leads: u16 offset and size of the real target, the same of the one that is shown; a symbolic link has u32 flags; names.
fn target(data: Bytes<'_>, tag: u64) -> Option<String> {
    let short = |at| data.u16(at, Endian::Little).ok().map(u64::from);
    let names: u64 = if LINKS.first() == Some(&tag) { 12 } else { 8 };
    let (offset, length) = if short(6)? > 0 { (short(4)?, short(6)?) } else { (short(0)?, short(2)?) };
    let name = data.get(names.saturating_add(offset), length).ok()?;
    Some(utf16(name).replace("\\x2f", "/").replace('\\', "/"))
}

fn utf16(name: &[u8]) -> String {
    utf16_part_text(utf16_units(name))
}

impl Name {
    fn read(bytes: Bytes<'_>, at: u64) -> Result<Self, Fault> {
        let long = |offset: u64| bytes.u64(at.saturating_add(offset), Endian::Little);
        let short = |offset: u64| bytes.u16(at.saturating_add(offset), Endian::Little).map(u64::from);
        let length = long(0)?;
        if length < 102 {
            return Err(Fault::corrupt(format!("wim: a name that is too short at {at:#x}")));
        }
        Ok(Self {
            length,
            attributes: bytes.u32(at.saturating_add(8), Endian::Little)?,
            below: long(16)?,
            written: file_time(long(56)?),
            hash: bytes.array(at.saturating_add(64))?,
            link: long(88)?,
            name: utf16(bytes.get(at.saturating_add(102), short(100)?)?),
            streams: short(96)?,
        })
    }

    fn attributes(&self) -> Attributes {
        Attributes { modified: self.written, ..Attributes::default() }
    }

    /// Visits the streams behind a name: u64 size, u64 reserved, SHA-1, u16 bytes of the name, name; each filled up to eight bytes. Returns
    /// where they end.
    fn streams(&self, bytes: Bytes<'_>, at: u64, visit: &mut dyn FnMut(Hash, u64)) -> Result<u64, Fault> {
        let mut at = at.saturating_add(self.length).next_multiple_of(8);
        for _ in 0..self.streams {
            let length = bytes.u64(at, Endian::Little)?;
            if length < 38 {
                return Err(Fault::corrupt(format!("wim: a stream that is too short at {at:#x}")));
            }
            visit(bytes.array(at.saturating_add(16))?, bytes.u16(at.saturating_add(36), Endian::Little)?.into());
            at = at.saturating_add(length).next_multiple_of(8);
        }
        Ok(at)
    }

    fn end(&self, bytes: Bytes<'_>, at: u64) -> Result<u64, Fault> {
        self.streams(bytes, at, &mut |_, _| ())
    }

    /// The SHA-1 of the file itself: it stands with the name, or where there are several streams with that which has no name.
    fn unnamed_stream(&self, bytes: Bytes<'_>, at: u64) -> Result<Hash, Fault> {
        let mut found = self.hash;
        self.streams(bytes, at, &mut |hash, name| {
            if name == 0 && found == Hash::default() {
                found = hash;
            }
        })?;
        Ok(found)
    }
}
