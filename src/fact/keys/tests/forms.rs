//! Public keys, and private ones in other forms than those of OpenSSL and OpenSSH.

use super::*;

/// Kinds, algorithms and names of the public keys in `bytes`.
fn publics(bytes: &[u8]) -> Vec<PublicKey> {
    said(bytes).public_keys
}

#[test]
fn public_keys_of_openssl_are_found() {
    if crate::testing::lacking(&["openssl"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (options, algorithm) in ALGORITHMS.iter().filter(|(_, algorithm)| *algorithm != "x448") {
        openssl(folder, &format!("genpkey -algorithm {options} -out key.pem"));
        for form in ["PEM", "DER"] {
            let key = openssl(folder, &format!("pkey -in key.pem -pubout -outform {form}"));
            // One whose curve is spelled out is told by its marker only.
            if *algorithm == "ec" && form == "DER" {
                continue;
            }
            let found = publics(&[b"before ", &key[..], b"\nafter"].concat());
            let [one] = &found[..] else { panic!("{algorithm} in {form}: {found:?}") };
            assert_eq!((one.kind, one.algorithm.as_str(), &one.spki_sha256), ("spki", *algorithm, &public(folder, "key.pem")));
        }
    }
}

#[test]
fn lines_of_ssh_say_whose_keys_they_are() {
    if crate::testing::lacking(&["ssh-keygen"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for kind in ["rsa", "ecdsa", "ed25519"] {
        ssh_keygen(folder, &format!("-t {kind} -C somebody@somewhere"), "");
        let line = std::fs::read_to_string(folder.join("key.pub")).unwrap();
        let key = line.rsplit_once(' ').unwrap().0;
        for (text, kind, name) in [
            (line.clone(), "ssh-public", "somebody@somewhere"),
            (format!("no-pty,command=\"true a\" {line}"), "ssh-authorized", "somebody@somewhere"),
            (format!("[10.0.0.1]:22,host {key}\n"), "ssh-known-host", "[10.0.0.1]:22,host"),
            (format!("key: '{key}'"), "ssh-public", ""),
        ] {
            let found = publics(text.as_bytes());
            let [one] = &found[..] else { panic!("{text:?}: {found:?}") };
            assert_eq!((one.kind, one.name.as_str()), (kind, name), "{text:?}");
            let shown = tool(Command::new("ssh-keygen").current_dir(folder).args(["-l", "-f", "key.pub"]));
            let shown = String::from_utf8(shown).unwrap().split([':', ' ']).nth(2).unwrap().to_owned();
            assert_eq!(hex(&pem::base64(shown.as_bytes())), one.id);
        }
        let options = said(format!("no-pty,command=\"true a\" {line}").as_bytes());
        assert_eq!(options.values("public-key.options"), ["no-pty,command=\"true a\""]);
    }
    assert!(publics(b"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ").is_empty());
    assert!(publics(&b"AAAAB3NzaC1yc2EAAAA".repeat(100_000)).is_empty());
}

#[test]
fn keys_and_signatures_of_openpgp_have_their_fingerprints() {
    let keys = include_bytes!("../../../../fixtures/openpgp/keys.gpg");
    let found = publics(keys);
    assert!(found.iter().any(|one| one.kind == "openpgp" && one.id.len() == 40 && one.name.contains('@')), "{found:?}");
    assert!(found.iter().all(|one| !one.algorithm.is_empty()));
    let signature = said(include_bytes!("../../../../fixtures/openpgp/story.sig"));
    let issuer = signature.values("key.signer");
    assert!(found.iter().any(|one| issuer.contains(&one.id.as_str())), "{issuer:?}");
    survives_damage(&Keys, keys, Some("openpgp"));
}

/// A key of the layout that signify and minisign share.
#[test]
fn keys_of_signify_and_minisign() {
    let line = |comment: &str, bytes: &[u8]| format!("untrusted comment: {comment}\n{}\n", encoded(bytes));
    let key = [b"Ed".as_slice(), &[1, 2, 3, 4, 5, 6, 7, 8], &[9; 32]].concat();
    let found = publics(line("key of a project", &key).as_bytes());
    assert_eq!((found[0].kind, found[0].id.as_str(), found[0].name.as_str()), ("signify", "0102030405060708", "key of a project"));
    let found = publics(line("minisign public key 0807060504030201", &key).as_bytes());
    assert_eq!((found[0].kind, found[0].id.as_str()), ("minisign", "0807060504030201"));
    let signature = [b"Ed".as_slice(), &[1, 2, 3, 4, 5, 6, 7, 8], &[7; 64]].concat();
    assert_eq!(said(line("signed", &signature).as_bytes()).values("key.signer"), ["0102030405060708"]);
    let secret = [b"EdBK".as_slice(), &[0; 4], &[5; 24], &[1; 8], &[2; 32], &[9; 32]].concat();
    let (private, public) = (only(line("secret", &secret).as_bytes()), found[0].spki_sha256.clone());
    assert_eq!((private.kind, private.spki_sha256), ("signify", public));
    assert!(publics(line("nothing", &[1; 42]).as_bytes()).is_empty());
}

fn encoded(bytes: &[u8]) -> String {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |three: &[u8]| {
        let sum = three.iter().fold(0_usize, |sum, byte| sum << 8 | *byte as usize) << (8 * (3 - three.len()));
        (0..4).map(|at| if at > three.len() { '=' } else { digits[sum >> (18 - 6 * at) & 63] as char }).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

#[test]
fn keys_written_as_other_text_are_found() {
    if crate::testing::lacking(&["openssl"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    openssl(folder, "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out key.pem");
    let (der, spki) = (openssl(folder, "pkey -traditional -in key.pem -outform DER"), public(folder, "key.pem"));
    let mut numbers = crate::codec::der::Reader::new(&der).enter(0x30).unwrap();
    let numbers: Vec<String> = std::iter::from_fn(|| numbers.read(2)).map(encoded).collect();
    let [_, n, e, d, p, q, ..] = &numbers[..] else { panic!("nine numbers") };
    let array: String = der.iter().map(|byte| format!("0x{byte:02X}, ")).collect();
    for (text, kind) in [
        (format!("option key '{}'\n", encoded(&der)), "pkcs1"),
        (format!("{{\"key\": \"{}\"}}", encoded(&std::fs::read(folder.join("key.pem")).unwrap())), "pkcs8"),
        (format!("static const u8 key[] = {{\n{array}}};"), "pkcs1"),
        (format!("<RSAKeyValue><Modulus>{n}</Modulus><Exponent>{e}</Exponent><P>{p}</P><Q>{q}</Q><D>{d}</D></RSAKeyValue>"), "rsa-xml"),
        (format!(r#"{{"kty":"RSA","n":"{n}","e":"{e}","d":"{d}","p":"{p}","q":"{q}"}}"#), "jwk"),
    ] {
        let key = only(text.as_bytes());
        assert_eq!((key.kind, &key.spki_sha256), (kind, &spki), "{text}");
        assert_eq!(key.weak, ["rsa-below-2048"]);
        survives_damage(&Keys, text.as_bytes(), None);
    }
    let public = format!(r#"{{"kty":"RSA","n":"{n}","e":"{e}"}}"#);
    assert_eq!(publics(public.as_bytes())[0].spki_sha256, spki);
}

#[test]
fn settings_of_wireguard() {
    let key = encoded(&[0x58; 32]);
    let text = format!("[Interface]\nPrivateKey = {key}\n[Peer]\nPublicKey = {key}\n");
    assert_eq!((only(text.as_bytes()).kind, publics(text.as_bytes())[0].kind), ("wireguard", "wireguard-peer"));
    let text = format!("config interface 'wg0'\n\toption proto 'wireguard'\n\toption private_key '{key}'\n");
    assert_eq!(only(text.as_bytes()).kind, "wireguard");
    assert!(said(format!("PrivateKey = {key}\n").as_bytes()).keys.is_empty(), "outside of its section");
}

#[test]
fn stores_of_keys_are_told() {
    if crate::testing::lacking(&["openssl"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    openssl(folder, "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -subj /CN=x -days 9");
    openssl(folder, "pkcs12 -export -inkey key.pem -in cert.pem -out key.p12 -passout pass:x");
    openssl(folder, "pkcs12 -export -nokeys -in cert.pem -out none.p12 -passout pass:x");
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let flash = [b"before".as_slice(), &read("key.p12"), b"after"].concat();
    let key = only(&flash);
    assert_eq!((key.kind, key.span), ("pkcs12-encrypted", Span::new(6, read("key.p12").len() as u64)));
    assert!(said(&read("none.p12")).keys.is_empty());
    survives_damage(&Keys, &read("key.p12"), None);
    let der = openssl(folder, "pkcs8 -topk8 -in key.pem -outform DER -passout pass:x");
    assert_eq!(only(&[b"before".as_slice(), &der].concat()).kind, "pkcs8-encrypted");
    // One private key: magic, version, one entry; alias, date, data, no chain, sum.
    let store =
        [b"\xfe\xed\xfe\xed\0\0\0\x02\0\0\0\x01\0\0\0\x01\0\x03key".as_slice(), &[0; 8], b"\0\0\0\x04data\0\0\0\0", &[7; 20]].concat();
    assert_eq!((only(&store).kind, only(&store).span.length), ("jks-encrypted", store.len() as u64));
    assert!(said(&store[..40]).keys.is_empty());
}

#[test]
fn files_of_putty_are_found() {
    if crate::testing::lacking(&["ssh-keygen"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    ssh_keygen(folder.path(), "-t rsa -b 2048", "");
    let line = std::fs::read_to_string(folder.path().join("key.pub")).unwrap();
    let public = line.split(' ').nth(1).unwrap().as_bytes().chunks(64).map(|part| String::from_utf8_lossy(part) + "\n").collect::<String>();
    for (encryption, kind) in [("none", "ppk"), ("aes256-cbc", "ppk-encrypted")] {
        let text = format!(
            "PuTTY-User-Key-File-2: ssh-rsa\nEncryption: {encryption}\nComment: me\nPublic-Lines: 6\n{public}Private-Lines: 1\nAAAA\nPrivate-MAC: 00ff\n"
        );
        let key = only(text.as_bytes());
        assert_eq!((key.kind, key.algorithm.as_str(), key.spki_sha256), (kind, "rsa-2048", ssh_public(folder.path())));
        assert_eq!(key.span.length, text.len() as u64 - 1);
    }
}
