//! Microcode updates of AMD's processors, as operating systems keep them.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// AMD microcode container.
#[derive(Debug)]
pub(super) struct AmdMicrocode;

static SPEC: Spec = Spec {
    id: "amd-microcode",
    name: "AMD microcode container",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"DMA\0\0\0\0\0")],
    leaf: false,
    references: &[
        "https://github.com/torvalds/linux/blob/master/arch/x86/kernel/cpu/microcode/amd.c",
        "https://github.com/AMDESE/amd_ucode_info",
    ],
    limitations: &["updates in flash chips, without container, are not recognized"],
};

/// Bytes of an entry of the table of processors.
const ENTRY: u64 = 16;
/// More updates than any container has.
const MOST_UPDATES: usize = 256;

impl Format for AmdMicrocode {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let table = table(bytes)?;
        let end = updates(bytes, table).last().map_or(table, |update| update.end());
        Ok(Carved::new(end, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let table = table(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        for (index, update) in updates(bytes, table).enumerate() {
            // The revision.
            let revision = bytes.u32(update.start.saturating_add(4), Endian::Little)?;
            children.span(format!("update-{index}-{revision:08x}"), update, Attributes::default())?;
        }
        Ok(())
    }
}

/// Where the table of processors ends: 0 "DMA\0"   4 type u32, 0   8 size of the table u32   c entries of 16 bytes; the last one is zeros.
fn table(bytes: Bytes<'_>) -> Result<u64, Rejected> {
    let size = u64::from(bytes.u32(8, Endian::Little)?);
    if !(ENTRY..1 << 16).contains(&size) || !size.is_multiple_of(ENTRY) {
        return Err(Rejected("size of the table"));
    }
    let end = size.saturating_add(12);
    let last = bytes.get(end.saturating_sub(ENTRY), ENTRY)?;
    if last.iter().any(|byte| *byte != 0) || bytes.u32(12, Endian::Little)? == 0 || bytes.u32(end, Endian::Little)? != 1 {
        return Err(Rejected("table"));
    }
    Ok(end)
}

/// The updates behind the table: type u32, 1, size u32, update.
fn updates(bytes: Bytes<'_>, table: u64) -> impl Iterator<Item = Span> + '_ {
    let mut at = table;
    let next = move || {
        let size = u64::from(bytes.u32(at.saturating_add(4), Endian::Little).ok()?);
        let is_update = bytes.u32(at, Endian::Little) == Ok(1) && (32..1 << 20).contains(&size);
        let update = Span::new(at.saturating_add(8), size);
        at = update.end();
        is_update.then_some(update)
    };
    std::iter::from_fn(next).take(MOST_UPDATES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack_at};

    const CONTAINER: &[u8] = include_bytes!("../../../fixtures/amd-microcode/container.bin");

    #[test]
    fn updates_come_out() {
        let flash = [&[0xff; 3], CONTAINER, b"next"].concat();
        assert_eq!(carve(&AmdMicrocode, &flash, 3), Some(CONTAINER.len() as u64));
        let unpacked = unpack_at(&AmdMicrocode, &flash, 3);
        assert_eq!(unpacked.names(), ["update-0-0a201009", "update-1-0a20120a"]);
        assert_eq!(unpacked.file("update-0-0a201009").len(), 128);
        survives_damage(&AmdMicrocode, CONTAINER);
        assert_eq!(carve(&AmdMicrocode, &[&b"DMA\0\0\0\0\0"[..], &[7; 100]].concat(), 0), None);
    }
}
