//! Signatures as osslsigncode and OpenSSL make them.

use std::path::Path;
use std::process::Command;

use super::*;
use crate::fact::testing::{analyze, survives_damage};
use crate::format::testing::tool;

/// A program that is big enough for a header, and nothing else.
fn program() -> Vec<u8> {
    let mut bytes = vec![0; 0x400];
    bytes[..2].copy_from_slice(b"MZ");
    bytes[0x3c] = 0x80;
    bytes[0x80..0x98].copy_from_slice(b"PE\0\0\x64\x86\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xf0\0\x22\0");
    bytes[0x98..0x9a].copy_from_slice(&0x20b_u16.to_le_bytes());
    bytes[0xb8..0xbc].copy_from_slice(&0x1000_u32.to_le_bytes());
    bytes[0xbc..0xc0].copy_from_slice(&0x200_u32.to_le_bytes());
    bytes[0xd0..0xd4].copy_from_slice(&0x1000_u32.to_le_bytes());
    bytes[0xd4..0xd8].copy_from_slice(&0x200_u32.to_le_bytes());
    bytes[0x98 + 108] = 16;
    bytes
}

fn run(folder: &Path, line: &str) {
    tool(Command::new(line.split(' ').next().unwrap()).current_dir(folder).args(line.split(' ').skip(1)));
}

fn key(folder: &Path, name: &str) {
    let line = format!("openssl req -x509 -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.pem -days 99 -set_serial 0xf00d -subj");
    tool(Command::new("openssl").current_dir(folder).args(line.split(' ').skip(1)).arg(format!("/O=Example {name}/CN={name}")));
}

#[test]
fn programs_say_who_signed_them_and_whether_they_were_changed_since() {
    if crate::testing::lacking(&["openssl", "osslsigncode"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    key(folder, "one");
    key(folder, "two");
    std::fs::write(folder.join("a.exe"), program()).unwrap();
    run(folder, "osslsigncode sign -certs one.pem -key one.key -h sha1 -in a.exe -out b.exe");
    run(folder, "osslsigncode sign -certs two.pem -key two.key -h sha384 -nest -in b.exe -out c.exe");
    let mut bytes = std::fs::read(folder.join("c.exe")).unwrap();
    let said = analyze(&Signatures, &bytes, Some("pe"));
    assert_eq!(said.values("signature.signer"), ["O=Example one, CN=one", "O=Example two, CN=two"]);
    assert_eq!(said.values("signature.algorithm"), ["sha1", "sha384"]);
    assert_eq!(said.values("signature.key-id"), ["f00d", "f00d"]);
    assert_eq!(said.values("signature.digest"), ["verified", "verified"]);
    assert!(said.signatures.iter().all(|one| one.spki_sha256.len() == 64 && bytes[one.span.start as usize] == 0x30));
    survives_damage(&Signatures, &bytes, Some("pe"));
    bytes[0x300] ^= 1;
    assert_eq!(analyze(&Signatures, &bytes, Some("pe")).values("signature.digest"), ["mismatch", "mismatch"]);
}

/// What follows a signature of `length` bytes.
fn trailer(head: [u8; 5], length: usize) -> Vec<u8> {
    [&head[..], &[0; 3], &(length as u32).to_be_bytes(), b"~Module signature appended~\n"].concat()
}

#[test]
fn modules_say_whose_key_signed_them() {
    if crate::testing::lacking(&["openssl"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    key(folder, "one");
    std::fs::write(folder.join("a.ko"), b"a module").unwrap();
    let sign = "openssl cms -sign -binary -in a.ko -signer one.pem -inkey one.key -nocerts -md sha256 -outform DER -out";
    for (more, digest) in [("a.p7 -noattr", "not-checked"), ("a.p7", "verified")] {
        run(folder, &format!("{sign} {more}"));
        let signature = std::fs::read(folder.join("a.p7")).unwrap();
        let bytes = [b"a module", &signature[..], &trailer([0, 0, 2, 0, 0], signature.len())].concat();
        let said = analyze(&Signatures, &bytes, Some("elf"));
        assert_eq!(said.values("signature.issuer"), ["O=Example one, CN=one"]);
        assert_eq!(said.values("signature.key-id"), ["f00d"]);
        assert_eq!(said.values("signature.algorithm"), ["sha256"]);
        assert_eq!(said.values("signature.digest"), [digest], "{more}");
        assert_eq!(said.signatures[0].span, Span::new(8, signature.len() as u64));
        survives_damage(&Signatures, &bytes, Some("elf"));
    }
}

#[test]
fn modules_of_old_kernels_name_their_signer() {
    let bytes = [b"moduleMaker Inc.\x01\x02\x03\0\0\0\0", &trailer([1, 4, 1, 10, 3], 4)[..]].concat();
    let said = analyze(&Signatures, &bytes, Some("elf"));
    assert_eq!(said.values("signature.signer"), ["Maker Inc."]);
    assert_eq!((said.values("signature.key-id"), said.values("signature.algorithm")), (vec!["010203"], vec!["sha256"]));
    assert_eq!(said.signatures[0].span, Span::new(6, 17));
}

#[test]
fn what_only_mentions_a_signature_has_none() {
    for bytes in [&b"~Module signature appended~\n"[..], &[0; 40], b"grep -q '~Module signature appended~\n' and more", &program()] {
        assert!(analyze(&Signatures, bytes, Some("pe")).facts.is_empty());
    }
    let beyond = trailer([0, 0, 2, 0, 0], 5000);
    assert!(analyze(&Signatures, &beyond, Some("elf")).facts.is_empty());
}
