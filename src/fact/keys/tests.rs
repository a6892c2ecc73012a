//! Private keys as OpenSSL and OpenSSH write them.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use super::*;
use crate::codec::pem;
use crate::fact::testing::{Said, analyze, survives_damage};
use crate::format::testing::tool;

mod forms;

fn said(bytes: &[u8]) -> Said {
    let said = analyze(&Keys, bytes, None);
    let facts: Vec<&str> = said.values("key.spki");
    let keys: Vec<&str> = said.keys.iter().map(|key| key.spki_sha256.as_str()).filter(|spki| !spki.is_empty()).collect();
    assert_eq!(facts, keys);
    said
}

/// Kind, algorithm and place of the only key in `bytes`.
fn only(bytes: &[u8]) -> PrivateKey {
    let mut keys = said(bytes).keys;
    assert_eq!(keys.len(), 1, "{keys:?}");
    keys.remove(0)
}

fn openssl(folder: &Path, line: &str) -> Vec<u8> {
    tool(Command::new("openssl").current_dir(folder).args(line.split_whitespace()))
}

/// What OpenSSL says the public half of the key in `file` is.
fn public(folder: &Path, file: &str) -> String {
    hex(&Sha256::digest(openssl(folder, &format!("pkey -in {file} -pubout -outform DER"))))
}

/// The key in `bytes` must be found as it is, and in the middle of other bytes, at exactly its place.
fn check(bytes: &[u8], kind: &str, algorithm: &str, spki: &str) {
    for (before, after) in [(&b""[..], &b""[..]), (b"\x30\x82\0", b"\0\0\x30\x82"), (&[0x30; 61], b"\n")] {
        let key = only(&[before, bytes, after].concat());
        assert_eq!((key.kind, key.algorithm.as_str(), key.spki_sha256.as_str()), (kind, algorithm, spki));
        let trimmed = bytes.trim_ascii_end().len();
        assert_eq!(key.span.start, before.len() as u64);
        assert!(key.span.length == trimmed as u64 || key.span.length == bytes.len() as u64, "{key:?}");
    }
}

const ALGORITHMS: [(&str, &str); 9] = [
    ("RSA -pkeyopt rsa_keygen_bits:1024", "rsa-1024"),
    ("RSA -pkeyopt rsa_keygen_bits:2048", "rsa-2048"),
    ("EC -pkeyopt ec_paramgen_curve:P-256", "ec-p256"),
    ("EC -pkeyopt ec_paramgen_curve:P-384", "ec-p384"),
    ("EC -pkeyopt ec_paramgen_curve:P-521", "ec-p521"),
    ("EC -pkeyopt ec_paramgen_curve:secp256k1", "ec-secp256k1"),
    ("EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit", "ec"),
    ("ED25519", "ed25519"),
    ("X448", "x448"),
];

#[test]
fn keys_of_openssl_are_found_in_every_form() {
    if crate::testing::lacking(&["openssl"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    for (options, algorithm) in ALGORITHMS {
        openssl(folder, &format!("genpkey -algorithm {options} -out key.pem"));
        let spki = public(folder, "key.pem");
        // The public half of these is not written down, and would have to be computed.
        let told = if matches!(algorithm, "ed25519" | "x448") { "" } else { &spki };
        check(&read("key.pem"), "pkcs8", algorithm, told);
        openssl(folder, "pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out key.der");
        check(&read("key.der"), "pkcs8", algorithm, told);
        openssl(folder, "pkcs8 -topk8 -passout pass:secret -in key.pem -out encrypted.pem");
        check(&read("encrypted.pem"), "pkcs8-encrypted", "", "");
        if !told.is_empty() {
            let kind = if algorithm.starts_with("rsa") { "pkcs1" } else { "sec1" };
            openssl(folder, "pkey -traditional -in key.pem -out traditional.pem");
            check(&read("traditional.pem"), kind, algorithm, &spki);
            openssl(folder, "pkey -traditional -in key.pem -outform DER -out traditional.der");
            check(&read("traditional.der"), kind, algorithm, &spki);
            openssl(folder, "pkey -traditional -aes128 -passout pass:secret -in key.pem -out encrypted.pem");
            check(&read("encrypted.pem"), "pem-encrypted", "", "");
        }
    }
}

#[test]
fn dsa_keys_are_found() {
    if crate::testing::lacking(&["openssl"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    openssl(folder, "genpkey -genparam -algorithm DSA -pkeyopt dsa_paramgen_bits:1024 -pkeyopt dsa_paramgen_q_bits:160 -out parameters");
    openssl(folder, "genpkey -paramfile parameters -out key.pem");
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    check(&read("key.pem"), "pkcs8", "dsa-1024", "");
    openssl(folder, "pkey -traditional -in key.pem -out traditional.pem");
    check(&read("traditional.pem"), "dsa", "dsa-1024", &public(folder, "key.pem"));
    openssl(folder, "pkey -traditional -in key.pem -outform DER -out traditional.der");
    check(&read("traditional.der"), "dsa", "dsa-1024", &public(folder, "key.pem"));
}

fn ssh_keygen(folder: &Path, options: &str, passphrase: &str) -> Vec<u8> {
    let _ = std::fs::remove_file(folder.join("key"));
    let options = options.split_whitespace();
    tool(Command::new("ssh-keygen").current_dir(folder).args(["-q", "-f", "key", "-N", passphrase]).args(options));
    std::fs::read(folder.join("key")).unwrap()
}

/// What ssh-keygen says the public half is, where it can write that as a SubjectPublicKeyInfo.
fn ssh_public(folder: &Path) -> String {
    let pem = tool(Command::new("ssh-keygen").current_dir(folder).args(["-e", "-m", "PKCS8", "-f", "key.pub"]));
    let block = pem::blocks(&pem).next().unwrap().decode();
    hex(&Sha256::digest(block))
}

#[test]
fn keys_of_openssh_are_found() {
    if crate::testing::lacking(&["ssh-keygen"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (options, algorithm) in [("-t rsa -b 2048", "rsa-2048"), ("-t ecdsa -b 256", "ec-p256"), ("-t ecdsa -b 521", "ec-p521")] {
        let key = ssh_keygen(folder, options, "");
        check(&key, "openssh", algorithm, &ssh_public(folder));
        let key = ssh_keygen(folder, options, "a passphrase");
        check(&key, "openssh-encrypted", algorithm, &ssh_public(folder));
    }
    let key = ssh_keygen(folder, "-t ed25519", "");
    assert_eq!((only(&key).kind, only(&key).algorithm.as_str()), ("openssh", "ed25519"));
    // The last 32 bytes of the public line, behind the 12 bytes that every SubjectPublicKeyInfo of this kind starts with.
    let line = std::fs::read_to_string(folder.join("key.pub")).unwrap();
    let blob = format!("-----BEGIN BLOB-----{}-----END BLOB-----", line.split(' ').nth(1).unwrap());
    let blob = pem::blocks(blob.as_bytes()).next().unwrap().decode();
    let spki = [&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0][..], &blob[blob.len() - 32..]].concat();
    assert_eq!(only(&key).spki_sha256, hex(&Sha256::digest(spki)));
}

fn field(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat()
}

/// The numbers of an RSA key in the order of PKCS#1, written as SSH does.
fn rsa_numbers(folder: &Path) -> Vec<Vec<u8>> {
    openssl(folder, "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out key.pem");
    let der = openssl(folder, "pkey -traditional -in key.pem -outform DER");
    let mut numbers = crate::codec::der::Reader::new(&der).enter(0x30).unwrap();
    std::iter::from_fn(|| numbers.read(2)).map(field).collect()
}

#[test]
fn host_keys_of_dropbear_are_found() {
    if crate::testing::lacking(&["openssl"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let [_, n, e, d, p, q, ..] = &rsa_numbers(folder)[..] else { panic!("nine numbers") };
    let key = [&field(b"ssh-rsa"), e, n, d, p, q].map(Vec::as_slice).concat();
    check(&key, "dropbear", "rsa-1024", &public(folder, "key.pem"));
    assert!(said(&[&field(b"ssh-rsa"), e, n].map(Vec::as_slice).concat()).keys.is_empty(), "a public key");
    assert!(said(&[&field(b"ssh-rsa"), e, n, d, p, p].map(Vec::as_slice).concat()[..400]).keys.is_empty(), "cut off");

    openssl(folder, "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem");
    let spki = openssl(folder, "pkey -in key.pem -pubout -outform DER");
    let point = field(&spki[spki.len() - 65..]);
    let key = [field(b"ecdsa-sha2-nistp256"), field(b"nistp256"), point, field(&[0x55; 32])].concat();
    check(&key, "dropbear", "ec-p256", &public(folder, "key.pem"));

    openssl(folder, "genpkey -algorithm ED25519 -out key.pem");
    let spki = openssl(folder, "pkey -in key.pem -pubout -outform DER");
    let key = [field(b"ssh-ed25519"), field(&[&[9; 32], &spki[12..]].concat())].concat();
    check(&key, "dropbear", "ed25519", &public(folder, "key.pem"));
}

#[test]
fn keys_in_the_source_of_programs_are_found() {
    if crate::testing::lacking(&["openssl"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    openssl(folder.path(), "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out key.pem");
    let pem = std::fs::read_to_string(folder.path().join("key.pem")).unwrap();
    let spki = public(folder.path(), "key.pem");
    for text in [pem.replace('\n', "\\n"), pem.replace('\n', "\\n\"\n\""), pem.replace('\n', "\r\n"), pem.trim_end().to_owned()] {
        let key = only(format!("const char *key = \"{text}\";").as_bytes());
        assert_eq!((key.kind, &key.spki_sha256), ("pkcs8", &spki));
    }
}

#[test]
fn several_keys_come_in_order() {
    if crate::testing::lacking(&["openssl"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let der = |options: &str| {
        openssl(folder, &format!("genpkey -algorithm {options} -out key.pem"));
        openssl(folder, "pkcs8 -topk8 -nocrypt -in key.pem -outform DER")
    };
    let (a, b) = (der("RSA -pkeyopt rsa_keygen_bits:1024"), der("EC -pkeyopt ec_paramgen_curve:P-256"));
    let pem = std::fs::read(folder.join("key.pem")).unwrap();
    let keys = said(&[&b[..], &a, &pem, &a, &b].concat()).keys;
    let algorithms: Vec<&str> = keys.iter().map(|key| key.algorithm.as_str()).collect();
    assert_eq!(algorithms, ["ec-p256", "rsa-1024", "ec-p256", "rsa-1024", "ec-p256"]);
    assert!(keys.is_sorted_by_key(|key| key.span));
}

#[test]
fn what_only_looks_like_a_key_is_none() {
    if crate::testing::lacking(&["openssl"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    openssl(folder, "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out key.pem");
    let der = openssl(folder, "pkey -traditional -in key.pem -outform DER");
    let mut even = der.clone();
    let exponent = memmem::find(&der, &[2, 3, 1, 0, 1]).unwrap();
    even[exponent + 4] = 2;
    let pem = std::fs::read_to_string(folder.join("key.pem")).unwrap();
    let public = openssl(folder, "pkey -in key.pem -pubout");
    for other in [
        &der[..der.len() - 1],
        &der[4..],
        &even,
        &public,
        &pem.as_bytes()[..pem.len() / 2],
        b"-----BEGIN RSA PRIVATE KEY-----\n-----END RSA PRIVATE KEY-----",
        b"-----BEGIN RSA PRIVATE KEY-----\nSGVsbG8sIHdvcmxkISBIZWxsbywgd29ybGQh\n-----END RSA PRIVATE KEY-----",
        b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ==\n-----END OPENSSH PRIVATE KEY-----",
    ] {
        assert!(said(other).keys.is_empty(), "{:?}", String::from_utf8_lossy(other));
    }
}

/// The libraries that read keys have all their markers. The command has the keys by which `openssl speed` measures, and no others.
#[test]
fn programs_that_read_keys_hold_none_but_their_own() {
    if crate::testing::lacking(&["ldd", "openssl"]) {
        return;
    }
    let program = std::fs::read(std::fs::canonicalize("/usr/bin/openssl").unwrap()).unwrap();
    let algorithms: BTreeSet<String> = said(&program).keys.into_iter().map(|key| key.algorithm).collect();
    let sizes = [512, 1024, 2048, 3072, 4096, 7680, 15_360];
    assert_eq!(algorithms, sizes.map(|size| format!("rsa-{size}")).into());
    let libraries = tool(Command::new("ldd").arg("/usr/bin/openssl"));
    for library in String::from_utf8(libraries).unwrap().lines().filter_map(|line| line.split_whitespace().nth(2)) {
        assert_eq!(said(&std::fs::read(library).unwrap()).keys, [], "{library}");
    }
}

#[test]
fn damage_does_no_harm() {
    if crate::testing::lacking(&["openssl", "ssh-keygen"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    openssl(folder, "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem");
    let [_, n, e, d, p, q, ..] = &rsa_numbers(folder)[..] else { panic!("nine numbers") };
    let mut bytes = [&field(b"ssh-rsa"), e, n, d, p, q].map(Vec::as_slice).concat();
    bytes.extend(openssl(folder, "pkcs8 -topk8 -nocrypt -in key.pem -outform DER"));
    bytes.extend(openssl(folder, "pkey -traditional -in key.pem -outform DER"));
    bytes.extend(std::fs::read(folder.join("key.pem")).unwrap());
    bytes.extend(ssh_keygen(folder, "-t ed25519", ""));
    survives_damage(&Keys, &bytes, None);
}
