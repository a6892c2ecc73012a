//! Paths as rustc writes them, a program of rustc, and a list as cargo-auditable writes it.

use std::process::Command;

use super::*;
use crate::fact::testing::{analyze, survives_damage};
use crate::format::testing::tool;

#[test]
fn paths_name_crates_and_the_compiler() {
    let bytes = b"\x7fELF\0\0/rustc/9fc6b43126469e3858e2fe86cafb4f0fd5068869/library/core/src/panic.rs\0\
        /home/u/.cargo/registry/src/github.com-1ecc6299db9ec823/regex-syntax-0.6.28/src/parser.rs/rustc/x\
        /root/.cargo/registry/src/index.crates.io-6f17d22bba15001f/time-0.3.0-alpha.1+x/src/a.rs\
        /usr/share/cargo/registry/aho-corasick-0.7.19/src/lib.rs/usr/share/cargo/registry/aho-corasick-0.7.19/src/b.rs\
        C:\\u\\.cargo\\registry\\src\\index\\winapi-0.3.9\\src/x.rs /registry/src/no-version/here/ /registry/src/";
    let said = analyze(&Rust, bytes, None);
    assert_eq!(said.values("rust.compiler"), ["9fc6b43126469e3858e2fe86cafb4f0fd5068869"]);
    assert_eq!(said.values("rust.crate"), ["regex-syntax@0.6.28", "time@0.3.0-alpha.1+x", "aho-corasick@0.7.19", "winapi@0.3.9"]);
    let (_, value, span) = &said.facts[1];
    assert_eq!(&bytes[span.start as usize..span.end() as usize], value.replace('@', "-").as_bytes());
}

#[test]
fn many_beginnings_are_soon_done() {
    let bytes = [&b"\0\x01\x02"[..], &b"/registry/src//rustc/".repeat(100_000)].concat();
    assert!(analyze(&Rust, &bytes, Some("elf")).facts.is_empty());
}

#[test]
fn lists_of_cargo_auditable_are_read() {
    if crate::testing::lacking(&["gcc", "objcopy", "python3"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let json = r#"{"packages":[{"name":"adler","version":"1.0.2","source":"crates.io","kind":"build"},
        {"name":"thing","version":"0.1.0","source":"local","dependencies":[0,2],"root":true}]}"#;
    let script = "import sys,zlib; open(sys.argv[1],'wb').write(zlib.compress(sys.argv[2].encode()))";
    tool(Command::new("python3").args(["-c", script]).arg(path("list")).arg(json));
    std::fs::write(path("a.c"), "int main(void) { return 0; }").unwrap();
    tool(Command::new("gcc").arg("-o").arg(path("a")).arg(path("a.c")));
    let section = format!(".dep-v0={}", path("list").display());
    tool(Command::new("objcopy").args(["--add-section", &section]).arg(path("a")).arg(path("b")));
    let bytes = std::fs::read(path("b")).unwrap();
    let said = analyze(&Rust, &bytes, Some("elf"));
    assert_eq!(said.values("rust.audit"), ["adler@1.0.2", "thing@0.1.0"]);
    survives_damage(&Rust, &bytes, Some("elf"));
}

#[test]
fn more_crates_than_are_read_are_a_problem() {
    let paths: String = (0..5000).map(|index| format!("/cargo_registry/crate{index}-1.0.{index}/src/lib.rs\0")).collect();
    let image = [b"\x7fELF\x02\x01\x01\0".to_vec(), paths.into_bytes()].concat();
    let said = analyze(&Rust, &image, Some("elf"));
    assert_eq!(said.values("rust.crate").len(), super::MOST);
    assert_eq!(said.problems[0].code, crate::problem::Code::Limit);
}
