//! Reads the tokens of a flattened device tree.

use crate::blob::{Bytes, Endian, OutOfBounds, Span};
use crate::problem::{Fault, Rejected};

/// `magic`, 0xd00dfeed.
pub(in crate::format) const MAGIC: &[u8] = &[0xd0, 0x0d, 0xfe, 0xed];

const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROP: u32 = 3;
const NOP: u32 = 4;
const END: u32 = 9;

/// Names have 31 characters by the specification, and more in practice.
const LONGEST_NAME: u64 = 1024;

/// The header (Devicetree Specification, section 5.2; all numbers big endian):
///
/// ```text
///  0 magic    4 totalsize  8 off_dt_struct  12 off_dt_strings  16 off_mem_rsvmap  20 version  24 last_comp_version
/// 28 boot_cpuid_phys      32 size_dt_strings                   36 size_dt_struct (from version 17 on)
/// ```
pub(in crate::format) struct Tree<'a> {
    bytes: Bytes<'a>,
    /// `totalsize`.
    pub(in crate::format) total: u64,
    structure: Span,
    strings: Span,
}

/// A token of the structure block.
#[derive(Debug)]
pub(in crate::format) enum Token<'a> {
    /// A node of this name begins.
    Begin(&'a [u8]),
    /// The node that began last ends.
    End,
    /// A property of the node: its name, empty if that cannot be read, and where its value stands in the tree.
    Property(&'a [u8], Span),
}

impl<'a> Tree<'a> {
    /// Reads the header of the tree at the start of `bytes`, and that there is a root node.
    pub(in crate::format) fn read(bytes: Bytes<'a>) -> Result<Self, Rejected> {
        let word = |at| bytes.u32(at, Endian::Big).map(u64::from);
        let (total, version) = (word(4)?, word(20)?);
        if !bytes.has(0, MAGIC) || version < 16 || word(24)? > 17 {
            return Err(Rejected("version"));
        }
        let start = word(8)?;
        // Version 16 does not say how long its structure block is: its last token does.
        let structure = if version == 16 { Span::between(start, total) } else { Span::new(start, word(36)?) };
        let tree = Self { bytes, total, structure, strings: Span::new(word(12)?, word(32)?) };
        if structure.start < 36 || structure.start % 4 != 0 || structure.end() > total || tree.strings.end() > total {
            return Err(Rejected("block sizes"));
        }
        // libfdt and every other writer put the token END where the block says that it ends.
        let last = word(structure.end().saturating_sub(4));
        if version > 16 && last.is_ok_and(|last| last != u64::from(END)) {
            return Err(Rejected("the structure block has no end"));
        }
        match tree.tokens().next() {
            Some(Ok(Token::Begin(b""))) => Ok(tree),
            _ => Err(Rejected("no root node")),
        }
    }

    /// All tokens; the last one is an error if the tree breaks off.
    pub(in crate::format) fn tokens(&self) -> Tokens<'_, 'a> {
        Tokens { tree: self, at: self.structure.start, done: false }
    }
}

/// Iterates over the tokens of a tree.
pub(in crate::format) struct Tokens<'t, 'a> {
    tree: &'t Tree<'a>,
    at: u64,
    done: bool,
}

impl<'a> Iterator for Tokens<'_, 'a> {
    type Item = Result<Token<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let token = self.read().transpose();
        self.done = !matches!(token, Some(Ok(_)));
        token
    }
}

impl<'a> Tokens<'_, 'a> {
    fn word(&mut self) -> Result<u32, OutOfBounds> {
        let value = self.tree.bytes.u32(self.at, Endian::Big)?;
        self.at = self.at.saturating_add(4);
        Ok(value)
    }

    fn read(&mut self) -> Result<Option<Token<'a>>, Fault> {
        while self.at < self.tree.structure.end() {
            let place = self.at;
            match self.word()? {
                NOP => (),
                END => return Ok(None),
                END_NODE => return Ok(Some(Token::End)),
                BEGIN_NODE => return Ok(Some(Token::Begin(self.name()?))),
                PROP => return Ok(Some(self.property()?)),
                other => return Err(Fault::corrupt(format!("{other:#x} at {place:#x} is no token of a device tree"))),
            }
        }
        Err(Fault::corrupt("the structure block has no end"))
    }

    fn name(&mut self) -> Result<&'a [u8], Fault> {
        let rest = self.tree.bytes.up_to(self.at, LONGEST_NAME);
        let Some(length) = rest.iter().position(|byte| *byte == 0) else {
            // The error of reading what is not there, if that is why.
            self.tree.bytes.get(self.at, LONGEST_NAME)?;
            return Err(Fault::corrupt(format!("the name of the node at {:#x} does not end", self.at)));
        };
        let name = rest.get(..length).unwrap_or_default();
        self.skip(crate::format::length_of(name).saturating_add(1));
        Ok(name)
    }

    fn property(&mut self) -> Result<Token<'a>, Fault> {
        let length = self.word()?;
        let name = self.word()?;
        let value = Span::new(self.at, length.into());
        if value.end() > self.tree.structure.end() {
            return Err(Fault::corrupt(format!("the property at {:#x} reaches out of the tree", self.at)));
        }
        self.skip(value.length);
        let place = self.tree.strings.start.saturating_add(name.into());
        let rest = self.tree.bytes.up_to(place, self.tree.strings.end().saturating_sub(place).min(LONGEST_NAME));
        Ok(Token::Property(rest.split(|byte| *byte == 0).next().unwrap_or_default(), value))
    }

    /// Goes on after `length` bytes and the padding to the next multiple of 4.
    fn skip(&mut self, length: u64) {
        self.at = self.at.saturating_add(length).checked_next_multiple_of(4).unwrap_or(u64::MAX);
    }
}
