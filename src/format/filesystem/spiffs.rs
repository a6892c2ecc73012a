//! SPIFFS: the file system of small NOR flash chips, as ESP8266 and ESP32 have them. It has no header: it is told by its structure.

use std::collections::BTreeMap;

use crate::blob::{Blob, Bytes, Span};
use crate::format::{Attributes, Carved, Children, EntryKind, Format, Kind, Magic, Spec, entry_path};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

mod layout;
#[cfg(test)]
mod tests;

use layout::{Geometry, Index, Page};

/// SPI Flash File System.
#[derive(Debug)]
pub(super) struct Spiffs;

/// How the first page of a file begins, behind the number of the file: part 0, used and final, three bytes of padding.
const FIRST_PAGE: &[u8] = &[0, 0, 0xf8, 0xff, 0xff, 0xff];

static SPEC: Spec = Spec {
    id: "spiffs",
    name: "SPIFFS",
    kind: Kind::FileSystem,
    magics: &[
        // It may have no magic, and its first file may be gone.
        Magic::start(b""),
        // The first file of a file system that a tool made, by where the tables of the first block may end.
        Magic::anywhere(FIRST_PAGE).at(256 + 2),
        Magic::anywhere(FIRST_PAGE).at(512 + 2),
        Magic::anywhere(FIRST_PAGE).at(1024 + 2),
        Magic::anywhere(FIRST_PAGE).at(2048 + 2),
        Magic::anywhere(FIRST_PAGE).at(4096 + 2),
    ],
    leaf: false,
    references: &["https://github.com/pellepl/spiffs/wiki/FAQ", "https://github.com/pellepl/spiffs/blob/master/src/spiffs_nucleus.h"],
    limitations: &["numbers of files of other than 16 bits", "times and what else a system keeps beside a name", "deleted files"],
};

impl Format for Spiffs {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, budget: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let image = Bytes(blob.bytes().tail(start));
        let geometry = Geometry::of(image, budget)?;
        Ok(Carved::new(geometry.length(), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let geometry = Geometry::of(image, children.budget()).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let mut files: BTreeMap<u16, File> = BTreeMap::new();
        for page in geometry.pages(image) {
            children.budget().check()?;
            let file = files.entry(page.file).or_default();
            match page.index(image, &geometry) {
                Some(index) => file.index = Some(index),
                None if !page.is_index => _ = file.parts.insert(page.part, page),
                None => {}
            }
        }
        for (number, file) in files {
            file.hand_over(number, image, &geometry, children)?;
        }
        if geometry.length() > image.len() {
            return Err(Fault::Truncated(format!("{} of {} bytes are there", image.len(), geometry.length())));
        }
        Ok(())
    }
}

/// What all pages say of a file.
#[derive(Debug, Default)]
struct File {
    index: Option<Index>,
    /// Pages with its content, by their number within the file.
    parts: BTreeMap<u16, Page>,
}

impl File {
    fn hand_over(self, number: u16, image: Bytes<'_>, geometry: &Geometry, children: &mut Children<'_>) -> Result<(), Fault> {
        let room = geometry.content();
        let there = self.parts.keys().next_back().map_or(0, |last| u64::from(*last).saturating_add(1)).saturating_mul(room);
        let Some(index) = self.index else {
            if !self.parts.is_empty() {
                children.problem(&Fault::corrupt(format!("{} pages of file {number} have no name", self.parts.len())), None);
            }
            return Ok(());
        };
        let path = entry_path(index.name.strip_prefix(b"/").unwrap_or(&index.name));
        if index.kind == layout::FOLDER {
            children.entry(path, EntryKind::Directory, Attributes::default());
            return Ok(());
        }
        // A file that was being written has no size yet.
        let size = index.size.map_or(there, u64::from);
        if let Some(page) = self.parts.get(&0).filter(|_| size > 0 && size <= room) {
            children.span(path, Span::new(page.content_at(), size), Attributes::default())?;
            return Ok(());
        }
        let mut output = children.output();
        let mut missing = 0_u64;
        let wanted = size.div_ceil(room);
        for (part, page) in self.parts.iter().take_while(|(part, _)| u64::from(**part) < wanted) {
            let start = u64::from(*part).saturating_mul(room);
            missing = missing.saturating_add(start.saturating_sub(output.len()));
            output.zeros(start.saturating_sub(output.len()))?;
            output.push(image.up_to(page.content_at(), room.min(size.saturating_sub(start))))?;
        }
        missing = missing.saturating_add(size.saturating_sub(output.len()));
        let fault = (missing > 0).then(|| Fault::corrupt(format!("{missing} of its {size} bytes are on no page")));
        Ok(children.made_with(path, output, Attributes::default(), fault.as_ref())?)
    }
}
