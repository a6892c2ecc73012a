//! What the Go linker wrote into a program: its version, the modules it is made of, and how it was built.

use memchr::memmem;

use super::ordered::Ordered;
use super::{Analyzer, Facts, Key, Subject};
use crate::blob::{Bytes, Endian, Span, to_u64};

mod pointers;

/// Build information of Go programs.
#[derive(Debug)]
pub(super) struct Go;

impl Analyzer for Go {
    fn id(&self) -> &'static str {
        "go"
    }

    fn keys(&self) -> &'static [Key] {
        const {
            &[
                Key::new("go.version", "version of the Go compiler"),
                Key::new("go.path", "path of the package that was built"),
                Key::new("go.module", "module that was built, and its version, `path@version`"),
                Key::new("go.dependency", "module that it is made with, `path@version`, and behind `=>` what stands in for it"),
                Key::new("go.setting", "how it was built, `key=value`"),
            ]
        }
    }

    fn analyze(&self, subject: &Subject<'_>, facts: &mut Facts<'_>) {
        let bytes = subject.blob.bytes();
        let mut found = Ordered::default();
        // The linker puts it at a multiple of 16 bytes of the program.
        for at in memmem::find_iter(bytes.0, MAGIC).map(to_u64).take(MOST_PLACES) {
            if let Some((version, modules)) = strings(bytes, at).filter(|(version, _)| is_version(version.0)) {
                found.verbatim("go.version", version.0, version.1);
                if let Some((text, start)) = modules {
                    module_lines(text, start, &mut found);
                }
                break;
            }
        }
        found.deliver(subject, facts);
    }
}

/// What the linker puts before it.
const MAGIC: &[u8] = b"\xff Go buildinf:";
/// Tools that read it hold the magic too, so the first place need not be the right one.
const MOST_PLACES: usize = 64;
/// The strings stand inline, each after its length as a varint.
const INLINE: u8 = 2;
/// Kubernetes has a few hundred modules, in 40 KiB.
const LONGEST: u64 = 1 << 20;

/// A string and where it stands.
type Text<'a> = (&'a [u8], u64);

/// The header of 32 bytes (debug/buildinfo):
///
/// ```text
/// 0   14 bytes  magic
/// 14  u8        size of a pointer
/// 15  u8        flags: 1 = pointers are big-endian, 2 = strings are inline
/// 16  pointers to two Go strings, or from 32 on the strings
/// ```
fn strings(bytes: Bytes<'_>, at: u64) -> Option<(Text<'_>, Option<Text<'_>>)> {
    let (size, flags) = (bytes.u8(at.saturating_add(14)).ok()?, bytes.u8(at.saturating_add(15)).ok()?);
    if flags & INLINE != 0 {
        let version = inline(bytes, at.saturating_add(32))?;
        let modules = inline(bytes, version.1.saturating_add(to_u64(version.0.len())));
        return Some((version, modules));
    }
    let endian = if flags & 1 == 0 { Endian::Little } else { Endian::Big };
    let pointers = pointers::Pointers::new(bytes, size, endian)?;
    let version = pointers.string(pointers.read(at.saturating_add(16))?)?;
    let modules = pointers.read(at.saturating_add(16).saturating_add(size.into())).and_then(|place| pointers.string(place));
    Some((version, modules))
}

/// A string after its length, seven bits a byte, lowest first.
fn inline(bytes: Bytes<'_>, at: u64) -> Option<Text<'_>> {
    let mut length = 0_u64;
    for index in 0..4_u32 {
        let byte = bytes.u8(at.saturating_add(index.into())).ok()?;
        length |= u64::from(byte & 0x7f).checked_shl(index.saturating_mul(7))?;
        if byte & 0x80 == 0 {
            let start = at.saturating_add(index.into()).saturating_add(1);
            return (length <= LONGEST).then(|| bytes.get(start, length).ok()).flatten().map(|text| (text, start));
        }
    }
    None
}

/// `go1.19.8`, `devel go1.21-…`: printable, and with a digit.
fn is_version(text: &[u8]) -> bool {
    let known = text.starts_with(b"go") || text.starts_with(b"devel ") || memmem::find(text, b"go1.").is_some();
    known && text.len() < 256 && text.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

/// The modules stand between two marks of 16 bytes, one a line, fields set apart by tabs:
///
/// ```text
/// path  cmd/thing
/// mod   example.org/thing   v1.2.3   h1:sum
/// dep   example.org/other   v0.1.0   h1:sum
/// =>    example.org/fork    v0.1.1   h1:sum
/// build -compiler=gc
/// ```
fn module_lines<'a>(text: &'a [u8], start: u64, found: &mut Ordered<'a>) {
    const MARK: usize = 16;
    let Some(inner) = text.get(MARK..text.len().saturating_sub(MARK)).filter(|_| text.len() >= 33) else { return };
    let mut at = start.saturating_add(to_u64(MARK));
    let mut lines = inner.split(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        let mut fields = line.split(|byte| *byte == b'\t');
        let (word, rest) = (fields.next().unwrap_or_default(), line.iter().position(|byte| *byte == b'\t'));
        let value = rest.and_then(|tab| line.get(tab.saturating_add(1)..)).unwrap_or_default();
        let value_at = at.saturating_add(to_u64(line.len().saturating_sub(value.len())));
        let span = Span::new(value_at, to_u64(value.len()));
        match word {
            b"path" => found.verbatim("go.path", value, value_at),
            b"build" => found.verbatim("go.setting", value, value_at),
            b"mod" => found.say("go.module", module(fields), span),
            b"dep" => {
                let mut value = module(fields);
                let replacement = lines.peek().and_then(|next| next.strip_prefix(b"=>\t"));
                if let Some(next) = replacement {
                    value.extend(b" => ");
                    value.extend(module(next.split(|byte| *byte == b'\t')));
                }
                found.say("go.dependency", value, span);
            }
            _ => (),
        }
        at = at.saturating_add(to_u64(line.len())).saturating_add(1);
    }
}

/// Path and version.
fn module<'a>(mut fields: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let (path, version) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
    if version.is_empty() { path.to_vec() } else { [path, b"@", version].concat() }
}

#[cfg(test)]
mod tests;
