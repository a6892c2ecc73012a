//! QCOW2: disks of QEMU, cluster by cluster, compressed or not.

use crate::blob::{Blob, Bytes, Endian, Span, to_u64};
use crate::codec::Codec;
use crate::format::disk::Disk;
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::{Budget, Effort, Exceeded};
use crate::problem::{Fault, Rejected};

/// QEMU copy-on-write, version 2 or 3.
#[derive(Debug)]
pub(super) struct Qcow2;

static SPEC: Spec = Spec {
    id: "qcow2",
    name: "QCOW2 disk",
    kind: Kind::Partition,
    magics: &[Magic::anywhere(b"QFI\xfb\0\0\0\x02"), Magic::anywhere(b"QFI\xfb\0\0\0\x03")],
    leaf: false,
    references: &["https://www.qemu.org/docs/master/interop/qcow2.html"],
    limitations: &["encrypted disks, those whose data is in another file, and the older states in snapshots are not read"],
};

impl Format for Qcow2 {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        Header::read(Bytes(blob.bytes().tail(start)))?;
        // Clusters stand in any order, so nothing says where the last one ends.
        Ok(Carved::new(u64::MAX, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let header = Header::read(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        if header.crypt != 0 {
            return Err(Fault::Encrypted("the disk is encrypted".to_owned()));
        }
        if header.features & DATA_ELSEWHERE != 0 {
            return Err(Fault::unsupported("the data of the disk is in another file"));
        }
        if header.backing.length > 0 {
            let name = crate::format::path_text(image.up_to(header.backing.start, header.backing.length.min(1023)));
            children.problem(&Fault::unsupported(format!("what is not in this image is in {name:?}")), Some(header.backing.start));
        }
        let mut disk = Disk::new(header.size, children);
        let mut effort = Effort::new(children.budget(), image.len());
        for index in 0..header.tables {
            let at = header.first.saturating_add(index.saturating_mul(8));
            let Ok(entry) = image.u64(at, Endian::Big) else {
                disk.lacks(Fault::Truncated("the end of the table of tables is missing".to_owned()));
                break;
            };
            if entry & OFFSET != 0 && !disk.is_full() {
                effort.spend(header.cluster())?;
                header.table(image, entry & OFFSET, index, &mut disk)?;
            }
        }
        Ok(disk.deliver(image.len(), children)?)
    }
}

/// Bits of an entry that are a place.
const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;
const COMPRESSED: u64 = 1 << 62;

/// Bits of the features that a reader must know.
const DATA_ELSEWHERE: u64 = 4;
const SUBCLUSTERS: u64 = 16;
const KNOWN: u64 = 0x1f;

/// The header; all numbers big endian:
///
/// ```text
///  0 "QFI\xfb"   4 version u32   8 where the name of the backing file stands u64   16 its length u32   20 log2 of a cluster u32
/// 24 bytes of the disk u64   32 encryption u32   36 entries of the first table u32   40 where it stands u64   48 reference counts u64
/// version 3: 72 features u64 (1 dirty, 2 corrupt, 4 data elsewhere, 8 compression says what, 10 subclusters)   104 compression u8
/// ```
struct Header {
    backing: Span,
    bits: u32,
    size: u64,
    crypt: u32,
    tables: u64,
    first: u64,
    features: u64,
    codec: Codec,
}

impl Header {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let (word, long) = (|at| bytes.u32(at, Endian::Big), |at| bytes.u64(at, Endian::Big));
        let version = word(4)?;
        if !bytes.has(0, b"QFI\xfb") || !matches!(version, 2 | 3) {
            return Err(Rejected("magic or version"));
        }
        let features = if version == 3 { long(72)? } else { 0 };
        let compression = if features & 8 != 0 { bytes.u8(104)? } else { 0 };
        let header = Self {
            backing: Span::new(long(8)?, word(16)?.into()),
            bits: word(20)?,
            size: long(24)?,
            crypt: word(32)?,
            tables: word(36)?.into(),
            first: long(40)?,
            features,
            codec: if compression == 1 { Codec::Zstd } else { Codec::Deflate },
        };
        let sound = (9..=21).contains(&header.bits) && header.crypt <= 2 && compression <= 1 && features & !KNOWN == 0;
        if !sound || header.size > 1 << 56 || header.first.checked_rem(header.cluster()) != Some(0) || long(48)? & 511 != 0 {
            return Err(Rejected("sizes or features"));
        }
        Ok(header)
    }

    fn cluster(&self) -> u64 {
        1_u64.checked_shl(self.bits).unwrap_or(1)
    }

    /// Puts what the second table at `at` says on the disk: it is the table of number `index`.
    fn table(&self, image: Bytes<'_>, at: u64, index: u64, disk: &mut Disk<'_>) -> Result<(), Exceeded> {
        let width = if self.features & SUBCLUSTERS == 0 { 8 } else { 16 };
        let entries = self.cluster().checked_div(width).unwrap_or(0);
        let table = Bytes(image.up_to(at, self.cluster()));
        if table.len() < self.cluster() {
            disk.lacks(Fault::Truncated("the end of a table of clusters is missing".to_owned()));
        }
        for number in 0..entries {
            let Ok(entry) = table.u64(number.saturating_mul(width), Endian::Big) else { break };
            if entry == 0 {
                continue;
            }
            let place = index.saturating_mul(entries).saturating_add(number).saturating_mul(self.cluster());
            let parts = if width == 16 { table.u64(number.saturating_mul(16).saturating_add(8), Endian::Big).unwrap_or(0) } else { 0 };
            self.put(image, entry, parts, place, disk)?;
        }
        Ok(())
    }

    fn put(&self, image: Bytes<'_>, entry: u64, parts: u64, place: u64, disk: &mut Disk<'_>) -> Result<(), Exceeded> {
        if entry & COMPRESSED != 0 {
            return match self.decompress(image, entry) {
                Ok(bytes) => disk.put(place, &bytes),
                Err(fault) => {
                    disk.lacks(fault);
                    Ok(())
                }
            };
        }
        // Bit 0: all zero, whatever stands there.
        let stored = Bytes(image.up_to(entry & OFFSET, self.cluster()));
        if entry & OFFSET == 0 || (self.features & SUBCLUSTERS == 0 && entry & 1 != 0) {
            return Ok(());
        }
        // 32 parts of a cluster: the lower bits say which are there, the upper which are zero.
        let (part, parts) = if self.features & SUBCLUSTERS == 0 { (self.cluster(), 1) } else { (self.cluster() >> 5, parts) };
        for number in (0..32).filter(|number| parts >> number & 1 != 0) {
            let start = part.saturating_mul(number);
            let bytes = stored.up_to(start, part);
            if to_u64(bytes.len()) < part {
                disk.lacks(Fault::Truncated("clusters are behind the end of the image".to_owned()));
            }
            disk.put(place.saturating_add(start), bytes)?;
        }
        Ok(())
    }

    /// A compressed cluster: where it stands in the lower bits, above them how many more sectors of 512 bytes it reaches into.
    fn decompress(&self, image: Bytes<'_>, entry: u64) -> Result<Vec<u8>, Fault> {
        let width = 70_u32.saturating_sub(self.bits);
        let mask = 1_u64.checked_shl(width).unwrap_or(0).wrapping_sub(1);
        let (start, sectors) = (entry & mask, (entry & !(COMPRESSED | 1 << 63)).checked_shr(width).unwrap_or(0));
        let length = sectors.saturating_add(1).saturating_mul(512).saturating_sub(start & 511);
        let bytes = self.codec.block(image.up_to(start, length), self.cluster())?;
        if to_u64(bytes.len()) < self.cluster() {
            return Err(Fault::corrupt("a compressed cluster is too short"));
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::disk::NAME;
    use crate::format::testing::disk::{converted, raw};
    use crate::format::testing::{carve, survives_damage, tool, tree, unpack};
    use crate::problem::Code;

    #[test]
    fn disks_come_back() {
        if crate::testing::lacking(&["qemu-img"]) {
            return;
        }
        for options in [
            &["-O", "qcow2", "-o", "compat=0.10"][..],
            &["-O", "qcow2"],
            &["-O", "qcow2", "-c"],
            &["-O", "qcow2", "-c", "-o", "cluster_size=512"],
            &["-O", "qcow2", "-o", "compression_type=zstd", "-c"],
            &["-O", "qcow2", "-o", "extended_l2=on,cluster_size=131072"],
        ] {
            let image = converted(options);
            let unpacked = unpack(&Qcow2, &image);
            assert_eq!(unpacked.problems, [], "{options:?}");
            assert!(unpacked.file(NAME) == raw(), "{options:?}");
        }
        survives_damage(&Qcow2, &converted(&["-O", "qcow2", "-c"]));
    }

    #[test]
    fn a_backing_file_and_a_cut_are_told() {
        if crate::testing::lacking(&["qemu-img"]) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("image");
        std::fs::write(folder.path().join("base.img"), [0; 65536]).unwrap();
        tool(std::process::Command::new("qemu-img").args(["create", "-q", "-f", "qcow2", "-b", "base.img", "-F", "raw"]).arg(&image));
        let unpacked = unpack(&Qcow2, &std::fs::read(&image).unwrap());
        assert_eq!(unpacked.problems, [(Code::Unsupported, "what is not in this image is in \"base.img\"".to_owned())]);
        let image = converted(&["-O", "qcow2"]);
        let cut = unpack(&Qcow2, &image[..image.len() / 2]);
        assert!(cut.problems.iter().all(|(code, _)| *code == Code::Truncated) && !cut.problems.is_empty());
        assert!(cut.file(NAME).starts_with(&tree::noise(70_000)));
        assert_eq!(
            carve(&Qcow2, b"QFI\xfb\0\0\0\x02 is the magic and more than a hundred bytes follow, which are no header of a disk at all", 0),
            None
        );
    }
}
