//! What the headers, tables and the version resource of a PE file say.

use super::ordered::Ordered;
use super::{Analyzer, Facts, Key, Subject};

mod debug;
mod exports;
mod header;
pub(super) mod image;
pub(super) mod imports;
mod names;
pub(super) mod rich;
mod version;

use image::Image;

/// PE programs, libraries and drivers, and the TE images of UEFI.
#[derive(Debug)]
pub(super) struct Pe;

impl Analyzer for Pe {
    fn id(&self) -> &'static str {
        "pe"
    }

    fn keys(&self) -> &'static [Key] {
        const {
            &[
                Key::new("pe.machine", "machine of a PE or TE header"),
                Key::new("pe.class", "width of a PE file's addresses in bits, 32 or 64"),
                Key::new("pe.type", "program or library"),
                Key::new("pe.subsystem", "what a PE or TE image runs under"),
                Key::new("pe.timestamp", "when it was linked, seconds since 1970, or a sum where builds are reproducible"),
                Key::new("pe.linker", "version of the linker"),
                Key::new("pe.section", "name of a section"),
                Key::new("pe.rich", "tool of Microsoft that had a part in it: product, build and how often (Rich header)"),
                Key::new("pe.rich-checksum", "valid or invalid: whether the Rich header's sum fits"),
                Key::new("pe.pdb", "file with the debug information"),
                Key::new("pe.pdb-id", "GUID and age, or time and age, by which that file is known"),
                Key::new("pe.company", "CompanyName of the version resource"),
                Key::new("pe.product", "ProductName of the version resource"),
                Key::new("pe.version", "ProductVersion of the version resource, or FileVersion where that lacks"),
                Key::new("pe.file-version", "FileVersion of the version resource"),
                Key::new("pe.description", "FileDescription of the version resource"),
                Key::new("pe.original-name", "OriginalFilename of the version resource"),
                Key::new("pe.internal-name", "InternalName of the version resource"),
                Key::new("pe.copyright", "LegalCopyright of the version resource"),
                Key::new("pe.trademarks", "LegalTrademarks of the version resource"),
                Key::new("pe.comments", "Comments of the version resource"),
                Key::new("pe.fixed-file-version", "version of the file in four numbers"),
                Key::new("pe.fixed-product-version", "version of the product in four numbers"),
                Key::new("pe.needed", "library that is needed"),
                Key::new("pe.import", "function that is taken from a library, `library!name` or `library!#number`"),
                Key::new("pe.export-name", "name by which a library exports"),
                Key::new("pe.export", "function that is defined for others"),
            ]
        }
    }

    fn analyze(&self, subject: &Subject<'_>, facts: &mut Facts<'_>) {
        let bytes = subject.blob.bytes();
        let mut found = Ordered::default();
        match subject.format {
            Some("te") => header::of_te(bytes, &mut found),
            Some("pe") => {
                if let Some(image) = Image::read(bytes) {
                    header::read(&image, &mut found);
                    rich::read(&image, &mut found);
                    debug::read(&image, &mut found);
                    imports::read(&image, &mut found);
                    exports::read(&image, &mut found);
                }
                version::read(bytes, &mut found);
            }
            _ => return,
        }
        found.deliver(subject, facts);
    }
}

#[cfg(test)]
pub(super) mod tests;
