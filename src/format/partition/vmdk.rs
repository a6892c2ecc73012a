//! VMDK: disks of VMware that hold only what was written, compressed or not.

use crate::blob::{Blob, Bytes, Endian, Span, to_u64};
use crate::codec::Codec;
use crate::format::disk::Disk;
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::{Budget, Effort, Exceeded};
use crate::problem::{Fault, Rejected};

/// Virtual machine disk: monolithic sparse, and optimized for streams.
#[derive(Debug)]
pub(super) struct Vmdk;

static SPEC: Spec = Spec {
    id: "vmdk",
    name: "VMDK disk",
    kind: Kind::Partition,
    magics: &[Magic::anywhere(b"KDMV\x01\0\0\0"), Magic::anywhere(b"KDMV\x02\0\0\0"), Magic::anywhere(b"KDMV\x03\0\0\0")],
    leaf: false,
    references: &["https://www.vmware.com/app/vmdk/?src=vmdk", "https://github.com/libyal/libvmdk/tree/main/documentation"],
    limitations: &[
        "disks whose parts are in several files: each part is read alone",
        "the sparse files of ESX (COWD, SESPARSE) are not recognized",
    ],
};

const SECTOR: u64 = 512;
/// The tables are at the end, so that the image can be written in one go.
const TABLES_AT_END: u64 = u64::MAX;

impl Format for Vmdk {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        Header::read(Bytes(blob.bytes().tail(start)))?;
        // Grains stand in any order.
        Ok(Carved::new(u64::MAX, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let header = Header::read(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let text = Bytes(image.up_to(header.descriptor.start, header.descriptor.length));
        let text = text.text(0, text.len()).unwrap_or_default();
        if !text.is_empty() {
            let span = Span::new(header.descriptor.start, to_u64(text.len()));
            children.span("descriptor.vmdk", span, Attributes::default())?;
        }
        let mut disk = Disk::new(header.size, children);
        if header.tables == TABLES_AT_END {
            header.stream(image, &mut disk)?;
        } else {
            let mut effort = Effort::new(children.budget(), image.len());
            header.sparse(image, &mut disk, &mut effort)?;
        }
        Ok(disk.deliver(image.len(), children)?)
    }
}

/// The header; numbers little endian, places and sizes in sectors of 512 bytes:
///
/// ```text
///  0 "KDMV"   4 version u32   8 flags u32 (10000: compressed, 20000: markers)   12 disk u64   20 grain u64   28 descriptor u64
/// 36 its size u64   44 entries of a table u32   48 copy of the tables u64   56 tables u64   64 all before the grains u64
/// 73 "\n \r\n": what a program that takes it for text would change   77 compression u16 (1: deflate)
/// ```
struct Header {
    size: u64,
    grain: u64,
    descriptor: Span,
    entries: u64,
    tables: u64,
    first: u64,
    compressed: bool,
}

impl Header {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let long = |at| bytes.u64(at, Endian::Little).map(|sectors| sectors.saturating_mul(SECTOR));
        let tables = bytes.u64(56, Endian::Little)?;
        let header = Self {
            size: long(12)?,
            grain: long(20)?,
            descriptor: Span::new(long(28)?, long(36)?),
            entries: bytes.u32(44, Endian::Little)?.into(),
            tables: if tables == u64::MAX { TABLES_AT_END } else { tables.saturating_mul(SECTOR) },
            first: long(64)?,
            compressed: bytes.u32(8, Endian::Little)? & 0x1_0000 != 0,
        };
        if !bytes.has(0, b"KDMV") || !bytes.has(73, b"\n \r\n") {
            return Err(Rejected("magic, or it went through as text"));
        }
        let grain = header.grain.is_power_of_two() && (4096..=16 << 20).contains(&header.grain);
        if !grain || !(1..=65_536).contains(&header.entries) || header.size > 1 << 50 || header.descriptor.length > 16 << 20 {
            return Err(Rejected("sizes of the header"));
        }
        Ok(header)
    }

    /// Grains by the tables: a table of tables, each with a place u32 for each grain.
    fn sparse(&self, image: Bytes<'_>, disk: &mut Disk<'_>, effort: &mut Effort<'_>) -> Result<(), Exceeded> {
        let covered = self.entries.saturating_mul(self.grain);
        for index in 0..self.size.div_ceil(covered) {
            let place = |at: u64| image.u32(at, Endian::Little).map(|sector| u64::from(sector).saturating_mul(SECTOR));
            let Ok(table) = place(self.tables.saturating_add(index.saturating_mul(4))) else {
                disk.lacks(Fault::Truncated("the end of the table of tables is missing".to_owned()));
                break;
            };
            if table == 0 || disk.is_full() {
                continue;
            }
            effort.spend(self.entries.saturating_mul(4))?;
            for number in 0..self.entries {
                let Ok(at) = place(table.saturating_add(number.saturating_mul(4))) else {
                    disk.lacks(Fault::Truncated("a table of grains is missing".to_owned()));
                    break;
                };
                // 0: never written, 1: all zero.
                if at > SECTOR {
                    let to = index.saturating_mul(covered).saturating_add(number.saturating_mul(self.grain));
                    self.grain(image, at, to, disk)?;
                }
            }
        }
        Ok(())
    }

    fn grain(&self, image: Bytes<'_>, at: u64, to: u64, disk: &mut Disk<'_>) -> Result<(), Exceeded> {
        if self.compressed {
            let length = image.u32(at.saturating_add(8), Endian::Little).unwrap_or(0);
            return self.packed(image.up_to(at.saturating_add(12), length.into()), to, disk);
        }
        let wanted = self.size.saturating_sub(to).min(self.grain);
        let bytes = image.up_to(at, wanted);
        if to_u64(bytes.len()) < wanted {
            disk.lacks(Fault::Truncated("grains are behind the end of the image".to_owned()));
        }
        disk.put(to, bytes)
    }

    fn packed(&self, bytes: &[u8], to: u64, disk: &mut Disk<'_>) -> Result<(), Exceeded> {
        match Codec::Zlib.block(bytes, self.grain) {
            Ok(bytes) => disk.put(to, &bytes),
            Err(fault) => {
                disk.lacks(fault);
                Ok(())
            }
        }
    }

    /// Grains by the markers before them, in the order of the image: 0 sector of the disk u64, 8 bytes u32, 12 data. Without bytes it is
    /// something else: 0 sectors u64, 12 what u32 (0: the end), and these sectors follow.
    fn stream(&self, image: Bytes<'_>, disk: &mut Disk<'_>) -> Result<(), Exceeded> {
        let mut at = self.first;
        loop {
            let marker = (image.u64(at, Endian::Little), image.u32(at.saturating_add(8), Endian::Little));
            let (Ok(value), Ok(length)) = marker else {
                disk.lacks(Fault::Truncated("the end of the grains is missing".to_owned()));
                return Ok(());
            };
            let length = u64::from(length);
            let next = if length > 0 {
                self.packed(image.up_to(at.saturating_add(12), length), value.saturating_mul(SECTOR), disk)?;
                length.saturating_add(12).div_ceil(SECTOR)
            } else {
                match image.u32(at.saturating_add(12), Endian::Little) {
                    Ok(1..=3) => value.saturating_add(1),
                    _ => return Ok(()),
                }
            };
            at = at.saturating_add(next.saturating_mul(SECTOR));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::disk::NAME;
    use crate::format::testing::disk::{converted, raw};
    use crate::format::testing::{carve, survives_damage, unpack};
    use crate::problem::Code;

    #[test]
    fn disks_come_back() {
        if crate::testing::lacking(&["qemu-img"]) {
            return;
        }
        for options in ["subformat=monolithicSparse", "subformat=streamOptimized"] {
            let image = converted(&["-O", "vmdk", "-o", options]);
            let unpacked = unpack(&Vmdk, &image);
            assert_eq!(unpacked.problems, [], "{options}");
            assert!(unpacked.file(NAME) == raw(), "{options}");
            assert!(unpacked.file("descriptor.vmdk").starts_with(b"# Disk DescriptorFile"));
            survives_damage(&Vmdk, &image);
            let cut = unpack(&Vmdk, &image[..image.len() / 2]);
            assert!(cut.problems.iter().any(|(code, _)| *code == Code::Truncated));
        }
        assert_eq!(carve(&Vmdk, &b"KDMV\x01\0\0\0".repeat(100), 0), None);
    }
}
