//! Stores of UEFI variables, as EDK II and its relatives keep them in flash.

use std::collections::BTreeMap;

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::guid::Guid;
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, utf16_part_text};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Store of UEFI variables.
#[derive(Debug)]
pub(super) struct Variables;

static SPEC: Spec = Spec {
    id: "uefi-variables",
    name: "UEFI variable store",
    kind: Kind::Archive,
    magics: &[
        Magic::anywhere(VARIABLE),
        Magic::anywhere(AUTHENTICATED),
        Magic::anywhere(b"$VSS"),
        Magic::anywhere(b"$SVS"),
        Magic::anywhere(b"$NSS"),
    ],
    leaf: false,
    references: &[
        "https://github.com/tianocore/edk2/blob/master/MdeModulePkg/Include/Guid/VariableFormat.h",
        "https://github.com/LongSoft/UEFITool",
    ],
    limitations: &[],
};

/// DDCF3616-3275-4164-98B6-FE85707FFE7D.
const VARIABLE: &[u8] = &[0x16, 0x36, 0xcf, 0xdd, 0x75, 0x32, 0x64, 0x41, 0x98, 0xb6, 0xfe, 0x85, 0x70, 0x7f, 0xfe, 0x7d];
/// AAF32C78-947B-439A-A180-2E144EC37792.
const AUTHENTICATED: &[u8] = &[0x78, 0x2c, 0xf3, 0xaa, 0x7b, 0x94, 0x9a, 0x43, 0xa1, 0x80, 0x2e, 0x14, 0x4e, 0xc3, 0x77, 0x92];

impl Format for Variables {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let store = Store::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(store.size, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let store = Store::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let (mut seen, mut at) = (BTreeMap::<String, u32>::new(), store.header);
        while let Some(variable) = Variable::read(bytes, at, store.size) {
            children.budget().check()?;
            if let Some(mut name) = variable.name() {
                let before = seen.entry(name.clone()).or_default();
                *before = before.saturating_add(1);
                if *before > 1 {
                    name = format!("{name} #{before}");
                }
                children.span(name, variable.data, Attributes::default())?;
            }
            at = Variable::next(bytes, variable.data.end());
        }
        let rest = bytes.up_to(at, store.size.saturating_sub(at));
        if rest.iter().any(|byte| !matches!(byte, 0 | 0xff)) {
            children.problem(&Fault::corrupt("what follows the last variable is none"), Some(at));
        }
        Ok(())
    }
}

/// A store: 0 GUID   10 size u32, all of it   14 format u8: 5a   15 state u8: fe   18 reserved; or with a short signature: 0 signature
/// 4 size u32   8 format   9 state   c reserved.
struct Store {
    header: u64,
    size: u64,
}

impl Store {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let field = if bytes.u8(0)? == b'$' { 4 } else { 16 };
        let header: u64 = if field == 4 { 0x10 } else { 0x1c };
        let size = u64::from(bytes.u32(field, Endian::Little)?);
        let marks = [bytes.u8(field.saturating_add(4))?, bytes.u8(field.saturating_add(5))?];
        if marks != [0x5a, 0xfe] || size < header || size > 1 << 26 {
            return Err(Rejected("size, format or state"));
        }
        // Drivers hold headers of stores that are yet to be.
        if !bytes.has(header, MARK) && bytes.up_to(header, 16).iter().any(|byte| *byte != 0xff) {
            return Err(Rejected("neither a variable nor erased flash"));
        }
        Ok(Self { header, size })
    }
}

/// A variable: 0 mark 55aa u16   2 state u8   4 attributes u32, then one of these:
///
/// ```text
/// 8 size of the name u32   c size of the data u32   10 GUID   20 name
/// the same, with a CRC at 20 and the name at 24, if bit 31 of the attributes is set
/// 8 count u64   10 time, 16 bytes   20 index of the key u32   24 size of the name u32   28 size of the data u32   2c GUID   3c name
/// ```
///
/// The data follows the name. The next variable stands at the next multiple of four, or right behind.
struct Variable {
    name: String,
    data: Span,
    state: u8,
}

/// Bytes before size of the name, and bytes before the name.
const LAYOUTS: [(u64, u64); 3] = [(0x24, 0x3c), (8, 0x20), (8, 0x24)];

const MARK: &[u8] = &[0xaa, 0x55];

impl Variable {
    fn read(bytes: Bytes<'_>, at: u64, end: u64) -> Option<Self> {
        let (state, attributes) = (bytes.u8(at.saturating_add(2)).ok()?, bytes.u32(at.saturating_add(4), Endian::Little).ok()?);
        if !bytes.has(at, MARK) {
            return None;
        }
        let layout = |(sizes, header): (u64, u64)| {
            if header == 0x24 && attributes >> 31 == 0 || header == 0x20 && attributes >> 31 == 1 {
                return None;
            }
            let word = |offset: u64| bytes.u32(at.saturating_add(offset), Endian::Little).map(u64::from).ok();
            let (name_size, data_size) = (word(sizes)?, word(sizes.saturating_add(4))?);
            let name_start = at.saturating_add(header);
            let data = Span::new(name_start.saturating_add(name_size), data_size);
            let name = bytes.get(name_start, name_size).ok()?;
            let guid = Guid::at(bytes, at.saturating_add(sizes).saturating_add(8)).ok()?;
            (data.end() <= end.min(bytes.len())).then_some(())?;
            Some(Self { name: format!("{}-{guid}", text(name)?), data, state })
        };
        LAYOUTS.into_iter().find_map(layout)
    }

    /// Where it comes out; nowhere if it was never written to its end. A variable is added with 3f; bits that are cleared then say that it is
    /// being deleted (0), or that it was (1).
    fn name(&self) -> Option<String> {
        match self.state {
            0x3f | 0x3e => Some(self.name.clone()),
            state if state & 0xc0 == 0 => Some(format!("deleted/{}", self.name)),
            _ => None,
        }
    }

    fn next(bytes: Bytes<'_>, end: u64) -> u64 {
        let aligned = end.checked_next_multiple_of(4).unwrap_or(end);
        if bytes.has(end, MARK) && !bytes.has(aligned, MARK) { end } else { aligned }
    }
}

/// UTF-16 that ends with a NUL, and has no other.
fn text(name: &[u8]) -> Option<String> {
    let (units, rest) = name.as_chunks::<2>();
    let mut units: Vec<u16> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
    let ends = units.pop() == Some(0);
    let is_name = ends && rest.is_empty() && !units.is_empty() && units.iter().all(|unit| *unit >= 0x20);
    is_name.then(|| utf16_part_text(units))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};

    fn variable(layout: usize, name: &str, data: &[u8], state: u8) -> Vec<u8> {
        let name: Vec<u8> = name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        let sizes = [(name.len() as u32).to_le_bytes(), (data.len() as u32).to_le_bytes()].concat();
        let attributes = if layout == 2 { 0x8000_0007_u32 } else { 7 };
        let mut bytes = [MARK, &[state, 0], &attributes.to_le_bytes()].concat();
        bytes.resize(LAYOUTS[layout].0 as usize, 0);
        bytes.extend([&sizes[..], &[7; 16]].concat());
        bytes.resize(LAYOUTS[layout].1 as usize, 0);
        bytes.extend([&name[..], data].concat());
        bytes.resize(bytes.len().next_multiple_of(4), 0xff);
        bytes
    }

    fn store(signature: &[u8], variables: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = [signature, &0x800_u32.to_le_bytes(), &[0x5a, 0xfe, 0, 0, 0, 0, 0, 0]].concat();
        variables.iter().for_each(|variable| bytes.extend(variable));
        bytes.resize(0x800, 0xff);
        bytes
    }

    #[test]
    fn variables_come_out_and_so_do_deleted_ones() {
        for (signature, layout) in [(AUTHENTICATED, 0), (VARIABLE, 1), (b"$VSS", 1), (b"$VSS", 2)] {
            let variables = [("Lang", &b"eng"[..], 0x3f), ("Lang", b"ger", 0x3c), ("Timeout", b"\x05", 0x3e), ("Half", b"ha", 0x7f)];
            let variables = variables.map(|(name, data, state)| variable(layout, name, data, state));
            let image = store(signature, &variables);
            let flash = [&[0xff; 6], &image[..], &[1; 9]].concat();
            assert_eq!(carve(&Variables, &flash, 6), Some(0x800));
            let unpacked = unpack_at(&Variables, &flash, 6);
            let guid = "07070707-0707-0707-0707-070707070707";
            assert_eq!(unpacked.names(), [format!("Lang-{guid}"), format!("deleted/Lang-{guid}"), format!("Timeout-{guid}")], "{layout}");
            assert_eq!(unpacked.file(&format!("deleted/Lang-{guid}")), b"ger");
            assert_eq!(unpacked.file(&format!("Lang-{guid}")), b"eng");
            assert_eq!(unpacked.problems, []);
            survives_damage(&Variables, &image);
        }
    }

    #[test]
    fn what_is_broken_is_said() {
        let image = store(AUTHENTICATED, &[variable(0, "A", b"1", 0x3f), b"what is this".to_vec()]);
        let unpacked = unpack(&Variables, &image);
        assert_eq!((unpacked.files.len(), unpacked.problems.len()), (1, 1));
        assert_eq!(carve(&Variables, b"$VSS is a signature of four letters", 0), None);
    }
}
