//! What a program was built with against its exploitation, as checksec lists it.

use super::ordered::Ordered;
use super::{Analyzer, Facts, Key, Subject};

mod elf;
mod fortify;
mod pe;

/// Hardening of ELF and PE files.
#[derive(Debug)]
pub(super) struct Hardening;

impl Analyzer for Hardening {
    fn id(&self) -> &'static str {
        "hardening"
    }

    fn keys(&self) -> &'static [Key] {
        const {
            &[
                Key::new("hardening.relro", "full, partial or none: whether relocations are read-only once they are made"),
                Key::new("hardening.pie", "pie, dso or no: whether a program may be loaded anywhere"),
                Key::new("hardening.nx", "yes, no or unstated: whether data and stack are not executable"),
                Key::new("hardening.canary", "yes or no: whether stacks are guarded by a canary, as far as symbols tell"),
                Key::new("hardening.fortify", "how many of the C library's functions with a checking variant are called by it, `3 of 10`"),
                Key::new("hardening.aslr", "yes or no: whether a PE file may be loaded anywhere"),
                Key::new("hardening.high-entropy", "yes or no: whether that may be anywhere in 64 bits"),
                Key::new("hardening.cfg", "yes or no: whether a PE file's calls are guarded (Control Flow Guard)"),
                Key::new("hardening.safe-seh", "yes or no: whether a PE file for x86 lists its exception handlers"),
                Key::new("hardening.force-integrity", "yes or no: whether a PE file asks for its signature to be checked"),
                Key::new("hardening.signed", "yes or no: whether a PE file has a certificate table; nothing is verified"),
                Key::new("hardening.symbols", "present or stripped: whether there is a symbol table beside the dynamic one"),
            ]
        }
    }

    fn analyze(&self, subject: &Subject<'_>, facts: &mut Facts<'_>) {
        let mut found = Ordered::default();
        if subject.format == Some("elf") {
            elf::read(subject.blob.bytes(), &mut found);
        } else if subject.format == Some("pe") {
            pe::read(subject.blob.bytes(), &mut found);
        }
        found.deliver(subject, facts);
    }
}

#[cfg(test)]
mod tests;
