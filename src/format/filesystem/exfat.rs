//! exFAT: the file system of large memory cards.

use std::collections::BTreeSet;

use crate::blob::{Blob, Bytes};
use crate::format::extents::File;
use crate::format::{Attributes, Carved, Children, EntryKind, Format, Kind, Magic, Spec};
use crate::limits::{Budget, Effort, Exceeded};
use crate::problem::{Fault, Rejected};

mod boot;
mod folder;

use boot::Boot;
use folder::Named;

/// Extended File Allocation Table.
#[derive(Debug)]
pub(super) struct ExFat;

static SPEC: Spec = Spec {
    id: "exfat",
    name: "exFAT",
    kind: Kind::FileSystem,
    magics: &[Magic::anywhere(b"\xeb\x76\x90EXFAT   ")],
    leaf: false,
    references: &["https://learn.microsoft.com/en-us/windows/win32/fileio/exfat-specification"],
    limitations: &["deleted files are not recovered"],
};

/// Longer paths cannot be used anywhere: only a broken or hostile image has them.
const LONGEST_PATH: usize = 4096;

impl Format for ExFat {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let boot = Boot::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(boot.length, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let boot = Boot::read(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        if let Some(fault) = boot.checksum(image) {
            children.problem(&fault, Some(0));
        }
        let effort = Effort::new(children.budget(), image.len());
        let length = boot.length;
        let mut walk = Walk { image, boot, seen: BTreeSet::new(), folders: Vec::new(), effort, children };
        walk.run()?;
        if length > image.len() {
            return Err(Fault::Truncated(format!("{} of {length} bytes are there", image.len())));
        }
        Ok(())
    }
}

/// From the root folder to everything below it.
struct Walk<'a, 'c, 'w> {
    image: Bytes<'a>,
    boot: Boot,
    /// First clusters of the folders that were listed.
    seen: BTreeSet<u32>,
    /// Folders still to be listed, the next one last.
    folders: Vec<(Named, String)>,
    effort: Effort<'w>,
    children: &'c mut Children<'w>,
}

impl Walk<'_, '_, '_> {
    fn run(&mut self) -> Result<(), Exceeded> {
        self.folders.push((Named::root(self.boot.root), String::new()));
        while let Some((folder, path)) = self.folders.pop() {
            let waiting = self.folders.len();
            self.folder(&folder, &path)?;
            if let Some(new) = self.folders.get_mut(waiting..) {
                new.reverse();
            }
        }
        Ok(())
    }

    fn folder(&mut self, folder: &Named, path: &str) -> Result<(), Exceeded> {
        let size = folder.size;
        if size == Some(0) {
            return Ok(());
        }
        if !self.seen.insert(folder.cluster) {
            self.children.problem(&Fault::corrupt(format!("the folder {path:?} is there twice")), None);
            return Ok(());
        }
        let (extents, fault) = self.boot.extents(self.image, folder, &mut self.effort)?;
        let mut bytes = self.children.output();
        let cut = extents.read(self.image, size.unwrap_or(extents.length()), &mut bytes)?;
        let listed = folder::list(Bytes(bytes.as_slice()));
        if listed.broken > 0 {
            self.children.problem(&Fault::corrupt(format!("{} entries of the folder {path:?} are broken", listed.broken)), None);
        }
        if let Some(fault) = fault.or(cut).filter(|_| !listed.ended) {
            self.children.problem(&Fault::corrupt(format!("the folder {path:?}: {fault}")), None);
        }
        for named in listed.named {
            self.named(named, path)?;
        }
        Ok(())
    }

    fn named(&mut self, named: Named, folder: &str) -> Result<(), Exceeded> {
        let path = if folder.is_empty() { named.name.clone() } else { format!("{folder}/{}", named.name) };
        let attributes = Attributes { modified: named.modified, ..Attributes::default() };
        if !named.folder {
            return self.file(&named, path, attributes);
        }
        if path.len() > LONGEST_PATH {
            self.children.problem(&Fault::corrupt(format!("the folder {path:.200?} is too deep")), None);
            return Ok(());
        }
        self.children.entry(path.clone(), EntryKind::Directory, attributes);
        self.folders.push((named, path));
        Ok(())
    }

    fn file(&mut self, named: &Named, path: String, attributes: Attributes) -> Result<(), Exceeded> {
        let size = named.size.unwrap_or(0);
        let (mut extents, fault) = self.boot.extents(self.image, named, &mut self.effort)?;
        // What was never written is zero, whatever stands in its clusters.
        if named.written < size && fault.is_none() {
            extents = extents.first(named.written);
            extents.hole(size.saturating_sub(named.written));
        }
        extents.deliver(File { name: path, size, attributes, fault: fault.as_ref() }, self.image, self.children)
    }
}

#[cfg(test)]
mod tests;
