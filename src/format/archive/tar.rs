//! tar archives: of Unix version 7, ustar, and with the extensions of pax and of GNU.

use self::header::{Header, Role};
use self::pax::Fields;
use self::sparse::Sparse;
use crate::blob::{Blob, Bytes, Span};
use crate::format::{Attributes, Carved, Children, EntryKind, Format, Kind, Magic, Spec, entry_path, path_text};
use crate::limits::{Budget, Exceeded};
use crate::problem::{Fault, Rejected};

mod header;
mod pax;
mod sparse;

/// tar.
#[derive(Debug)]
pub(super) struct Tar;

static SPEC: Spec = Spec {
    id: "tar",
    name: "tar",
    kind: Kind::Archive,
    // "ustar" since POSIX; before it, only the way in which tar ends its checksum, and the checksum itself, tell.
    magics: &[Magic::anywhere(b"ustar").at(257), Magic::start(b"\0 ").at(154)],
    leaf: false,
    references: &[
        "https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06",
        "https://www.gnu.org/software/tar/manual/html_node/Standard.html",
        "https://www.gnu.org/software/tar/manual/html_node/Sparse-Formats.html",
    ],
    limitations: &[
        "archives from before POSIX, whose headers have no magic, in the middle of other bytes",
        "archives in several volumes",
        "layers of container images are not put on top of each other: what one deletes (.wh. files) is handed out as the empty file that says so",
    ],
};

/// Everything in a tar archive is a number of these.
const BLOCK: u64 = 512;

/// tar writes records of this many bytes, and fills up the last one.
const RECORD: u64 = 20 * BLOCK;

impl Format for Tar {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let first = Header::read(bytes, 0)?;
        let old = start == 0 && first.mode.is_some() && first.modified.is_some() && first.path.first().is_some_and(u8::is_ascii_graphic);
        if !first.posix && !old {
            return Err(Rejected("magic"));
        }
        let Ok(end) = walk(bytes, &mut |_| Ok(())) else { return Err(Rejected("unreachable: nothing was unpacked")) };
        Ok(Carved::new(end.at, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let end = walk(bytes, &mut |member| child(member, bytes, children))?;
        if end.whole { Ok(()) } else { Err(Fault::Truncated(format!("tar: no end marker, the last member ends at {:#x}", end.at))) }
    }
}

/// A member with all that the headers before it say of it.
struct Member {
    role: Role,
    path: String,
    target: Vec<u8>,
    device: (u32, u32),
    attributes: Attributes,
    data: Span,
    sparse: Option<Sparse>,
}

/// How a walk ended.
struct End {
    at: u64,
    /// Whether it had the blocks of zeros that end it.
    whole: bool,
}

/// Visits all members.
fn walk(bytes: Bytes<'_>, visit: &mut dyn FnMut(&Member) -> Result<(), Exceeded>) -> Result<End, Exceeded> {
    let (mut at, mut global, mut local) = (0_u64, Fields::default(), Fields::default());
    while at < bytes.len() {
        let Ok(header) = Header::read(bytes, at) else {
            return Ok(if is_zero(bytes, at, BLOCK) { End { at: padded(bytes, at), whole: true } } else { End { at, whole: false } });
        };
        let mut data = Span::new(at.saturating_add(header.length), header.size);
        let content = || bytes.up_to(data.start, data.length.min(pax::MOST));
        match header.role {
            Role::Local => local.read(content()),
            Role::Global => global.read(content()),
            Role::LongPath => local.path = Some(pax::terminated(content())),
            Role::LongTarget => local.target = Some(pax::terminated(content())),
            _ => {
                let fields = std::mem::take(&mut local).or(&global);
                data.length = length(&header, &fields, bytes, data.start);
                visit(&Member::new(header, fields, bytes, data))?;
            }
        }
        at = data.end().checked_next_multiple_of(BLOCK).unwrap_or(u64::MAX);
    }
    Ok(End { at: bytes.len(), whole: false })
}

fn is_zero(bytes: Bytes<'_>, start: u64, length: u64) -> bool {
    let found = bytes.up_to(start, length);
    !found.is_empty() && found.iter().all(|byte| *byte == 0)
}

/// Where an archive ends whose end marker, two blocks of zeros, is at `at`: with the record if that is filled with zeros.
fn padded(bytes: Bytes<'_>, at: u64) -> u64 {
    let marker = at.saturating_add(2 * BLOCK);
    let full = marker.checked_next_multiple_of(RECORD).unwrap_or(marker);
    let ends = [full, marker, at.saturating_add(BLOCK)];
    let end = ends.into_iter().find(|end| is_zero(bytes, at, end.saturating_sub(at))).unwrap_or(at);
    end.min(bytes.len())
}

/// Bytes of data behind a header. Links have none whatever their size says, but pax lets hard links have some.
fn length(header: &Header<'_>, fields: &Fields, bytes: Bytes<'_>, data: u64) -> u64 {
    match header.role {
        Role::File | Role::Sparse => fields.size.unwrap_or(header.size),
        Role::HardLink if Header::read(bytes, data).is_err() && !is_zero(bytes, data, BLOCK) => fields.size.unwrap_or(header.size),
        _ => 0,
    }
}

impl Member {
    fn new(header: Header<'_>, fields: Fields, bytes: Bytes<'_>, mut data: Span) -> Self {
        let mut sparse = header.sparse;
        if let Some(described) = fields.sparse {
            let (map, used) = described.map(bytes.up_to(data.start, data.length));
            data = Span::between(data.start.saturating_add(used), data.end());
            sparse = Some(map);
        }
        let attributes = Attributes {
            mode: header.mode,
            uid: fields.uid.or(header.uid),
            gid: fields.gid.or(header.gid),
            modified: fields.modified.or(header.modified),
        };
        let path = entry_path(&fields.path.unwrap_or(header.path));
        let target = fields.target.unwrap_or_else(|| header.target.to_vec());
        Self { role: header.role, path, target, device: header.device, attributes, data, sparse }
    }
}

fn child(member: &Member, bytes: Bytes<'_>, children: &mut Children<'_>) -> Result<(), Exceeded> {
    let attributes = member.attributes.clone();
    let (major, minor) = member.device;
    let kind = match member.role {
        Role::Directory if member.path.is_empty() => return Ok(()),
        Role::Directory => EntryKind::Directory,
        Role::Symlink => EntryKind::Symlink(path_text(&member.target)),
        Role::HardLink => EntryKind::HardLink(entry_path(&member.target)),
        Role::CharacterDevice => EntryKind::CharacterDevice(major, minor),
        Role::BlockDevice => EntryKind::BlockDevice(major, minor),
        Role::Fifo => EntryKind::Fifo,
        Role::Label => return Ok(()),
        _ => {
            let Some(sparse) = &member.sparse else { return children.span(member.path.as_str(), member.data, attributes) };
            let mut output = children.output();
            let result = sparse.assemble(bytes.up_to(member.data.start, member.data.length), &mut output);
            return children.made_with(member.path.as_str(), output, attributes, result.err().as_ref());
        }
    };
    children.entry(member.path.as_str(), kind, attributes);
    Ok(())
}

#[cfg(test)]
mod tests;
