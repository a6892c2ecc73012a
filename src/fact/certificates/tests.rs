//! Certificates as OpenSSL writes them, where images keep them.

use std::path::Path;
use std::process::Command;

use super::*;
use crate::fact::testing::{Said, analyze, survives_damage};
use crate::format::testing::tool;

fn said(bytes: &[u8]) -> Said {
    analyze(&Certificates, bytes, None)
}

fn openssl(folder: &Path, line: &str) -> Vec<u8> {
    tool(Command::new("openssl").current_dir(folder).args(line.split_whitespace()))
}

/// A self-signed certificate in `name.pem` and `name.der`.
fn make(folder: &Path, name: &str, key: &str, subject: &str, more: &str) {
    let line = format!("req -x509 -newkey {key} -nodes -keyout {name}.key -out {name}.pem -days 3650 {more} -subj");
    tool(Command::new("openssl").current_dir(folder).args(line.split_whitespace()).arg(subject));
    openssl(folder, &format!("x509 -in {name}.pem -outform DER -out {name}.der"));
}

fn read_file(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap()
}

/// What OpenSSL says of the certificate in `name.pem`.
fn by_openssl(folder: &Path, name: &str, option: &str) -> String {
    let text = String::from_utf8(openssl(folder, &format!("x509 -in {name}.pem -noout {option}"))).unwrap();
    text.trim_end().split_once('=').map_or(text.clone(), |(_, value)| value.to_owned())
}

#[test]
fn every_field_is_what_openssl_says_it_is() {
    if crate::testing::lacking(&["openssl"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let subject = "/C=CN/ST=Guangdong/O=Huawei Technologies Co., Ltd/OU=Größe/CN=Equip Root/emailAddress=a@example.com";
    for (key, algorithm, version, authority) in [
        ("rsa:1024", "rsa-1024", "", true),
        ("ec -pkeyopt ec_paramgen_curve:P-256", "ec-p256", "-addext basicConstraints=critical,CA:FALSE", false),
        ("ed25519", "ed25519", "-set_serial 0xf00d", true),
    ] {
        make(folder, "a", key, subject, &format!("-utf8 {version}"));
        let said = said(&read_file(folder, "a.der"));
        let [certificate] = &said.certificates[..] else { panic!("one certificate") };
        let expected = "C=CN, ST=Guangdong, O=Huawei Technologies Co., Ltd, OU=Größe, CN=Equip Root, emailAddress=a@example.com";
        assert_eq!((certificate.subject.as_str(), certificate.issuer.as_str()), (expected, expected));
        assert_eq!(certificate.organization.as_deref(), Some("Huawei Technologies Co., Ltd"));
        assert_eq!(certificate.serial.to_uppercase(), by_openssl(folder, "a", "-serial"));
        assert_eq!((certificate.key.as_str(), certificate.authority, certificate.self_issued), (algorithm, authority, true));
        let epoch = |date: String| String::from_utf8(tool(Command::new("date").args(["-u", "+%s", "-d", &date]))).unwrap();
        let (start, end) = (by_openssl(folder, "a", "-startdate"), by_openssl(folder, "a", "-enddate"));
        assert_eq!(certificate.validity, (epoch(start).trim().parse().unwrap(), epoch(end).trim().parse().unwrap()));
        let spki = openssl(folder, "pkey -in a.key -pubout -outform DER");
        assert_eq!(certificate.spki_sha256, hex(&Sha256::digest(spki)));
        assert_eq!(said.values("certificate.spki"), [&certificate.spki_sha256]);
        assert_eq!(said.values("certificate.subject"), [expected]);
        assert_eq!(said.values("certificate.issuer"), [expected]);
        assert_eq!(said.values("certificate.organization"), ["Huawei Technologies Co., Ltd"]);
    }
}

#[test]
fn certificates_are_found_once_a_place_however_they_are_written() {
    if crate::testing::lacking(&["openssl"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder, "a", "rsa:1024", "/O=First/CN=a", "");
    make(folder, "b", "ec -pkeyopt ec_paramgen_curve:P-384", "/O=Second/CN=b", "");
    let (a, b) = (read_file(folder, "a.der"), read_file(folder, "b.pem"));
    let bytes = [b"\x30\x82\x30\x82".as_slice(), &a, b"junk\x30\x82\x01", &b, b"\0", &a].concat();
    let said = said(&bytes);
    let found: Vec<_> = said.certificates.iter().map(|found| (found.organization.as_deref().unwrap(), found.span)).collect();
    let second = 4 + a.len() as u64 + 7;
    let third = second + b.len() as u64 + 1;
    let expected = [
        ("First", Span::new(4, a.len() as u64)),
        ("Second", Span::new(second, b.trim_ascii_end().len() as u64)),
        ("First", Span::new(third, a.len() as u64)),
    ];
    assert_eq!(found, expected);
    assert!(said.facts.is_sorted_by_key(|fact| fact.2.start));
}

#[test]
fn certificates_in_pkcs7_are_found() {
    if crate::testing::lacking(&["openssl"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder, "a", "rsa:1024", "/O=First/CN=a", "");
    make(folder, "b", "rsa:1024", "/O=Second/CN=b", "");
    openssl(folder, "crl2pkcs7 -nocrl -certfile a.pem -certfile b.pem -out p7.pem");
    openssl(folder, "crl2pkcs7 -nocrl -certfile a.pem -certfile b.pem -outform DER -out p7.der");
    for name in ["p7.pem", "p7.der"] {
        let said = said(&read_file(folder, name));
        assert_eq!(said.values("certificate.organization"), ["First", "Second"], "{name}");
    }
}

#[test]
fn certificates_in_the_source_of_programs_are_found() {
    if crate::testing::lacking(&["openssl"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder, "a", "rsa:1024", "/O=First/CN=a", "");
    openssl(folder, "x509 -in a.pem -trustout -setalias name -out trusted.pem");
    let pem = String::from_utf8(read_file(folder, "a.pem")).unwrap();
    let trusted = String::from_utf8(read_file(folder, "trusted.pem")).unwrap();
    for text in [pem.replace('\n', "\\n"), pem.replace('\n', "\r\n"), pem.trim_end().to_owned(), trusted] {
        assert_eq!(said(format!("ca=\"{text}\"").as_bytes()).values("certificate.organization"), ["First"]);
    }
}

#[test]
fn every_kind_of_string_becomes_text() {
    if crate::testing::lacking(&["openssl"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // The bits of T61String, BMPString, UniversalString and UTF8String.
    for mask in ["0x4", "0x800", "0x100", "0x2000"] {
        let config = format!("[req]\ndistinguished_name=dn\nprompt=no\nutf8=yes\nstring_mask=MASK:{mask}\n[dn]\nO=Größe\nx.1.2.3.4=odd\n");
        std::fs::write(folder.join("odd.cnf"), config).unwrap();
        let der = openssl(folder, "req -x509 -config odd.cnf -newkey ed25519 -nodes -keyout a.key -outform DER");
        assert_eq!(said(&der).values("certificate.subject"), ["O=Größe, 1.2.3.4=odd"], "{mask}");
    }
}

#[test]
fn certificates_of_version_1_are_read() {
    if crate::testing::lacking(&["openssl"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    openssl(folder, "req -new -newkey rsa:1024 -nodes -keyout a.key -subj /O=First/CN=x -out a.csr");
    openssl(folder, "x509 -req -in a.csr -signkey a.key -outform DER -out v1.der");
    let said = said(&read_file(folder, "v1.der"));
    assert_eq!(said.values("certificate.subject"), ["O=First, CN=x"]);
    assert!(!said.certificates[0].authority);
}

#[test]
fn bundles_of_the_system_are_read_to_the_last() {
    let bundle = std::fs::read("/etc/ssl/certs/ca-certificates.crt").expect("ca-certificates is needed for this test");
    let said = said(&bundle);
    let blocks = memchr::memmem::find_iter(&bundle, "-----BEGIN CERTIFICATE").count();
    assert_eq!(said.certificates.len(), blocks);
    assert!(said.certificates.iter().all(|found| found.authority || found.self_issued), "roots");
    let der: Vec<u8> = pem::blocks(&bundle).flat_map(|block| [block.decode(), b"\x30\x82junk".to_vec()].concat()).collect();
    let from_der = analyze(&Certificates, &der, None);
    let spki = |said: &Said| said.values("certificate.spki").into_iter().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(spki(&said), spki(&from_der));
}

#[test]
fn what_only_looks_like_a_certificate_is_none() {
    if crate::testing::lacking(&["openssl"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder, "a", "rsa:1024", "/O=First/CN=a", "");
    let der = read_file(folder, "a.der");
    let key = openssl(folder, "pkcs8 -topk8 -nocrypt -in a.key -outform DER");
    let request = openssl(folder, "req -new -key a.key -subj /O=First -outform DER");
    for other in [&der[..der.len() - 1], &der[4..], &key, &request, b"-----BEGIN CERTIFICATE-----\0-----END CERTIFICATE-----"] {
        assert!(said(other).certificates.is_empty());
    }
}

#[test]
fn programs_that_read_certificates_hold_none() {
    if crate::testing::lacking(&["ldd", "openssl"]) {
        return;
    }
    let libraries = tool(Command::new("ldd").arg("/usr/bin/openssl"));
    for library in String::from_utf8(libraries).unwrap().lines().filter_map(|line| line.split_whitespace().nth(2)) {
        assert_eq!(said(&std::fs::read(library).unwrap()).certificates, [], "{library}");
    }
}

#[test]
fn damage_does_no_harm() {
    if crate::testing::lacking(&["openssl"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder, "a", "ec -pkeyopt ec_paramgen_curve:P-256", "/O=First/CN=a", "");
    let bytes = [read_file(folder, "a.der"), read_file(folder, "a.pem"), read_file(folder, "a.der")].concat();
    survives_damage(&Certificates, &bytes, None);
    assert!(said(&b"\x30\x82\xff\xff\x30\x82\xff\xf0".repeat(100_000)).facts.is_empty());
}
