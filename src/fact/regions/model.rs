//! The trained model: for each class of content, how many bits the next byte costs when one knows the byte before it.

use std::sync::LazyLock;

use crate::blob::{Bytes, Endian, to_u64};
use crate::codec::Codec;

/// Made by `signatures/isa/make.sh`.
static FILE: &[u8] = include_bytes!("../../../signatures/isa/model.xz");

/// Columns of the table: a class each, those unused empty, and the last one counts the pairs that say something.
const LANES: usize = 112;

/// Costs are in quarters of a bit, at most this much for one byte: no single pair of bytes decides.
const HIGHEST: u8 = 56;

/// What a class is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Machine code.
    Code,
    /// Text.
    Text,
    /// Structured data.
    Table,
    /// Samples.
    Media,
}

/// A class of content.
#[derive(Debug)]
pub(super) struct Class {
    /// Instruction set, or what the data is like.
    pub(super) name: String,
    /// What it is.
    pub(super) content: Content,
    /// Bytes of this class cost at most this much on average, in 1/256 bit; what costs more is something else.
    pub(super) limit: u32,
}

impl Class {
    /// The key of its regions.
    pub(super) const fn key(&self) -> &'static str {
        match self.content {
            Content::Code => "region.code",
            Content::Text => "region.text",
            Content::Table => "region.table",
            Content::Media => "region.media",
        }
    }
}

/// All classes and their costs.
pub(super) struct Model {
    classes: Vec<Class>,
    /// A row for each pair of bytes.
    rows: Vec<[u8; LANES]>,
}

/// What some bytes cost under each class.
#[derive(Debug, Clone)]
pub(super) struct Costs {
    sums: [u32; LANES],
}

impl Costs {
    pub(super) const NONE: Self = Self { sums: [0; LANES] };

    /// How many pairs of bytes said something.
    pub(super) fn pairs(&self) -> u32 {
        self.sums.last().copied().unwrap_or(0)
    }

    /// Average cost under a class, in 1/256 bit.
    pub(super) fn mean(&self, class: usize) -> u32 {
        let sum = self.sums.get(class).copied().unwrap_or(u32::MAX);
        sum.saturating_mul(64).checked_div(self.pairs()).unwrap_or(u32::MAX)
    }
}

/// The model, made when it is first needed.
pub(super) fn model() -> &'static Model {
    static MODEL: LazyLock<Model> = LazyLock::new(|| Model::read(FILE).unwrap_or(Model { classes: Vec::new(), rows: Vec::new() }));
    &MODEL
}

impl Model {
    /// All classes.
    pub(super) fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// A class.
    pub(super) fn class(&self, row: usize) -> Option<&Class> {
        self.classes.get(row)
    }

    /// Adds what `bytes` cost.
    pub(super) fn add(&self, bytes: &[u8], costs: &mut Costs) {
        // Sums of 16 bits hold this many costs.
        for part in bytes.chunks(512) {
            let mut sums = [0_u16; LANES];
            for (first, second) in part.iter().zip(part.iter().skip(1)) {
                if let Some(row) = self.rows.get(usize::from(u16::from_be_bytes([*first, *second]))) {
                    sums.iter_mut().zip(row).for_each(|(sum, cost)| *sum = sum.wrapping_add(u16::from(*cost)));
                }
            }
            costs.sums.iter_mut().zip(&sums).for_each(|(total, sum)| *total = total.saturating_add(u32::from(*sum)));
        }
    }

    /// Reads the file: a count of classes (2 bytes, big endian), then of each its content (1), limit (2), length of its name (1), name,
    /// costs of single bytes (256), costs of not knowing what follows a byte (256), and of each pair 0 or its cost plus 1.
    fn read(file: &[u8]) -> Option<Self> {
        let plain = Codec::Xz.block(file, 16 << 20).ok()?;
        let bytes = Bytes(&plain);
        let count = bytes.u16(0, Endian::Big).ok()?;
        let (mut at, mut classes) = (2_u64, Vec::new());
        let neutral = |pair: usize| pair == 0 || pair == 0xffff;
        let mut rows = vec![[0; LANES]; 1 << 16];
        for (pair, row) in rows.iter_mut().enumerate() {
            *row.last_mut()? = u8::from(!neutral(pair));
        }
        for column in 0..usize::from(count).min(LANES.saturating_sub(1)) {
            let content = match bytes.u8(at).ok()? {
                0 => Content::Code,
                1 => Content::Text,
                2 => Content::Table,
                _ => Content::Media,
            };
            let limit = u32::from(bytes.u16(at.checked_add(1)?, Endian::Big).ok()?);
            let length = u64::from(bytes.u8(at.checked_add(3)?).ok()?);
            let (name, rest) = bytes.tail(at.checked_add(4)?).split_at_checked(usize::try_from(length).ok()?)?;
            let (single, rest) = rest.split_at_checked(256)?;
            let (unknown, rest) = rest.split_at_checked(256)?;
            for (pair, (row, cost)) in rows.iter_mut().zip(rest.get(..1 << 16)?).enumerate() {
                let apart = single.get(pair & 0xff)?.saturating_add(*unknown.get(pair >> 8)?);
                let cost = if *cost == 0 { apart } else { cost.saturating_sub(1) };
                *row.get_mut(column)? = if neutral(pair) { 0 } else { cost.min(HIGHEST) };
            }
            classes.push(Class { name: String::from_utf8_lossy(name).into_owned(), content, limit });
            at = at.checked_add(4)?.checked_add(length)?.checked_add(to_u64(256 + 256 + (1 << 16)))?;
        }
        Some(Self { classes, rows })
    }
}
