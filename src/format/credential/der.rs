//! Files that are one certificate, one PKCS#7 message or one private key in DER.

use crate::blob::{Blob, Bytes};
use crate::codec::{private_key, x509};
use crate::format::{Carved, Format, Kind, Magic, Spec, length_of};
use crate::limits::Budget;
use crate::problem::Rejected;

/// A credential in DER.
#[derive(Debug)]
pub(super) struct Der;

static SPEC: Spec = Spec {
    id: "der",
    name: "DER",
    kind: Kind::Credential,
    // A SEQUENCE of 256 bytes or more, of 128 or more, and the shortest keys.
    magics: &[
        Magic::start(b"\x30\x82"),
        Magic::start(b"\x30\x81"),
        Magic::start(b"\x30\x77\x02\x01\x01\x04\x20"),
        Magic::start(b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65"),
    ],
    leaf: true,
    references: &[
        "https://www.itu.int/rec/T-REC-X.690",
        "https://www.rfc-editor.org/rfc/rfc5280#section-4.1",
        "https://www.rfc-editor.org/rfc/rfc5652#section-3",
        "https://www.rfc-editor.org/rfc/rfc5958",
    ],
    limitations: &[
        "BER with indefinite lengths, PKCS#12, requests, revocation lists and public keys alone are not told apart from other data",
    ],
};

impl Format for Der {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let certificate = || x509::certificate(bytes.0).map(length_of);
        let message = || x509::signed_data(bytes.0).map(length_of);
        let key = || private_key::der(bytes.0).map(|key| key.length);
        let length = certificate().or_else(message).or_else(key).ok_or(Rejected("no certificate, message or key"))?;
        if length != bytes.len() {
            return Err(Rejected("something follows"));
        }
        Ok(Carved::new(length, start, blob))
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::format::testing::{carve, survives_damage, tool};

    #[test]
    fn whole_files_are_told() {
        if crate::testing::lacking(&["openssl"]) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let openssl = |line: &str| tool(Command::new("openssl").current_dir(folder.path()).args(line.split_whitespace()));
        openssl("req -x509 -newkey rsa:1024 -nodes -keyout key.pem -subj /O=First/CN=a -out a.pem");
        openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.pem");
        openssl("genpkey -algorithm ED25519 -out ed.pem");
        for line in [
            "x509 -in a.pem -outform DER",
            "crl2pkcs7 -nocrl -certfile a.pem -outform DER",
            "pkey -in key.pem -traditional -outform DER",
            "pkcs8 -topk8 -nocrypt -in key.pem -outform DER",
            "pkcs8 -topk8 -passout pass:x -in key.pem -outform DER",
            "pkey -in ec.pem -traditional -outform DER",
            "pkcs8 -topk8 -nocrypt -in ec.pem -outform DER",
            "pkcs8 -topk8 -nocrypt -in ed.pem -outform DER",
        ] {
            let bytes = openssl(line);
            assert!(SPEC.magics.iter().any(|magic| bytes.starts_with(magic.bytes)), "{line}");
            assert_eq!(carve(&Der, &bytes, 0), Some(bytes.len() as u64), "{line}");
            assert_eq!(carve(&Der, &[&bytes[..], b"\0"].concat(), 0), None, "{line}");
            assert_eq!(carve(&Der, &bytes[..bytes.len() - 1], 0), None, "{line}");
            survives_damage(&Der, &bytes);
        }
        for line in ["req -new -key key.pem -subj /O=First -outform DER", "pkey -in key.pem -pubout -outform DER"] {
            assert_eq!(carve(&Der, &openssl(line), 0), None, "{line}");
        }
    }
}
