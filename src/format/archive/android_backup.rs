//! Backups that Android's `adb backup` writes: a few lines, then a tar archive, compressed or not.

use crate::blob::{Blob, Bytes, Span, to_u64};
use crate::codec::Codec;
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Android backup.
#[derive(Debug)]
pub(super) struct AndroidBackup;

static SPEC: Spec = Spec {
    id: "android-backup",
    name: "Android backup",
    kind: Kind::Archive,
    magics: &[Magic::start(b"ANDROID BACKUP\n")],
    leaf: false,
    references: &["https://nelenkov.blogspot.com/2012/06/unpacking-android-backups.html"],
    limitations: &["backups encrypted with a password are handed over as they are"],
};

/// Longest line that is believed.
const LONGEST_LINE: u64 = 512;

impl Format for AndroidBackup {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        Header::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(u64::MAX, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let header = Header::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let body = Span::between(header.end, bytes.len());
        if header.encrypted {
            let fault = Fault::Encrypted("android-backup: encrypted with the user's password".to_owned());
            return Ok(children.span_with("backup", body, Attributes::default(), Some(&fault))?);
        }
        if !header.compressed {
            return Ok(children.span("backup.tar", body, Attributes::default())?);
        }
        let stream = Codec::Zlib.stream(bytes.tail(header.end), children.budget());
        Ok(children.made_with("backup.tar", stream.output, Attributes::default(), stream.fault.as_ref())?)
    }
}

/// Lines: "ANDROID BACKUP", version 1 to 5, 1 if it is compressed, "none" or "AES-256" and five more.
struct Header {
    compressed: bool,
    encrypted: bool,
    end: u64,
}

impl Header {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let mut at = 15_u64;
        let mut line = || {
            let rest = bytes.up_to(at, LONGEST_LINE);
            let length = rest.iter().position(|byte| *byte == b'\n').ok_or(Rejected("a line without end"))?;
            at = at.saturating_add(to_u64(length)).saturating_add(1);
            Ok::<&[u8], Rejected>(rest.get(..length).unwrap_or_default())
        };
        let (version, compressed, encryption) = (line()?, line()?, line()?);
        if !matches!(version, [b'1'..=b'9']) || !matches!(compressed, b"0" | b"1") || !matches!(encryption, b"none" | b"AES-256") {
            return Err(Rejected("lines"));
        }
        Ok(Self { compressed: compressed == b"1", encrypted: encryption == b"AES-256", end: at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack};
    use crate::problem::Code;

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/android-backup/apps.ab");

    #[test]
    fn compressed_or_not() {
        let unpacked = unpack(&AndroidBackup, IMAGE);
        assert_eq!(unpacked.problems, []);
        let plain = [b"ANDROID BACKUP\n5\n0\nnone\n", unpacked.file("backup.tar")].concat();
        let again = unpack(&AndroidBackup, &plain);
        assert!(again.file("backup.tar") == unpacked.file("backup.tar") && again.file("backup.tar").len() > 512);
    }

    #[test]
    fn encrypted_and_damaged_ones() {
        let unpacked = unpack(&AndroidBackup, b"ANDROID BACKUP\n5\n1\nAES-256\n00\n11\n10000\n22\n33\nbytes");
        assert_eq!(unpacked.problems[0].0, Code::Encrypted);
        let cut = unpack(&AndroidBackup, &IMAGE[..IMAGE.len() - 20]);
        assert_eq!((cut.problems[0].0, cut.file("backup.tar").is_empty()), (Code::Truncated, false));
        survives_damage(&AndroidBackup, IMAGE);
        assert_eq!(carve(&AndroidBackup, b"ANDROID BACKUP\nis what the first line says\n\n", 0), None);
    }
}
