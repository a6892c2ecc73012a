//! FAT12, FAT16 and FAT32 file systems, with long names.

use crate::blob::{Blob, Bytes, Span};
use crate::format::{Attributes, Carved, Children, EntryKind, Format, Kind, Magic, Spec};
use crate::limits::{Budget, Exceeded, Output};
use crate::problem::{Fault, Rejected};

mod boot;
mod chain;
mod folder;

use boot::{Boot, Root};
use chain::{Chain, Chains};
use folder::{Named, Reader};

/// File Allocation Table.
#[derive(Debug)]
pub(super) struct Fat;

static SPEC: Spec = Spec {
    id: "fat",
    name: "FAT12/16/32",
    kind: Kind::FileSystem,
    magics: &[
        // BS_FilSysType
        Magic::anywhere(b"FAT12   ").at(0x36),
        Magic::anywhere(b"FAT16   ").at(0x36),
        Magic::anywhere(b"FAT32   ").at(0x52),
        // BS_jmpBoot as all formatting programs write it
        Magic::anywhere(&[0xeb, 0x3c, 0x90]),
        Magic::anywhere(&[0xeb, 0x58, 0x90]),
    ],
    leaf: false,
    references: &["https://download.microsoft.com/download/1/6/1/161ba512-40e2-4cc9-843a-923143f3456c/fatgen103.doc"],
    limitations: &["deleted files are not recovered", "short names that are no ASCII keep the bytes of their unknown code page"],
};

/// Longer paths cannot be used anywhere: only a broken or hostile image has them.
const LONGEST_PATH: usize = 4096;

/// Whether these bytes begin as a FAT volume does: other formats must not take its boot sector for theirs.
pub(in crate::format) fn is_boot_sector(bytes: Bytes<'_>) -> bool {
    Boot::read(bytes).is_ok()
}

impl Format for Fat {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let image = Bytes(blob.bytes().tail(start));
        let boot = Boot::read(image)?;
        boot.table(image).ok_or(Rejected("no allocation table"))?;
        Ok(Carved::new(boot.length, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let boot = Boot::read(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let table = boot.table(image).ok_or_else(|| Fault::corrupt("no allocation table"))?;
        let (root, length) = (boot.root, boot.length);
        let mut walk = Walk { image, chains: Chains::new(boot, table), folders: Vec::new(), children };
        walk.run(root)?;
        if length > image.len() {
            return Err(Fault::Truncated(format!("{} of {length} bytes are there", image.len())));
        }
        Ok(())
    }
}

/// From the root folder to everything below it.
struct Walk<'a, 'c, 'w> {
    image: Bytes<'a>,
    chains: Chains<'a>,
    /// First cluster and path of folders still to be read, the next one last.
    folders: Vec<(u32, String)>,
    children: &'c mut Children<'w>,
}

impl Walk<'_, '_, '_> {
    fn run(&mut self, root: Root) -> Result<(), Exceeded> {
        match root {
            Root::Fixed(span) => self.folder(&Chain { spans: vec![span], fault: None }, "")?,
            Root::Chain(cluster) => self.folders.push((cluster, String::new())),
        }
        self.folders.reverse();
        while let Some((cluster, path)) = self.folders.pop() {
            let waiting = self.folders.len();
            let chain = self.chains.follow(cluster, None);
            self.folder(&chain, &path)?;
            if let Some(new) = self.folders.get_mut(waiting..) {
                new.reverse();
            }
        }
        Ok(())
    }

    fn folder(&mut self, chain: &Chain, path: &str) -> Result<(), Exceeded> {
        self.children.budget().check()?;
        let at = chain.spans.first().map(|span| span.start);
        let mut reader = Reader::default();
        for piece in chain.pieces(self.image) {
            for entry in piece.chunks_exact(32) {
                if let Some(named) = reader.next(Bytes(entry)) {
                    self.entry(named, path)?;
                }
                if reader.ended {
                    break;
                }
            }
        }
        if reader.broken > 0 {
            self.children.problem(&Fault::corrupt(format!("{} entries of the folder {path:?} are broken", reader.broken)), at);
        }
        if let Some(fault) = chain.fault.as_ref().filter(|_| !reader.ended) {
            self.children.problem(&Fault::corrupt(format!("the folder {path:?}: {fault}")), at);
        } else if !reader.ended && chain.is_cut(self.image) {
            self.children.problem(&Fault::Truncated(format!("the end of the folder {path:?} is missing")), at);
        }
        Ok(())
    }

    fn entry(&mut self, named: Named, folder: &str) -> Result<(), Exceeded> {
        let path = if folder.is_empty() { named.name } else { format!("{folder}/{}", named.name) };
        let attributes = Attributes { modified: named.modified, ..Attributes::default() };
        if !named.folder {
            return self.file(path, named.cluster, named.size.into(), attributes);
        }
        if path.len() > LONGEST_PATH {
            self.children.problem(&Fault::corrupt(format!("the folder {path:.200?} is too deep")), None);
            return Ok(());
        }
        self.children.entry(path.clone(), EntryKind::Directory, attributes);
        self.folders.push((named.cluster, path));
        Ok(())
    }

    fn file(&mut self, path: String, cluster: u32, size: u64, attributes: Attributes) -> Result<(), Exceeded> {
        let chain = self.chains.follow(cluster, Some(size));
        if let (None, [span]) = (&chain.fault, chain.spans.as_slice()) {
            return self.children.span(path, Span::new(span.start, size), attributes);
        }
        let mut output = self.children.output();
        match self.content(&chain, size, &mut output) {
            Ok(()) => {}
            // What one file alone may not do ends this file only.
            Err(limit @ (Exceeded::Artifact(_) | Exceeded::Ratio(_))) => {
                return self.children.made_with(path, output, attributes, Some(&limit.into()));
            }
            Err(limit) => return Err(limit),
        }
        let cut = chain.is_cut(self.image).then(|| Fault::Truncated("clusters of the file are behind the end of the image".to_owned()));
        self.children.made_with(path, output, attributes, chain.fault.or(cut).as_ref())
    }

    fn content(&self, chain: &Chain, size: u64, output: &mut Output<'_>) -> Result<(), Exceeded> {
        let mut position = 0_u64;
        for span in &chain.spans {
            let bytes = self.image.up_to(span.start, span.length.min(size.saturating_sub(position)));
            if !bytes.is_empty() {
                // Before it may be clusters that are not there.
                output.zeros(position.saturating_sub(output.len()))?;
                output.push(bytes)?;
            }
            position = position.saturating_add(span.length);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
