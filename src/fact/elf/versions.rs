//! Versions of symbols: which are needed of which library, and which are defined.

use goblin::elf::dynamic::{DT_VERDEF, DT_VERDEFNUM, DT_VERNEED, DT_VERNEEDNUM};

use super::{Bytes, Reader, table};
use crate::blob::{Span, to_u64};

/// No library defines more versions, and no program needs more.
const MOST: u64 = 4096;
/// The version is the name of the file itself.
const VER_FLG_BASE: u16 = 1;

impl<'a> Reader<'_, 'a> {
    /// The two tables that the dynamic section names, `.gnu.version_r` and `.gnu.version_d`.
    pub(super) fn versions(&mut self, entries: &[(u64, u64)], strings: &mut table::Strings<'a>) {
        let value = |tag: u64| entries.iter().find(|entry| entry.0 == tag).map(|entry| entry.1);
        let place = |tag: u64, section: &[u8]| {
            let by_address = value(tag).and_then(|address| self.image.offset(address));
            by_address.or_else(|| self.image.section(section).map(|span| span.start))
        };
        let needs = place(DT_VERNEED, b".gnu.version_r").map(|start| (start, value(DT_VERNEEDNUM).unwrap_or(MOST)));
        let definitions = place(DT_VERDEF, b".gnu.version_d").map(|start| (start, value(DT_VERDEFNUM).unwrap_or(MOST)));
        if let Some((start, count)) = needs {
            self.needs(start, count, strings);
        }
        if let Some((start, count)) = definitions {
            self.definitions(start, count, strings);
        }
    }

    fn table_at(&self, start: u64) -> Bytes<'a> {
        Bytes(self.image.part(Span::new(start, u64::MAX)).0)
    }

    /// Elf32_Verneed and Elf64_Verneed are the same (LSB Core, "Symbol Versioning"):
    ///
    /// ```text
    /// u16 vn_version; u16 vn_cnt; u32 vn_file; u32 vn_aux; u32 vn_next
    /// u32 vna_hash; u16 vna_flags; u16 vna_other; u32 vna_name; u32 vna_next
    /// ```
    ///
    /// where `vn_aux`, `vn_next` and `vna_next` count from the start of their own entry.
    fn needs(&mut self, start: u64, count: u64, strings: &mut table::Strings<'a>) {
        let (bytes, endian) = (self.table_at(start), self.image.endian());
        let word = |at: u64| bytes.u32(at, endian).ok().map(u64::from);
        let (mut at, mut left) = (0_u64, MOST);
        for _ in 0..count.min(MOST) {
            let (Ok(versions), Some(file), Some(first), Some(next)) = (
                bytes.u16(at.saturating_add(2), endian),
                word(at.saturating_add(4)),
                word(at.saturating_add(8)),
                word(at.saturating_add(12)),
            ) else {
                return;
            };
            let file = strings.get(file).map(|(name, _)| name).unwrap_or_default();
            let mut version = at.saturating_add(first);
            for _ in 0..versions {
                let (Some(name), Some(step)) = (word(version.saturating_add(8)), word(version.saturating_add(12))) else { return };
                if let Some((name, span)) = strings.get(name) {
                    self.say("elf.version-need", [file, b" ", name].concat(), span);
                }
                left = left.saturating_sub(1);
                if step == 0 || left == 0 {
                    break;
                }
                version = version.saturating_add(step);
            }
            if next == 0 || left == 0 {
                return;
            }
            at = at.saturating_add(next);
        }
    }

    /// Elf32_Verdef and Elf64_Verdef:
    ///
    /// ```text
    /// u16 vd_version; u16 vd_flags; u16 vd_ndx; u16 vd_cnt; u32 vd_hash; u32 vd_aux; u32 vd_next
    /// u32 vda_name; u32 vda_next
    /// ```
    ///
    /// The first of its names is its own, the others are those that it follows.
    fn definitions(&mut self, start: u64, count: u64, strings: &mut table::Strings<'a>) {
        let (bytes, endian) = (self.table_at(start), self.image.endian());
        let word = |at: u64| bytes.u32(at, endian).ok().map(u64::from);
        let mut at = 0_u64;
        for _ in 0..count.min(MOST) {
            let flags = bytes.u16(at.saturating_add(2), endian);
            let (Ok(flags), Some(name), Some(next)) = (flags, word(at.saturating_add(12)), word(at.saturating_add(16))) else { return };
            let name = word(at.saturating_add(name)).and_then(|name| strings.get(name));
            if let Some((name, span)) = name.filter(|_| flags & VER_FLG_BASE == 0) {
                self.say("elf.version-define", name, Span::new(span.start, to_u64(name.len())));
            }
            if next == 0 {
                return;
            }
            at = at.saturating_add(next);
        }
    }
}
