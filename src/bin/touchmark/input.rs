//! Reading what is to be inspected: files, folders, standard input. Nothing that could hang is opened.

use std::ffi::OsStr;
use std::fs::{self, FileType, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};

use touchmark::blob::Blob;
use touchmark::format::{Attributes, Children, EntryKind, path_text};
use touchmark::problem::Fault;

use crate::Failure;

/// Folders in folders before it is a loop of mounts, not a tree.
const DEEPEST: usize = 128;

/// What a path turned out to be.
pub(crate) enum Opened {
    /// Bytes of a file.
    Image(Blob),
    /// A folder.
    Folder(PathBuf),
}

/// Opens what is to be scanned. `-` is standard input.
pub(crate) fn open(path: &Path) -> Result<Opened, Failure> {
    let told = |error: std::io::Error| format!("{}: {error}", path.display());
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map_err(|error| format!("standard input: {error}"))?;
        return Ok(Opened::Image(Blob::new(bytes)));
    }
    let metadata = fs::metadata(path).map_err(told)?;
    if metadata.is_dir() {
        fs::read_dir(path).map_err(told)?;
        return Ok(Opened::Folder(path.to_owned()));
    }
    read(path, metadata.file_type()).map(Opened::Image)
}

/// The bytes of a regular file; anything else is refused with a reason, for it might never end.
pub(crate) fn read(path: &Path, kind: FileType) -> Result<Blob, Failure> {
    if !kind.is_file() {
        return Err(format!("{}: {}; pipe its bytes into `touchmark scan -`", path.display(), special(kind)));
    }
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Blob::new(bytes))
}

fn special(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    if kind.is_fifo() {
        "a named pipe, not a file"
    } else if kind.is_socket() {
        "a socket, not a file"
    } else if kind.is_char_device() || kind.is_block_device() {
        "a device, not a file"
    } else {
        "not a file"
    }
}

/// Every regular file below `folder`, sorted by path, and what was left out and why.
pub(crate) fn files_below(folder: &Path) -> Result<(Vec<PathBuf>, Vec<Failure>), Failure> {
    let (mut files, mut left_out) = (Vec::new(), Vec::new());
    let entries = sorted(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    collect(entries, 0, &mut files, &mut left_out);
    Ok((files, left_out))
}

fn collect(entries: Vec<PathBuf>, depth: usize, files: &mut Vec<PathBuf>, left_out: &mut Vec<Failure>) {
    for path in entries {
        let told = |error: std::io::Error| format!("{}: {error}", path.display());
        match fs::symlink_metadata(&path).map_err(told) {
            Err(message) => left_out.push(message),
            Ok(metadata) if metadata.is_file() => files.push(path),
            Ok(metadata) if metadata.is_dir() && depth < DEEPEST => match sorted(&path).map_err(told) {
                Ok(entries) => collect(entries, depth.saturating_add(1), files, left_out),
                Err(message) => left_out.push(message),
            },
            Ok(metadata) if metadata.is_symlink() => left_out.push(format!("{}: a symbolic link, not followed", path.display())),
            Ok(metadata) => left_out.push(format!("{}: {}", path.display(), special(metadata.file_type()))),
        }
    }
}

fn sorted(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.sort();
    Ok(paths)
}

/// Hands over the files of a folder as if it were an unpacked file system.
pub(crate) fn feed(folder: &Path, children: &mut Children<'_>) -> Result<(), Fault> {
    let entries = sorted(folder).map_err(|error| Fault::corrupt(format!("{}: {error}", folder.display())))?;
    feed_entries(folder, entries, 0, children)
}

fn feed_entries(root: &Path, entries: Vec<PathBuf>, depth: usize, children: &mut Children<'_>) -> Result<(), Fault> {
    for path in entries {
        let name = name(root, &path);
        let metadata = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) => {
                children.unreadable(format!("{name}: {error}"));
                continue;
            }
        };
        let attributes = attributes(&metadata);
        if metadata.is_file() {
            match fs::read(&path) {
                Ok(bytes) => children.given(name, Blob::new(bytes), attributes)?,
                Err(error) => children.unreadable(format!("{name}: {error}")),
            }
        } else if metadata.is_dir() {
            children.entry(name.clone(), EntryKind::Directory, attributes);
            match sorted(&path) {
                Ok(_) if depth >= DEEPEST => children.unreadable(format!("{name}: nested too deep")),
                Ok(entries) => feed_entries(root, entries, depth.saturating_add(1), children)?,
                Err(error) => children.unreadable(format!("{name}: {error}")),
            }
        } else if metadata.is_symlink() {
            let target = fs::read_link(&path).map(|target| bytes_text(target.as_os_str())).unwrap_or_default();
            children.entry(name, EntryKind::Symlink(target), attributes);
        } else {
            children.entry(name, special_entry(&metadata), attributes);
        }
    }
    Ok(())
}

fn name(root: &Path, path: &Path) -> String {
    bytes_text(path.strip_prefix(root).unwrap_or(path).as_os_str())
}

fn bytes_text(name: &OsStr) -> String {
    path_text(name.as_encoded_bytes())
}

fn attributes(metadata: &Metadata) -> Attributes {
    use std::os::unix::fs::MetadataExt;
    // The time of the copy on this host says nothing about the firmware.
    Attributes { mode: Some(metadata.mode()), uid: Some(metadata.uid()), gid: Some(metadata.gid()), modified: None }
}

fn special_entry(metadata: &Metadata) -> EntryKind {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    let kind = metadata.file_type();
    let number = |shift: u32, mask: u64| u32::try_from(metadata.rdev().checked_shr(shift).unwrap_or(0) & mask).unwrap_or(0);
    let (major, minor) = (number(8, 0xfff), number(0, 0xff) | number(12, 0xf_ff00));
    if kind.is_char_device() {
        EntryKind::CharacterDevice(major, minor)
    } else if kind.is_block_device() {
        EntryKind::BlockDevice(major, minor)
    } else if kind.is_socket() {
        EntryKind::Socket
    } else {
        EntryKind::Fifo
    }
}
