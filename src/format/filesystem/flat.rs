//! File systems without folders, one table of names and places: what makers of chips and of small systems put beside their programs.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::codec::{Codec, Stream};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, path_text};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// One of them.
#[derive(Debug)]
pub(super) struct Flat {
    spec: Spec,
    layout: Layout,
}

/// What differs between them. Places count from the start of the image, or of an entry.
#[derive(Debug)]
struct Layout {
    /// Where the number of files is.
    count: u64,
    /// Where a number is that must be this.
    version: Option<(u64, u32)>,
    /// Bytes that must be as in erased flash, up to the first entry.
    blank: u64,
    /// Where the entries start, and bytes of each.
    entries: u64,
    entry: u64,
    /// Bytes of the name at the start of an entry.
    name: u64,
    /// Where the offset and the length of the file are.
    offset: u64,
    length: u64,
    /// Where a number is that must be this in every entry.
    mark: Option<(u64, u32)>,
    /// Whether files are LZMA.
    compressed: bool,
}

/// Ambarella: SDKs of camera chips keep calibration and programs of their signal processors in it.
///
/// ```text
/// 0 u32 files    4 u32 0x66fc328a    8 erased flash
/// 2048 for each file: char[116] name, u32 offset, u32 length, u32 0x2387ab76
/// ```
pub(super) static AMBARELLA: Flat = Flat {
    spec: Spec {
        id: "ambarella-romfs",
        name: "Ambarella romfs",
        kind: Kind::FileSystem,
        magics: &[Magic::anywhere(&[0x8a, 0x32, 0xfc, 0x66]).at(4)],
        leaf: false,
        references: &[
            "https://courses.cs.ut.ee/MTAT.07.022/2015_spring/uploads/Main/karl-report-s15.pdf",
            "https://github.com/armijnhemel/binaryanalysis-ng/blob/master/src/bang/parsers/filesystem/romfs_ambarella/romfs_ambarella.ksy",
        ],
        limitations: &[],
    },
    layout: Layout {
        count: 0,
        version: None,
        blank: 8,
        entries: 2048,
        entry: 128,
        name: 116,
        offset: 116,
        length: 120,
        mark: Some((124, 0x2387_ab76)),
        compressed: false,
    },
};

/// VxWorks memfs of small routers.
///
/// ```text
/// 0 "owow...", 32 bytes    32 u32 version, 1    36 u32 files    40 u32 unknown
/// 44 for each file: char[40] name, u32 length, u32 offset
/// ```
pub(super) static MEMFS: Flat = Flat {
    spec: Spec {
        id: "vxworks-memfs",
        name: "VxWorks memfs",
        kind: Kind::FileSystem,
        magics: &[Magic::anywhere(b"owowowowowowowowowowowowowowowow")],
        leaf: false,
        references: &[
            "https://blog.quarkslab.com/reverse-engineering-a-vxworks-os-based-router.html",
            "https://github.com/armijnhemel/binaryanalysis-ng/blob/master/src/bang/parsers/filesystem/vxworks_memfs/vxworks_memfs.ksy",
        ],
        limitations: &[],
    },
    layout: Layout {
        count: 36,
        version: Some((32, 1)),
        blank: 44,
        entries: 44,
        entry: 48,
        name: 40,
        offset: 44,
        length: 40,
        mark: None,
        compressed: true,
    },
};

const MOST_FILES: u64 = 0x1_0000;
/// No file starts further away.
const LARGEST: u64 = 1 << 30;

/// A file's entry.
struct File<'a> {
    name: &'a [u8],
    span: Span,
}

struct Image<'a> {
    bytes: Bytes<'a>,
    layout: &'static Layout,
    endian: Endian,
    files: u64,
}

impl<'a> Image<'a> {
    fn read(bytes: Bytes<'a>, layout: &'static Layout) -> Result<Self, Rejected> {
        let read = |endian| {
            let files = u64::from(bytes.u32(layout.count, endian)?);
            if layout.version.is_some_and(|(at, version)| bytes.u32(at, endian) != Ok(version)) {
                return Err(Rejected("version"));
            }
            if !(1..=MOST_FILES).contains(&files) {
                return Err(Rejected("files"));
            }
            Ok(Self { bytes, layout, endian, files })
        };
        let blank = bytes.get(layout.blank, layout.entries.saturating_sub(layout.blank))?;
        if blank.iter().any(|byte| *byte != 0xff) {
            return Err(Rejected("padding"));
        }
        let whole = |image: Self| image.file(0).map(|_| image);
        read(Endian::Little).and_then(whole).or_else(|_| read(Endian::Big).and_then(whole))
    }

    /// The entry of a file, wholly checked.
    fn file(&self, number: u64) -> Result<File<'a>, Rejected> {
        let at = self.layout.entries.saturating_add(number.saturating_mul(self.layout.entry));
        let word = |field: u64| self.bytes.u32(at.saturating_add(field), self.endian);
        let name = self.bytes.text(at, self.layout.name)?;
        if name.is_empty() || name.iter().any(u8::is_ascii_control) {
            return Err(Rejected("name"));
        }
        if self.layout.mark.is_some_and(|(field, mark)| word(field) != Ok(mark)) {
            return Err(Rejected("mark"));
        }
        let table = self.layout.entries.saturating_add(self.files.saturating_mul(self.layout.entry));
        let span = Span::new(word(self.layout.offset)?.into(), word(self.layout.length)?.into());
        if (span.start < table && span.length > 0) || span.end() > LARGEST {
            return Err(Rejected("place"));
        }
        Ok(File { name, span })
    }

    fn hand_over(&self, file: &File<'_>, children: &mut Children<'_>) -> Result<(), Fault> {
        let there = self.bytes.up_to(file.span.start, file.span.length);
        if self.layout.compressed && !there.is_empty() {
            let Stream { output, fault, .. } = Codec::Lzma.stream(there, children.budget());
            if fault.is_none() || !output.is_empty() {
                children.made_with(path_text(file.name), output, Attributes::default(), fault.as_ref())?;
                return Ok(());
            }
        }
        Ok(children.span(path_text(file.name), file.span, Attributes::default())?)
    }
}

impl Format for Flat {
    fn spec(&self) -> &'static Spec {
        if self.layout.compressed { &MEMFS.spec } else { &AMBARELLA.spec }
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let image = Image::read(Bytes(blob.bytes().tail(start)), self.layout())?;
        let mut end = 0;
        for number in 0..image.files {
            match image.file(number) {
                Ok(file) => end = end.max(file.span.end()),
                // A truncated table is still one.
                Err(Rejected("too short")) => break,
                Err(why) => return Err(why),
            }
        }
        let table = image.layout.entries.saturating_add(image.files.saturating_mul(image.layout.entry));
        Ok(Carved::new(end.max(table), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = Image::read(blob.bytes(), self.layout()).map_err(|why| Fault::corrupt(why.0))?;
        for number in 0..image.files {
            match image.file(number) {
                Ok(file) => image.hand_over(&file, children)?,
                Err(why) => return Err(Fault::Truncated(format!("entry {number} of {}: {}", image.files, why.0))),
            }
        }
        Ok(())
    }
}

impl Flat {
    fn layout(&self) -> &'static Layout {
        if self.layout.compressed { &MEMFS.layout } else { &AMBARELLA.layout }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    const CAMERA: &[u8] = include_bytes!("../../../fixtures/ambarella-romfs/files.romfs");
    const ROUTER: &[u8] = include_bytes!("../../../fixtures/vxworks-memfs/files.memfs");
    const STORY: &[u8] = include_bytes!("../../../fixtures/content/tree/story.txt");

    #[test]
    fn files_by_name() {
        for (format, image) in [(&AMBARELLA, CAMERA), (&MEMFS, ROUTER)] {
            let among = [vec![0x5a; 9], image.to_vec(), b"next".to_vec()].concat();
            assert_eq!(carve(format, &among, 9), Some(image.len() as u64));
            let unpacked = unpack_at(format, &among, 9);
            assert_eq!(unpacked.names(), ["story.txt", "tool", "motd"]);
            assert_eq!(unpacked.file("story.txt"), STORY);
            assert_eq!(unpacked.problems, []);
            let cut = unpack(format, &image[..image.len() - 20]);
            assert_eq!((cut.files.len(), cut.problems.len()), (3, 1));
            assert_eq!(cut.problems[0].0, Code::Truncated);
            survives_damage(format, image);
        }
    }

    #[test]
    fn four_bytes_are_none() {
        assert_eq!(carve(&AMBARELLA, &[&[1, 0, 0, 0, 0x8a, 0x32, 0xfc, 0x66][..], &[0; 4096]].concat(), 0), None);
        assert_eq!(carve(&AMBARELLA, &[&[1, 0, 0, 0, 0x8a, 0x32, 0xfc, 0x66][..], &[0xff; 4096]].concat(), 0), None);
        assert_eq!(carve(&MEMFS, b"owowowowowowowowowowowowowowowowowowowowowowowowowowowowowowowow", 0), None);
    }
}
