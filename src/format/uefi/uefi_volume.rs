//! UEFI firmware volumes: the file system in which PC firmware keeps its modules.

use std::collections::BTreeMap;

use super::uefi_file::Header as FileHeader;
use crate::blob::{Blob, Bytes, Span};
use crate::format::guid::Guid;
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, length_of};
use crate::limits::{Budget, Effort};
use crate::problem::{Fault, Rejected};

mod header;

pub(super) use header::Header;

/// UEFI firmware volume.
#[derive(Debug)]
pub(super) struct Volume;

static SPEC: Spec = Spec {
    id: "uefi-volume",
    name: "UEFI firmware volume",
    kind: Kind::FileSystem,
    magics: &[Magic::anywhere(b"_FVH").at(40)],
    leaf: false,
    references: &["https://uefi.org/specs/PI/1.8/V3_Design_Discussion.html", "https://github.com/LongSoft/UEFITool"],
    limitations: &["volumes of file systems that are not FFS are handed over whole"],
};

impl Format for Volume {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let header = Header::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(header.length, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let header = Header::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        if !header.checksum_fits {
            children.problem(&Fault::Checksum("the checksum of the header does not fit".to_owned()), Some(50));
        }
        if let Some((guid, span)) = header.name {
            children.fact("header.name", guid.titled(None).as_bytes(), span);
        }
        let data = Span::between(header.data, header.length.min(bytes.len()));
        if !header.is_ffs() {
            return Ok(children.span(header.content_name(), data, Attributes::default())?);
        }
        let mut walk = Walk { bytes, header: &header, seen: BTreeMap::new(), effort: Effort::new(children.budget(), blob.len()) };
        walk.run(data, children)?;
        if header.length > bytes.len() {
            let message = format!("{:#x} of {:#x} bytes of the volume are there", bytes.len(), header.length);
            return Err(Fault::Truncated(message));
        }
        Ok(())
    }
}

/// The files of a volume, one after the other, each at a multiple of eight bytes.
struct Walk<'a, 'b> {
    bytes: Bytes<'a>,
    header: &'a Header,
    /// Names may have to be looked for in compressed sections.
    effort: Effort<'b>,
    /// How many files had this name before.
    seen: BTreeMap<String, u32>,
}

impl Walk<'_, '_> {
    fn run(&mut self, data: Span, children: &mut Children<'_>) -> Result<(), Fault> {
        let (mut at, end) = (data.start, data.end());
        let empty = self.header.empty();
        while at.saturating_add(24) <= end {
            children.budget().check()?;
            let rest = Bytes(self.bytes.up_to(at, end.saturating_sub(at)));
            if rest.up_to(0, 24).iter().all(|byte| *byte == empty) {
                return self.rest(at, end, "after the files", children);
            }
            let Some(file) = FileHeader::read(rest).filter(|file| file.size >= file.length) else {
                children.problem(&Fault::corrupt("what stands here is no file"), Some(at));
                return self.rest(at, end, "no file", children);
            };
            self.file(at, rest, &file, children)?;
            let next = at.saturating_add(file.size);
            at = next.checked_next_multiple_of(8).unwrap_or(u64::MAX);
        }
        Ok(())
    }

    /// Free space holds nothing, unless it does.
    fn rest(&self, at: u64, end: u64, name: &str, children: &mut Children<'_>) -> Result<(), Fault> {
        let rest = self.bytes.up_to(at, end.saturating_sub(at));
        let used =
            rest.iter().rposition(|byte| *byte != self.header.empty()).map_or(0, |last| length_of(rest.get(..=last).unwrap_or_default()));
        if used > 0 {
            children.span(name, Span::new(at, used), Attributes::default())?;
        }
        Ok(())
    }

    fn file(&mut self, at: u64, rest: Bytes<'_>, file: &FileHeader, children: &mut Children<'_>) -> Result<(), Fault> {
        if file.kind == super::uefi_file::PADDING {
            let body = rest.up_to(file.length, file.size.saturating_sub(file.length));
            if body.iter().all(|byte| matches!(byte, 0 | 0xff)) {
                return Ok(());
            }
        }
        let whole = Bytes(rest.up_to(0, file.size));
        let mut name = file.title(whole, &mut self.effort);
        if self.header.is_deleted(file.state) {
            name.push_str(" (deleted)");
        }
        let before = self.seen.entry(name.clone()).or_default();
        *before = before.saturating_add(1);
        if *before > 1 {
            name = format!("{name} #{before}");
        }
        Ok(children.span(name, Span::new(at, file.size), Attributes::default())?)
    }
}

/// File systems that are FFS under another name.
const FFS: [Guid; 7] = [
    Guid::of(0x7a93_54d9_0468_444a_81ce_0bf6_17d8_90df), // FFS1
    Guid::of(0x8c8c_e578_8a3d_4f1c_9935_8961_85c3_2dd3), // FFS2
    Guid::of(0x5473_c07a_3dcb_4dca_bd6f_1e96_89e7_349a), // FFS3
    Guid::of(0x04ad_eead_61ff_4d31_b6ba_64f8_bf90_1f5a), // Apple's boot volume
    Guid::of(0xad3f_ffff_d28b_44c4_9f13_9ea9_8a97_f9f0), // Intel
    Guid::of(0xd6a1_cd70_4b33_4994_a6ea_375f_2ccc_5437), // Intel
    Guid::of(0x4f49_4156_aed6_4d64_a537_b8a5_557b_ceec), // Sony
];

#[cfg(test)]
mod tests;
