//! The sections of a file: one after the other, some of them with sections inside.

use std::collections::BTreeMap;

use super::encapsulation::{self, Opened};
use crate::blob::{Blob, Bytes, Endian, Span, to_u64};
use crate::format::guid::Guid;
use crate::format::uefi::uefi_volume;
use crate::format::{Attributes, Children, utf16_units, utf16le_part_text};
use crate::limits::Effort;
use crate::problem::Fault;

/// Sections in sections that are followed.
const DEEPEST: u32 = 16;

/// The header of a section; numbers are little endian:
///
/// ```text
/// 0 size u24, header included   3 type   4 size u32, if the first one is all ones
/// ```
#[derive(Clone, Copy)]
pub(super) struct Section {
    pub(super) kind: u8,
    /// Where it starts.
    pub(super) start: u64,
    /// Bytes of the header.
    pub(super) header: u64,
    /// Bytes of header and content.
    pub(super) size: u64,
}

impl Section {
    pub(super) fn content(&self) -> Span {
        Span::new(self.start.saturating_add(self.header), self.size.saturating_sub(self.header))
    }

    fn read(bytes: Bytes<'_>, start: u64) -> Result<Self, Fault> {
        let word = bytes.u32(start, Endian::Little)?;
        let small = u64::from(word & 0xff_ffff);
        let (header, size) = match small {
            0xff_ffff => (8, u64::from(bytes.u32(start.saturating_add(4), Endian::Little)?)),
            small => (4, small),
        };
        if size < header {
            return Err(Fault::corrupt("a section smaller than its header"));
        }
        Ok(Self { kind: u8::try_from(word >> 24).unwrap_or(0), start, header, size })
    }

    /// Those with sections inside, and those with content, as the specification numbers them; f0 and f1 are Insyde's and Phoenix's.
    fn is_known(&self) -> bool {
        matches!(self.kind, 1..=3 | 0x10..=0x1c | 0x20 | 0xf0)
    }
}

/// The sections from the start of `bytes`, up to the end or to what is none.
pub(super) fn sections(bytes: Bytes<'_>) -> impl Iterator<Item = Result<Section, Fault>> + '_ {
    let mut at = 0_u64;
    std::iter::from_fn(move || {
        if at.saturating_add(4) > bytes.len() || bytes.tail(at).iter().take(4).all(|byte| matches!(byte, 0)) {
            return None;
        }
        let section = Section::read(bytes, at);
        let next = section.as_ref().map_or(u64::MAX, |section| at.saturating_add(section.size));
        at = next.checked_next_multiple_of(4).unwrap_or(u64::MAX);
        Some(section)
    })
}

/// Whether sections cover `bytes`, all of known kinds.
pub(super) fn are_sections(bytes: Bytes<'_>) -> bool {
    let mut found = sections(bytes).take(64).peekable();
    found.peek().is_some() && found.all(|section| section.is_ok_and(|section| section.is_known() && section.content().end() <= bytes.len()))
}

/// EFI_SECTION_USER_INTERFACE.
const NAME: u8 = 0x15;

/// What the sections of a file say that its name is; failing that, what those in a compressed one say.
pub(super) fn name_of(bytes: Bytes<'_>, effort: &mut Effort<'_>) -> Option<String> {
    if let Some(name) = plain_name(bytes) {
        return Some(name);
    }
    let packed = sections(bytes).map_while(Result::ok).find(|section| matches!(section.kind, 1 | 2))?;
    let content = bytes.part(packed.content()).ok()?;
    plain_name(Bytes(&encapsulation::peek(packed.kind, packed.header, content, effort)?))
}

/// What the sections of a file say that its name is, without unpacking any.
pub(super) fn plain_name(bytes: Bytes<'_>) -> Option<String> {
    let found = sections(bytes).take(64).map_while(Result::ok);
    found.filter(|section| section.kind == NAME).find_map(|section| bytes.part(section.content()).ok().map(|text| wide(text, 0).0))
}

/// UTF-16 from `start` to its NUL, and where it stands.
fn wide(content: Bytes<'_>, start: u64) -> (String, Span) {
    let text = Bytes(content.tail(start)).up_to(0, 512);
    let length = to_u64(utf16_units(text).take_while(|unit| *unit != 0).count()).saturating_mul(2);
    (utf16le_part_text(text), Span::new(start, length))
}

/// Hands over what sections hold.
pub(super) struct Sections<'a> {
    /// The bytes that they stand in: those of the file, or what came out of a compressed section.
    blob: &'a Blob,
    /// Whether these are the bytes of the file.
    own: bool,
    /// Before all names.
    path: String,
    depth: u32,
    /// How many sections had this name before.
    seen: BTreeMap<String, u32>,
}

impl<'a> Sections<'a> {
    pub(super) fn new(blob: &'a Blob) -> Self {
        Self { blob, own: true, path: String::new(), depth: 0, seen: BTreeMap::new() }
    }

    /// The sections in `area`.
    pub(super) fn run(&mut self, area: Span, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = Bytes(self.blob.bytes().up_to(area.start, area.length));
        for section in sections(bytes) {
            children.budget().check()?;
            let section = match section {
                Ok(section) => Section { start: section.start.saturating_add(area.start), ..section },
                Err(fault) => {
                    children.problem(&fault, None);
                    break;
                }
            };
            if let Err(fault) = self.section(section, area, children) {
                if fault.is_limit() {
                    return Err(fault);
                }
                children.problem(&fault, self.own.then_some(section.start));
            }
        }
        Ok(())
    }

    fn section(&mut self, section: Section, area: Span, children: &mut Children<'_>) -> Result<(), Fault> {
        let content = section.content();
        let inside = Span::between(content.start, content.end().min(area.end()));
        let bytes = Bytes(self.blob.bytes().up_to(inside.start, inside.length));
        if content.end() > area.end() {
            let message = format!("a section of {:#x} bytes, of which {:#x} are there", content.length, inside.length);
            children.problem(&Fault::Truncated(message), self.own.then_some(section.start));
        }
        match section.kind {
            1 | 2 => self.encapsulated(section, inside, children),
            3 => self.inside("disposable", inside, children),
            0x14 => {
                self.said("header.version", bytes, 2, inside.start, children);
                Ok(())
            }
            NAME => {
                self.said("header.name", bytes, 0, inside.start, children);
                Ok(())
            }
            // Dependency expressions.
            0x13 | 0x1b | 0x1c => Ok(()),
            0x17 => {
                let name = uefi_volume::Header::read(bytes).map_or_else(|_| "volume".to_owned(), |header| header.title());
                self.give(&name, inside, None, children)
            }
            0x18 => {
                let guid = Guid::at(bytes, 0)?;
                let rest = Span::between(inside.start.saturating_add(16), inside.end());
                self.give(&format!("freeform {}", guid.titled(None)), rest, None, children)
            }
            // It only moves the next one to where that must stand.
            0x19 if bytes.0.iter().all(|byte| *byte == 0) || bytes.0.iter().all(|byte| *byte == 0xff) => Ok(()),
            kind => self.give(&kind_name(kind), inside, None, children),
        }
    }

    /// A text that a section holds, as a fact, if the file's own bytes say it.
    fn said(&self, key: &'static str, content: Bytes<'_>, start: u64, base: u64, children: &mut Children<'_>) {
        let (text, span) = wide(content, start);
        if self.own && !text.is_empty() {
            children.fact(key, text.as_bytes(), Span::new(base.saturating_add(span.start), span.length));
        }
    }

    fn encapsulated(&mut self, section: Section, inside: Span, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = Bytes(self.blob.bytes().up_to(inside.start, inside.length));
        let opened = if section.kind == 1 {
            encapsulation::compressed(bytes, children)?
        } else {
            encapsulation::guided(bytes, section.header, children)?
        };
        let shift = |span: Span| Span::new(span.start.saturating_add(inside.start), span.length);
        match opened {
            Opened::Plain { name, content, signature } => {
                if let Some(signature) = signature {
                    self.give("signature", shift(signature), None, children)?;
                }
                self.inside(&name, shift(content), children)
            }
            Opened::Unpacked { name, output, fault } => {
                if let Some(fault) = &fault {
                    children.problem(fault, self.own.then_some(section.start));
                }
                self.unpacked(&name, &output.into_blob(), children)
            }
            Opened::Closed { name, content, fault } => self.give(&name, shift(content), Some(&fault), children),
        }
    }

    /// Sections in a section that stand there as they are.
    fn inside(&mut self, name: &str, area: Span, children: &mut Children<'_>) -> Result<(), Fault> {
        let (blob, own) = (self.blob, self.own);
        let mut inner = self.below(name, blob, own)?;
        inner.run(area, children)
    }

    /// Sections that came out of a compressed one, or whatever it is.
    fn unpacked(&mut self, name: &str, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let mut inner = self.below(name, blob, false)?;
        let whole = Span::new(0, blob.len());
        if are_sections(blob.bytes()) {
            return inner.run(whole, children);
        }
        inner.give("content", whole, None, children)
    }

    fn below<'b>(&mut self, name: &str, blob: &'b Blob, own: bool) -> Result<Sections<'b>, Fault> {
        if self.depth >= DEEPEST {
            return Err(Fault::unsupported("sections in sections in sections, and so on"));
        }
        let name = self.fresh(name);
        let path = format!("{}{name}/", self.path);
        Ok(Sections { blob, own, path, depth: self.depth.saturating_add(1), seen: BTreeMap::new() })
    }

    /// The name, with a number from the second of that name on.
    fn fresh(&mut self, name: &str) -> String {
        let before = self.seen.entry(name.to_owned()).or_default();
        *before = before.saturating_add(1);
        if *before > 1 { format!("{name} #{before}") } else { name.to_owned() }
    }

    fn give(&mut self, name: &str, span: Span, fault: Option<&Fault>, children: &mut Children<'_>) -> Result<(), Fault> {
        let fresh = self.fresh(name);
        let name = format!("{}{fresh}", self.path);
        if self.own {
            return Ok(children.span_with(name, span, Attributes::default(), fault)?);
        }
        if let Some(fault) = fault {
            children.problem(fault, None);
        }
        let part = self.blob.carve(span).map_err(Fault::from)?;
        Ok(children.given(name, part, Attributes::default())?)
    }
}

/// What a section is called that holds something.
fn kind_name(kind: u8) -> String {
    match kind {
        0x10 => "PE32".to_owned(),
        0x11 => "PIC".to_owned(),
        0x12 => "TE".to_owned(),
        0x16 => "16-bit".to_owned(),
        0x19 => "raw".to_owned(),
        kind => format!("section {kind:02x}"),
    }
}
