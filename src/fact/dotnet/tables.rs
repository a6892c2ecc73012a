//! The tables of .NET metadata, ECMA-335, II.22 and II.24.2.6: how wide each row is hangs on how many rows other tables have.

use crate::blob::{Bytes, Endian, Span};

pub(super) const MODULE: usize = 0x00;
pub(super) const MODULE_REF: usize = 0x1a;
pub(super) const ASSEMBLY: usize = 0x20;
pub(super) const ASSEMBLY_REF: usize = 0x23;

/// A column of a table.
#[derive(Clone, Copy)]
enum Column {
    /// A number of this many bytes.
    Fixed(u64),
    /// An index into the heap of strings, GUIDs or blobs: the bit of HeapSizes that makes it wide.
    Heap(u8),
    /// A row of one of these tables; with several, this many bits of it say which.
    Index(u32, &'static [usize]),
}

use Column::{Fixed, Heap, Index};

const STRING: Column = Heap(1);
const GUID: Column = Heap(2);
const BLOB: Column = Heap(4);
const HALF: Column = Fixed(2);
const WORD: Column = Fixed(4);
const TYPE_DEF_OR_REF: Column = Index(2, &[0x02, 0x01, 0x1b]);
const FIELD: Column = Index(0, &[0x04]);
const METHOD: Column = Index(0, &[0x06]);
const TYPE: Column = Index(0, &[0x02]);
const METHOD_OR_REF: Column = Index(1, &[0x06, 0x0a]);
const ATTRIBUTE_OWNER: Column = Index(
    5,
    &[0x06, 0x04, 0x01, 0x02, 0x08, 0x09, 0x0a, 0x00, 0x0e, 0x17, 0x14, 0x11, 0x1a, 0x1b, 0x20, 0x23, 0x26, 0x27, 0x28, 0x2a, 0x2c, 0x2b],
);

/// The columns of each table up to AssemblyRef, by its number.
const COLUMNS: &[&[Column]] = &[
    &[HALF, STRING, GUID, GUID, GUID],                           // 00 Module
    &[Index(2, &[0x00, 0x1a, 0x23, 0x01]), STRING, STRING],      // 01 TypeRef
    &[WORD, STRING, STRING, TYPE_DEF_OR_REF, FIELD, METHOD],     // 02 TypeDef
    &[FIELD],                                                    // 03 FieldPtr
    &[HALF, STRING, BLOB],                                       // 04 Field
    &[METHOD],                                                   // 05 MethodPtr
    &[WORD, HALF, HALF, STRING, BLOB, Index(0, &[0x08])],        // 06 MethodDef
    &[Index(0, &[0x08])],                                        // 07 ParamPtr
    &[HALF, HALF, STRING],                                       // 08 Param
    &[TYPE, TYPE_DEF_OR_REF],                                    // 09 InterfaceImpl
    &[Index(3, &[0x02, 0x01, 0x1a, 0x06, 0x1b]), STRING, BLOB],  // 0a MemberRef
    &[HALF, Index(2, &[0x04, 0x08, 0x17]), BLOB],                // 0b Constant
    &[ATTRIBUTE_OWNER, Index(3, &[0x06, 0x0a]), BLOB],           // 0c CustomAttribute
    &[Index(1, &[0x04, 0x08]), BLOB],                            // 0d FieldMarshal
    &[HALF, Index(2, &[0x02, 0x06, 0x20]), BLOB],                // 0e DeclSecurity
    &[HALF, WORD, TYPE],                                         // 0f ClassLayout
    &[WORD, FIELD],                                              // 10 FieldLayout
    &[BLOB],                                                     // 11 StandAloneSig
    &[TYPE, Index(0, &[0x14])],                                  // 12 EventMap
    &[Index(0, &[0x14])],                                        // 13 EventPtr
    &[HALF, STRING, TYPE_DEF_OR_REF],                            // 14 Event
    &[TYPE, Index(0, &[0x17])],                                  // 15 PropertyMap
    &[Index(0, &[0x17])],                                        // 16 PropertyPtr
    &[HALF, STRING, BLOB],                                       // 17 Property
    &[HALF, METHOD, Index(1, &[0x14, 0x17])],                    // 18 MethodSemantics
    &[TYPE, METHOD_OR_REF, METHOD_OR_REF],                       // 19 MethodImpl
    &[STRING],                                                   // 1a ModuleRef
    &[BLOB],                                                     // 1b TypeSpec
    &[HALF, Index(1, &[0x04, 0x06]), STRING, Index(0, &[0x1a])], // 1c ImplMap
    &[WORD, FIELD],                                              // 1d FieldRVA
    &[WORD, WORD],                                               // 1e EncLog
    &[WORD],                                                     // 1f EncMap
    &[WORD, HALF, HALF, HALF, HALF, WORD, BLOB, STRING, STRING], // 20 Assembly
    &[WORD],                                                     // 21 AssemblyProcessor
    &[WORD, WORD, WORD],                                         // 22 AssemblyOS
    &[HALF, HALF, HALF, HALF, WORD, BLOB, STRING, STRING, BLOB], // 23 AssemblyRef
];

/// The tables of one assembly.
pub(super) struct Tables<'a> {
    bytes: Bytes<'a>,
    start: u64,
    heaps: u8,
    counts: [u64; 64],
    places: Vec<u64>,
}

/// One row: its columns as numbers.
pub(super) struct Row {
    columns: Vec<u64>,
    /// Where it stands in the file.
    pub(super) span: Span,
}

impl Row {
    pub(super) fn get(&self, column: usize) -> Option<u64> {
        self.columns.get(column).copied()
    }
}

impl<'a> Tables<'a> {
    /// ```text
    /// 6 u8 HeapSizes   8 u64 which tables there are   24 u32 rows of each of them   then the tables
    /// ```
    pub(super) fn read(bytes: Bytes<'a>, start: u64) -> Option<Self> {
        let (heaps, valid) = (bytes.u8(6).ok()?, bytes.u64(8, Endian::Little).ok()?);
        let (mut counts, mut at) = ([0; 64], 24_u64);
        for (index, count) in (0_u32..).zip(counts.iter_mut()) {
            if valid.checked_shr(index)? & 1 == 1 {
                *count = u64::from(bytes.u32(at, Endian::Little).ok()?);
                at = at.saturating_add(4);
            }
        }
        // Bit 6: four more bytes of extra data.
        at = at.saturating_add(if heaps & 0x40 == 0 { 0 } else { 4 });
        let mut tables = Self { bytes, start, heaps, counts, places: Vec::new() };
        for (columns, count) in COLUMNS.iter().zip(counts) {
            tables.places.push(at);
            at = at.saturating_add(tables.row_size(columns).saturating_mul(count));
        }
        Some(tables)
    }

    fn size(&self, column: Column) -> u64 {
        match column {
            Fixed(size) => size,
            Heap(bit) => {
                if self.heaps & bit == 0 {
                    2
                } else {
                    4
                }
            }
            Index(bits, targets) => {
                let most = targets.iter().filter_map(|table| self.counts.get(*table)).max().copied().unwrap_or(0);
                let room = 0x1_0000_u64.checked_shr(bits).unwrap_or(0);
                if most < room { 2 } else { 4 }
            }
        }
    }

    fn row_size(&self, columns: &[Column]) -> u64 {
        columns.iter().map(|column| self.size(*column)).fold(0, u64::saturating_add)
    }

    /// The rows of a table, as many as there are.
    pub(super) fn rows(&self, table: usize) -> impl Iterator<Item = Row> + '_ {
        let columns = COLUMNS.get(table).copied().unwrap_or_default();
        let (size, count) = (self.row_size(columns), self.counts.get(table).copied().unwrap_or(0));
        let place = self.places.get(table).copied().unwrap_or(u64::MAX);
        (0..count).map_while(move |index| {
            let start = index.saturating_mul(size).saturating_add(place);
            self.bytes.get(start, size).ok()?;
            let mut at = start;
            let values = columns.iter().map_while(|column| {
                let width = self.size(*column);
                let here = at;
                at = at.saturating_add(width);
                let half = || self.bytes.u16(here, Endian::Little).ok().map(u64::from);
                if width == 2 { half() } else { self.bytes.u32(here, Endian::Little).ok().map(u64::from) }
            });
            Some(Row { columns: values.collect(), span: Span::new(self.start.saturating_add(start), size) })
        })
    }
}
