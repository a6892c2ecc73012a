//! What kind of content an artifact is: where a rule may speak for code hangs on it.

use crate::blob::{Blob, Bytes, Endian};

/// Kinds of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// An executable or library.
    Program,
    /// A loadable kernel module.
    KernelModule,
    /// An operating system kernel.
    Kernel,
    /// Bytes of no known format: boot loaders, blobs, RTOS images.
    Raw,
    /// Text: documents, scripts, configuration, tables in text form.
    Text,
    /// Media, archives, databases: not code.
    Data,
}

impl Context {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Program, Self::KernelModule, Self::Kernel, Self::Raw, Self::Text, Self::Data];

    /// The name in signatures and in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::KernelModule => "kernel-module",
            Self::Kernel => "kernel",
            Self::Raw => "raw",
            Self::Text => "text",
            Self::Data => "data",
        }
    }

    /// The context of that name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|context| context.name() == name)
    }

    /// What `blob`, of format `format`, is.
    pub fn of(blob: &Blob, format: Option<&str>) -> Self {
        let bytes = blob.bytes();
        match format {
            Some("linux-arm64") => Self::Kernel,
            // Before modules: newer kernels have a section of that name, for what is built in.
            Some("elf" | "pe") if is_kernel(bytes) => Self::Kernel,
            Some("elf") if is_module(bytes) => Self::KernelModule,
            Some("elf" | "pe" | "te") => Self::Program,
            Some(_) => Self::Data,
            None if is_kernel(bytes) => Self::Kernel,
            None if is_text(bytes.0) => Self::Text,
            None if is_media(bytes) => Self::Data,
            None => Self::Raw,
        }
    }
}

/// Modules are relocatable (`e_type` is ET_REL, 1) and have a section of this name, which tools for modules have as a string only.
fn is_module(bytes: Bytes<'_>) -> bool {
    let endian = if bytes.u8(5) == Ok(2) { Endian::Big } else { Endian::Little };
    bytes.u16(16, endian) == Ok(1) && memchr::memmem::rfind(bytes.0, b"\0.modinfo\0").is_some()
}

/// Only a kernel image holds both its banner and this symbol table text or format.
pub(crate) fn is_kernel(bytes: Bytes<'_>) -> bool {
    bytes.len() > 512 << 10
        && memchr::memmem::find(bytes.0, b"Linux version ").is_some()
        && memchr::memmem::find(bytes.0, b"Kernel panic - not syncing").is_some()
}

/// At most this much is looked at: from the start, the middle and the end.
const SAMPLE: usize = 64 << 10;

/// Text in ASCII, UTF-8 or an older encoding: no NUL and hardly a control character in three samples. Code and tables are full of both.
fn is_text(bytes: &[u8]) -> bool {
    let middle = bytes.get(bytes.len() / 2..).unwrap_or_default();
    let last = bytes.get(bytes.len().saturating_sub(SAMPLE)..).unwrap_or_default();
    !bytes.is_empty() && [bytes, middle, last].iter().all(|part| is_text_sample(part.get(..SAMPLE).unwrap_or(part)))
}

fn is_text_sample(sample: &[u8]) -> bool {
    let odd = sample.iter().filter(|byte| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b)).count();
    let high = sample.iter().filter(|byte| !byte.is_ascii()).count();
    let spoiled: usize = sample.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
    !sample.contains(&0) && odd.saturating_mul(200) <= sample.len() && (spoiled == 0 || high.saturating_mul(2) <= sample.len())
}

/// Pictures, sound, fonts and databases, by the bytes at their start.
fn is_media(bytes: Bytes<'_>) -> bool {
    const STARTS: [&[u8]; 14] = [
        b"\x89PNG\r\n",
        b"\xff\xd8\xff",
        b"GIF8",
        b"OggS",
        b"ID3",
        b"RIFF",
        b"\0\0\x01\0",
        b"OTTO",
        b"\0\x01\0\0\0",
        b"wOFF",
        b"wOF2",
        b"SQLite format 3\0",
        b"\xde\x12\x04\x95",
        b"\x1c\x04\x1e\xf1",
    ];
    STARTS.iter().any(|start| bytes.has(0, start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8], format: Option<&str>) -> Context {
        Context::of(&Blob::new(bytes.to_vec()), format)
    }

    #[test]
    fn contents_are_told_apart() {
        assert_eq!(of(b"#!/bin/sh\necho hello\n", None), Context::Text);
        assert_eq!(of("größer\n".as_bytes(), None), Context::Text);
        assert_eq!(of(b"# \xb9\xe3\xd6\xdd\xb0\xe6 GBK\nexport A=1\n", None), Context::Text);
        assert_eq!(of(b"\x01\x02\x03\x00\x04strings here", None), Context::Raw);
        assert_eq!(of(b"\x89PNG\r\n\x1a\n", None), Context::Data);
        assert_eq!(of(b"\x7fELF", Some("elf")), Context::Program);
        let object = |kind: u8| [b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".as_slice(), &[kind, 0], b"\0.text\0.modinfo\0"].concat();
        assert_eq!(of(&object(1), Some("elf")), Context::KernelModule);
        assert_eq!(of(&object(3), Some("elf")), Context::Program, "a tool for modules is none");
        assert_eq!(of(b"hsqs", Some("squashfs")), Context::Data);
        let kernel = [vec![1; 1 << 20], b"Linux version 6.1\0Kernel panic - not syncing\0.modinfo\0".to_vec()].concat();
        assert_eq!(of(&kernel, Some("elf")), Context::Kernel);
        assert_eq!(of(&kernel, Some("linux-arm64")), Context::Kernel);
        assert_eq!(of(&kernel, None), Context::Kernel);
    }
}
