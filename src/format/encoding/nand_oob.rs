//! Dumps of NAND flash as the chip has it: behind each page stands its spare area, with marks of bad blocks and checksums.

use crate::blob::{Blob, Bytes, Span};
use crate::format::filesystem::yaffs::{MAGICS, Yaffs};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// A raw dump of NAND flash.
#[derive(Debug)]
pub(super) struct NandOob;

static SPEC: Spec = Spec {
    id: "nand-oob",
    name: "NAND dump with spare areas",
    kind: Kind::Encoding,
    // There is none: it is told by what is the same in all spare areas and differs in all pages.
    magics: &[Magic::start(b"")],
    leaf: false,
    references: &[
        "http://www.linux-mtd.infradead.org/doc/nand.html",
        "https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree/drivers/mtd/nand/raw/nand_base.c",
    ],
    limitations: &[
        "checksums are not used to correct the pages",
        "dumps with spare areas inside the pages, and those whose marks of bad blocks are part of the checksums",
    ],
};

/// Bytes of a page, and of its spare area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Geometry {
    page: u64,
    spare: u64,
}

const fn sizes(page: u64, spare: u64) -> Geometry {
    Geometry { page, spare }
}

static GEOMETRIES: [Geometry; 14] = [
    sizes(2048, 64),
    sizes(512, 16),
    sizes(4096, 128),
    sizes(4096, 224),
    sizes(4096, 256),
    sizes(4096, 218),
    sizes(4096, 216),
    sizes(2048, 128),
    sizes(2048, 112),
    sizes(8192, 256),
    sizes(8192, 448),
    sizes(8192, 512),
    sizes(8192, 640),
    sizes(16384, 1024),
];

/// Pages that a dump has at least: half of the smallest erase block.
const LEAST_PAGES: u64 = 32;
/// Pages looked at.
const LOOKED_AT: u64 = 128;
/// Pages among those that must be written.
const LEAST_WRITTEN: u64 = 12;
/// Bytes of a spare area that are erased flash behind all pages, at least: the mark of a good block and one more.
const LEAST_ERASED: usize = 2;

impl Format for NandOob {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, budget: &'b Budget) -> Result<Carved<'b>, Rejected> {
        if start != 0 {
            return Err(Rejected("not at the start"));
        }
        Geometry::find(blob.bytes())?;
        // The spare areas of YAFFS are part of it.
        if starts_yaffs(blob, 0, budget).is_some_and(|length| length >= blob.len() / 2) {
            return Err(Rejected("a YAFFS"));
        }
        Ok(Carved::new(blob.len(), 0, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let geometry = Geometry::find(bytes).map_err(|why| Fault::corrupt(why.0))?;
        let (mut at, mut output, mut parts) = (0, children.output(), 0_u32);
        while at < bytes.len() {
            if let Some(length) = starts_yaffs(blob, at, children.budget()) {
                if !output.is_empty() {
                    let whole = std::mem::replace(&mut output, children.output());
                    children.made(format!("pages-{parts}"), whole, Attributes::default())?;
                    parts = parts.saturating_add(1);
                }
                children.span(format!("yaffs-{parts}"), Span::new(at, length), Attributes::default())?;
                parts = parts.saturating_add(1);
                at = at.saturating_add(length.div_ceil(geometry.unit()).max(1).saturating_mul(geometry.unit()));
                continue;
            }
            output.push(bytes.up_to(at, geometry.page))?;
            at = at.saturating_add(geometry.unit());
        }
        if !output.is_empty() {
            let name = if parts == 0 { "pages".to_owned() } else { format!("pages-{parts}") };
            children.made(name, output, Attributes::default())?;
        }
        Ok(())
    }
}

/// Bytes of the YAFFS that starts at `at`, which needs the spare areas that it stands in.
fn starts_yaffs(blob: &Blob, at: u64, budget: &Budget) -> Option<u64> {
    let marked = MAGICS.iter().any(|magic| blob.bytes().has(at, magic.bytes));
    marked.then(|| Yaffs.carve(blob, at, budget).ok()).flatten().map(|carved| carved.length)
}

impl Geometry {
    fn unit(self) -> u64 {
        self.page.saturating_add(self.spare)
    }

    fn find(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let whole = |geometry: &&Self| {
            let unit = geometry.unit();
            bytes.len().is_multiple_of(unit) && bytes.len() >= unit.saturating_mul(LEAST_PAGES)
        };
        GEOMETRIES.iter().filter(whole).find(|geometry| geometry.fits(bytes)).copied().ok_or(Rejected("no spare areas"))
    }

    /// Whether some columns of the spare areas are erased flash behind nearly all pages, the mark of bad blocks among them, and hardly any
    /// column of the pages is.
    fn fits(self, bytes: Bytes<'_>) -> bool {
        let (unit, marker) = (self.unit(), self.page.saturating_add(if self.page == 512 { 5 } else { 0 }));
        let pages = bytes.len().checked_div(unit).unwrap_or(0);
        let step = pages.div_ceil(LOOKED_AT).max(1);
        let mut erased = vec![0_u64; crate::blob::to_usize(unit)];
        let (mut written, mut unmarked) = (0_u64, 0_u64);
        for number in (0..pages).step_by(crate::blob::to_usize(step)) {
            let page = bytes.up_to(number.saturating_mul(unit), unit);
            if page.iter().all(|byte| *byte == 0xff) {
                continue;
            }
            written = written.saturating_add(1);
            unmarked = unmarked.saturating_add(u64::from(Bytes(page).u8(marker) != Ok(0xff)));
            if unmarked > LOOKED_AT / 16 {
                return false;
            }
            erased.iter_mut().zip(page).for_each(|(count, byte)| *count = count.saturating_add(u64::from(*byte == 0xff)));
        }
        let nearly_all = written.saturating_sub(written / 16);
        let (page, spare) = erased.split_at(crate::blob::to_usize(self.page).min(erased.len()));
        let columns = |counts: &[u64]| counts.iter().filter(|count| **count >= nearly_all).count();
        let marked = erased.get(crate::blob::to_usize(marker)).is_some_and(|count| *count >= nearly_all);
        written >= LEAST_WRITTEN && marked && columns(spare) >= LEAST_ERASED && columns(page) <= page.len() / 256
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::tree::{code, noise};
    use crate::format::testing::{carve, survives_damage, unpack};

    /// Spare areas as Linux fills them: two bytes for bad blocks, free bytes, checksums at the end.
    fn dump(content: &[u8], page: usize, spare: usize) -> Vec<u8> {
        let sums = noise(content.len() / page * spare + spare);
        let mut out = Vec::new();
        for (number, data) in content.chunks(page).enumerate() {
            out.extend(data);
            out.resize(out.len() + page - data.len(), 0xff);
            let ecc = if data.iter().all(|byte| *byte == 0xff) { spare } else { spare / 2 };
            out.extend(vec![0xff; ecc]);
            out.extend(&sums[number * spare..number * spare + spare - ecc]);
        }
        out
    }

    #[test]
    fn pages_come_without_what_is_behind_them() {
        let content = [code(200_000), vec![0xff; 65_536 + 1408], noise(70_000)].concat();
        for (page, spare) in [(512, 16), (2048, 64), (4096, 128), (4096, 224), (4096, 256), (8192, 448)] {
            let image = dump(&content, page, spare);
            assert_eq!(carve(&NandOob, &image, 0), Some(image.len() as u64), "{page}+{spare}");
            let unpacked = unpack(&NandOob, &image);
            assert_eq!(unpacked.names(), ["pages"]);
            assert!(unpacked.file("pages").starts_with(&content), "{page}+{spare}");
            assert_eq!(unpacked.problems, []);
        }
        survives_damage(&NandOob, &dump(&content[..100_000], 2048, 64));
    }

    #[test]
    fn a_bad_block_does_no_harm() {
        let content = code(400_000);
        let mut image = dump(&content, 2048, 64);
        image[2112 * 64 + 2048] = 0;
        assert!(unpack(&NandOob, &image).file("pages").starts_with(&content));
    }

    #[test]
    fn other_bytes_are_none() {
        for length in [2112 * 64, 528 * 256, 4320 * 64] {
            assert_eq!(carve(&NandOob, &noise(length), 0), None);
            assert_eq!(carve(&NandOob, &code(length), 0), None);
            assert_eq!(carve(&NandOob, &vec![0; length], 0), None);
            assert_eq!(carve(&NandOob, &vec![0xff; length], 0), None);
            // A pattern that comes again and again comes again in the pages, too.
            let pattern: Vec<u8> = (0..length).map(|at| if at % 33 < 5 { 0xff } else { at.to_le_bytes()[1] }).collect();
            assert_eq!(carve(&NandOob, &pattern, 0), None);
        }
        assert_eq!(carve(&NandOob, b"", 0), None);
    }

    #[test]
    fn yaffs_keeps_its_spare_areas() {
        if crate::testing::lacking(&["python3"]) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), code(150_000)).unwrap();
        let writer = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/make/flash_yaffs.py");
        let path = folder.path().join("image");
        let mut command = std::process::Command::new("python3");
        let root = tempfile::tempdir().unwrap();
        std::fs::rename(folder.path().join("file"), root.path().join("file")).unwrap();
        crate::format::testing::tool(command.arg(writer).args([root.path(), &path]).args(["--tags-at", "2", "--ecc"]));
        let yaffs = std::fs::read(path).unwrap();
        assert_eq!(carve(&NandOob, &yaffs, 0), None, "that is a YAFFS, and nothing else");
        let boot = code(300_000);
        let mixed = [dump(&boot, 2048, 64), yaffs.clone(), dump(&boot, 2048, 64)].concat();
        let unpacked = unpack(&NandOob, &mixed);
        assert_eq!(unpacked.names(), ["pages-0", "yaffs-1", "pages-2"]);
        assert_eq!(unpacked.file("yaffs-1"), yaffs);
        assert!(unpacked.file("pages-2").starts_with(&boot));
    }
}
