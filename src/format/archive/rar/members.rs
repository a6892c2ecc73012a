//! The files of an archive.

use std::cell::RefCell;
use std::io::{Cursor, Write};
use std::rc::Rc;

use rars::{
    Archive, ArchiveFamily, ArchiveMember, ArchiveMemberDetail, ArchiveReadOptions, ArchiveReader, Error, ErrorKind, ExtractionDecision,
    ExtractionErrorAction,
};

use super::blocks::end_of_whole_blocks;
use crate::blob::{Blob, Span};
use crate::codec::guard;
use crate::format::{Attributes, Children, EntryKind, dos_time, entry_path, path_text};
use crate::limits::Exceeded;
use crate::problem::Fault;

/// What the dictionary of RAR 5 may take, and all that the decoder holds at once.
const DICTIONARY: u64 = 256 << 20;
const WORKSPACE: u64 = 768 << 20;

/// Output that is never too much for the size of an archive.
const RATIO_FREE: u64 = 16 << 20;

/// Headers that are read.
const MOST_HEADERS: u64 = 1 << 20;

/// What headers may take: metadata in memory is larger than in the archive.
const HEADERS: u64 = 32 << 20;

/// Hands over all members of the archive.
pub(super) fn unpack(blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
    let end = end_of_whole_blocks(blob.bytes());
    let whole = blob.carve(Span::new(0, end)).unwrap_or_else(|_| blob.clone());
    unpack_whole(&whole, children)?;
    if end < blob.len() {
        return Err(Fault::Truncated(format!("rar: the file at {end:#x} is cut")));
    }
    Ok(())
}

fn unpack_whole(blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
    let limits = children.budget().limits();
    let most = limits.artifact.min(blob.len().saturating_mul(limits.ratio).max(RATIO_FREE));
    let options = ArchiveReadOptions::new()
        .with_rar50_dictionary_size_limit(DICTIONARY)
        .with_max_reader_workspace_bytes(WORKSPACE)
        .with_max_member_output_bytes(most)
        .with_max_header_count(MOST_HEADERS)
        .with_max_header_bytes(HEADERS);
    let source = Cursor::new(Shared(blob.clone()));
    let archive = guard("rar", || ArchiveReader::read_reader_with_options(source, options).map_err(|error| fault(&error)))?;
    let members: Vec<ArchiveMember> = archive.members().collect();
    let refused = if most < limits.artifact { Exceeded::Ratio(limits.ratio) } else { Exceeded::Artifact(limits.artifact) };
    let mut delivery =
        Delivery { most, refused, members: &members, next: 0, bytes: Rc::default(), started: None, fault: None, children, limit: None };
    let result = extract(&archive, options, &mut delivery);
    delivery.finish();
    let mut why = result.err();
    // A solid archive breaks off: what was not reached has its name.
    while delivery.limit.is_none() && delivery.next < members.len() {
        delivery.fault = Some(why.clone().unwrap_or_else(|| Fault::corrupt("rar: not reached")));
        delivery.started = members.get(delivery.next).map(|_| delivery.next);
        delivery.next = delivery.next.saturating_add(1);
        delivery.finish();
        why = why.map(|fault| {
            if fault.is_limit() { fault } else { Fault::corrupt(format!("rar: not reached, as the archive broke before: {fault}")) }
        });
    }
    delivery.limit.map_or(Ok(()), |limit| Err(limit.into()))
}

fn extract(archive: &Archive, options: ArchiveReadOptions<'_>, delivery: &mut Delivery<'_, '_>) -> Result<(), Fault> {
    let delivery = RefCell::new(delivery);
    guard("rar", || {
        let decide = |_: &ArchiveMember| Ok(delivery.borrow_mut().decide());
        let failed = |_: &ArchiveMember, error: &Error| {
            delivery.borrow_mut().fault = Some(fault(error));
            Ok(ExtractionErrorAction::Continue)
        };
        archive.extract_with_control_and_errors(options, decide, failed).map(|_| ()).map_err(|error| fault(&error))
    })
    .inspect_err(|fault| {
        let mut delivery = delivery.borrow_mut();
        if delivery.started.is_some() && delivery.fault.is_none() {
            delivery.fault = Some(fault.clone());
        }
    })
}

/// Where members go: each is handed over when the next one begins.
struct Delivery<'m, 'w> {
    members: &'m [ArchiveMember],
    next: usize,
    bytes: Rc<RefCell<Vec<u8>>>,
    started: Option<usize>,
    fault: Option<Fault>,
    children: &'m mut Children<'w>,
    limit: Option<Exceeded>,
    /// Bytes that a member may have, and why not more.
    most: u64,
    refused: Exceeded,
}

impl Delivery<'_, '_> {
    fn decide(&mut self) -> ExtractionDecision {
        self.finish();
        if self.limit.is_some() {
            return ExtractionDecision::Stop;
        }
        let index = self.next;
        self.next = self.next.saturating_add(1);
        self.started = Some(index);
        let Some(member) = self.members.get(index) else { return ExtractionDecision::Stop };
        if member.meta.is_encrypted {
            self.fault = Some(Fault::Encrypted("rar: the file is encrypted".to_owned()));
            return ExtractionDecision::Skip;
        }
        if member.meta.is_split_before || member.meta.is_split_after {
            self.fault = Some(Fault::Truncated("rar: the file lies in several volumes".to_owned()));
            return ExtractionDecision::Skip;
        }
        if member.meta.unpacked_size > self.most {
            self.fault = Some(self.refused.into());
            return ExtractionDecision::Skip;
        }
        ExtractionDecision::Extract(Box::new(Sink(Rc::clone(&self.bytes))))
    }

    /// Hands over the member that was begun, if one was.
    fn finish(&mut self) {
        let (Some(index), fault) = (self.started.take(), self.fault.take()) else { return };
        let bytes = std::mem::take(&mut *self.bytes.borrow_mut());
        let Some(member) = self.members.get(index) else { return };
        self.limit = hand_over(member, &bytes, fault.as_ref(), self.children).err();
    }
}

fn hand_over(member: &ArchiveMember, bytes: &[u8], fault: Option<&Fault>, children: &mut Children<'_>) -> Result<(), Exceeded> {
    let (path, attributes) = (entry_path(&member.meta.name).replace('\\', "/"), attributes(member));
    if member.meta.is_directory {
        children.entry(path, EntryKind::Directory, attributes);
        return Ok(());
    }
    if let Some(kind) = link(member) {
        children.entry(path, kind, attributes);
        return Ok(());
    }
    if attributes.mode.is_some_and(|mode| mode & 0o170_000 == 0o120_000) && bytes.len() <= 4096 && fault.is_none() {
        children.entry(path, EntryKind::Symlink(path_text(bytes)), attributes);
        return Ok(());
    }
    let mut output = children.output();
    output.push(bytes)?;
    children.made_with(path, output, attributes, fault)
}

/// What a member without bytes refers to: 1 to 3 are symbolic links of Unix and Windows, 4 is a hard link, 5 a file with the same bytes.
fn link(member: &ArchiveMember) -> Option<EntryKind> {
    let ArchiveMemberDetail::Rar50Plus { redirection: Some(redirection), .. } = &member.detail else { return None };
    let target = path_text(&redirection.target_name);
    match redirection.redirection_type {
        1..=3 => Some(EntryKind::Symlink(target)),
        4 | 5 => Some(EntryKind::HardLink(target)),
        _ => None,
    }
}

fn attributes(member: &ArchiveMember) -> Attributes {
    let meta = &member.meta;
    let old = meta.family != ArchiveFamily::Rar50Plus;
    let time = meta.file_time.and_then(|time| if old { dos(time) } else { Some(time.into()) });
    let unix = meta.host_os == Some(if old { 3 } else { 1 });
    let mode = u32::try_from(meta.file_attr).ok().filter(|_| unix);
    Attributes { mode, modified: time, ..Attributes::default() }
}

fn dos(time: u32) -> Option<i64> {
    dos_time(u16::try_from(time >> 16).ok()?, u16::try_from(time & 0xffff).ok()?)
}

fn fault(error: &Error) -> Fault {
    let message = format!("rar: {error}");
    match error.kind() {
        ErrorKind::PasswordRequired | ErrorKind::BadPassword => Fault::Encrypted("rar: the archive is encrypted".to_owned()),
        ErrorKind::ChecksumMismatch => Fault::Checksum(message),
        ErrorKind::UnsupportedFormat | ErrorKind::UnsupportedFeature | ErrorKind::ResourceLimit => Fault::Unsupported(message),
        _ => Fault::Corrupt(message),
    }
}

/// The archive's bytes, without copying them.
struct Shared(Blob);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        self.0.as_slice()
    }
}

/// Where the bytes of a member are written to; the reader bounds how many those are.
struct Sink(Rc<RefCell<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
