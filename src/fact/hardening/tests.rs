//! Programs of gcc with and without hardening.

use std::path::Path;
use std::process::Command;

use super::*;
use crate::fact::testing::{Said, analyze, survives_damage};
use crate::format::testing::tool;

const SOURCE: &str = r#"
    #include <stdio.h>
    #include <string.h>
    int main(int count, char **words) { char text[64]; strcpy(text, words[0]); printf("%s %d\n", text, count); return 0; }
"#;

fn built(folder: &Path, options: &[&str]) -> Vec<u8> {
    let (source, output) = (folder.join("a.c"), folder.join("a"));
    std::fs::write(&source, SOURCE).unwrap();
    tool(Command::new("gcc").args(options).arg("-o").arg(&output).arg(&source));
    std::fs::read(output).unwrap()
}

fn summary(said: &Said) -> Vec<String> {
    let mut all: Vec<_> = said.facts.iter().map(|fact| format!("{}={}", fact.0.trim_start_matches("hardening."), fact.1)).collect();
    all.sort();
    all
}

#[test]
fn the_options_of_the_compiler_are_told() {
    if crate::testing::lacking(&["gcc"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let hard = ["-O2", "-D_FORTIFY_SOURCE=2", "-fstack-protector-all", "-fPIE", "-pie", "-Wl,-z,relro,-z,now", "-s"];
    let bytes = built(folder.path(), &hard);
    let said = analyze(&Hardening, &bytes, Some("elf"));
    assert_eq!(summary(&said), ["canary=yes", "fortify=2 of 2", "nx=yes", "pie=pie", "relro=full", "symbols=stripped"]);
    survives_damage(&Hardening, &bytes, Some("elf"));
    let soft = ["-O2", "-U_FORTIFY_SOURCE", "-fno-stack-protector", "-no-pie", "-Wl,-z,norelro,-z,lazy,-z,execstack"];
    let said = analyze(&Hardening, &built(folder.path(), &soft), Some("elf"));
    let summary = summary(&said);
    assert_eq!(summary[0], "canary=no");
    assert!(summary[1].starts_with("fortify=0 of "), "{summary:?}");
    assert_eq!(summary[2..], ["nx=no", "pie=no", "relro=none", "symbols=present"]);
    let library = built(folder.path(), &["-shared", "-fPIC", "-Wl,-z,relro,-z,lazy"]);
    let said = analyze(&Hardening, &library, Some("elf"));
    assert_eq!((said.values("hardening.pie"), said.values("hardening.relro")), (vec!["dso"], vec!["partial"]));
}

#[test]
fn an_object_is_not_linked() {
    if crate::testing::lacking(&["gcc"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let said = analyze(&Hardening, &built(folder.path(), &["-c", "-fno-stack-protector"]), Some("elf"));
    assert_eq!(summary(&said), ["canary=no"]);
}

#[test]
fn options_of_a_pe_file_are_told() {
    let bytes = crate::fact::testing::pe(&[], &[(4, 0x1000, 8)], &[0; 64]);
    let expect = ["aslr=yes", "canary=no", "cfg=yes", "force-integrity=no", "high-entropy=no", "nx=yes", "safe-seh=no", "signed=yes"];
    assert_eq!(summary(&analyze(&Hardening, &bytes, Some("pe"))), expect);
    let mut configuration = vec![0; 0x80];
    for (at, value) in [(0, 72), (60, 9), (64, 9), (68, 9)] {
        configuration[at] = value;
    }
    let bytes = crate::fact::testing::pe(&[], &[(10, 0x1000, 72)], &configuration);
    let said = analyze(&Hardening, &bytes, Some("pe"));
    assert_eq!((said.values("hardening.canary"), said.values("hardening.safe-seh")), (vec!["yes"], vec!["yes"]));
    survives_damage(&Hardening, &bytes, Some("pe"));
}

#[test]
fn names_are_sorted() {
    assert!(super::fortify::NAMES.is_sorted());
    assert!(super::fortify::NAMES.contains(&&b"memcpy"[..]));
}
