//! Build information as the Go linker lays it out. Programs of `go build` are compared where there is a compiler.

use std::process::Command;

use super::*;
use crate::fact::testing::{analyze, survives_damage};

const MODULES: &str = "path\texample.org/thing/cmd\nmod\texample.org/thing\tv1.2.3\th1:sum=\ndep\texample.org/a\tv0.1.0\th1:a=\n\
    dep\texample.org/b\tv0.2.0\n=>\texample.org/fork\tv0.2.1\th1:b=\nbuild\t-compiler=gc\nbuild\tvcs.revision=0123456789abcdef\n";

fn varint(length: usize) -> Vec<u8> {
    if length < 128 { vec![length as u8] } else { vec![length as u8 | 0x80, (length >> 7) as u8] }
}

fn inline_form(version: &str, modules: &str) -> Vec<u8> {
    let framed = format!("0123456789abcdef{modules}fedcba9876543210");
    let mut bytes = b"\xff Go buildinf:\x08\x02".to_vec();
    bytes.resize(32, 0);
    for text in [version, &framed] {
        bytes.extend(varint(text.len()));
        bytes.extend(text.as_bytes());
    }
    bytes
}

#[test]
fn strings_stand_inline() {
    let bytes = [b"\xff Go buildinf:x but not", &inline_form("go1.19.8", MODULES)[..], &[0; 64]].concat();
    let said = analyze(&Go, &bytes, Some("elf"));
    assert_eq!(said.values("go.version"), ["go1.19.8"]);
    assert_eq!(said.values("go.path"), ["example.org/thing/cmd"]);
    assert_eq!(said.values("go.module"), ["example.org/thing@v1.2.3"]);
    assert_eq!(said.values("go.dependency"), ["example.org/a@v0.1.0", "example.org/b@v0.2.0 => example.org/fork@v0.2.1"]);
    assert_eq!(said.values("go.setting"), ["-compiler=gc", "vcs.revision=0123456789abcdef"]);
    for (key, value, span) in &said.facts {
        if matches!(*key, "go.version" | "go.path" | "go.setting") {
            assert_eq!(&bytes[span.start as usize..span.end() as usize], value.as_bytes());
        }
    }
    survives_damage(&Go, &bytes, Some("elf"));
}

#[test]
fn a_program_that_reads_it_is_not_one() {
    let text = b"\xff Go buildinf:\x08\x02 is what is looked for; and behind it would be more".repeat(3);
    assert!(analyze(&Go, &text, Some("elf")).facts.is_empty());
    assert!(analyze(&Go, &b"\xff Go buildinf:".repeat(100_000), None).facts.is_empty());
}

#[test]
fn strings_are_pointed_to() {
    if crate::testing::lacking(&["gcc"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = r#"
        struct string { const char *text; unsigned long length; };
        static struct string version = { "go1.13.8", 8 };
        static struct string modules = { "0123456789abcdefpath\ta/b\nmod\ta\tv1.0.0\t\nfedcba9876543210", 56 };
        __attribute__((section(".go.buildinfo"), aligned(16))) struct { char magic[14], size, flags; void *version, *modules; } info =
            { "\xff Go buildinf:", sizeof(void *), 0, &version, &modules };
        int main(void) { return 0; }
    "#;
    let (from, to) = (folder.path().join("a.c"), folder.path().join("a"));
    std::fs::write(&from, source).unwrap();
    crate::format::testing::tool(Command::new("gcc").args(["-no-pie", "-o"]).arg(&to).arg(&from));
    let said = analyze(&Go, &std::fs::read(&to).unwrap(), Some("elf"));
    assert_eq!(said.values("go.version"), ["go1.13.8"]);
    assert_eq!((said.values("go.path"), said.values("go.module")), (vec!["a/b"], vec!["a@v1.0.0"]));
}
