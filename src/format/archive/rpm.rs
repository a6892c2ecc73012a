//! RPM packages: their header, the scripts they run, and the payload, which is a compressed cpio archive.

use sha2::{Digest, Sha256};

use self::header::{Header, Lead, MOST_ENTRIES, MOST_OF_SIGNATURE};
use crate::blob::{Blob, Bytes, Span};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

mod header;

/// RPM, binary and source packages of version 3 and 4 of the file format.
#[derive(Debug)]
pub(super) struct Rpm;

static SPEC: Spec = Spec {
    id: "rpm",
    name: "RPM package",
    kind: Kind::Archive,
    magics: &[Magic::anywhere(&[0xed, 0xab, 0xee, 0xdb])],
    leaf: false,
    references: &["https://rpm-software-management.github.io/rpm/manual/format_v4.html"],
    limitations: &[
        "signatures are not verified, digests by SHA-256 are",
        "payloads with files of 4 GiB and more, whose names stand in the header only",
        "payloads of delta packages",
    ],
};

/// Tags that are facts.
const FACTS: &[(u32, &str)] = &[(1000, "header.name"), (1001, "header.version"), (1011, "header.vendor"), (1010, "header.product")];

/// Tags that are scripts, run on the device.
const SCRIPTS: &[(u32, &str)] = &[
    (1023, "scripts/pre-install"),
    (1024, "scripts/post-install"),
    (1025, "scripts/pre-uninstall"),
    (1026, "scripts/post-uninstall"),
    (1079, "scripts/verify"),
    (1151, "scripts/pre-transaction"),
    (1152, "scripts/post-transaction"),
];

/// Tag of the digest of the header, in the signature; and those of the payload's as it is compressed, and of its algorithm.
const HEADER_DIGEST: u32 = 273;
const PAYLOAD_DIGEST: u32 = 5092;
const PAYLOAD_DIGEST_ALGORITHM: u32 = 5093;

impl Format for Rpm {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let package = Package::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(package.length, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let Package { signature, header, length } = Package::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        for (tag, key) in FACTS {
            if let Some(span) = header.text(bytes, *tag).filter(|span| span.length > 0) {
                children.fact(key, bytes.up_to(span.start, span.length), span);
            }
        }
        let payload = Span::between(header.end, length);
        verify("the header", signature.text(bytes, HEADER_DIGEST), header.span(), bytes, children);
        if header.number(bytes, PAYLOAD_DIGEST_ALGORITHM) == Some(8) {
            verify("the payload", header.text(bytes, PAYLOAD_DIGEST), payload, bytes, children);
        }
        for (tag, name) in SCRIPTS {
            if let Some(span) = header.text(bytes, *tag).filter(|span| span.length > 0) {
                children.span(*name, span, Attributes::default())?;
            }
        }
        children.span("payload", payload, Attributes::default())?;
        Ok(())
    }
}

/// Whether what stands at `span` has the SHA-256 that stands in hexadecimal digits at `digest`. What is cut is told elsewhere.
fn verify(what: &str, digest: Option<Span>, span: Span, bytes: Bytes<'_>, children: &mut Children<'_>) {
    let (Some(digest), Ok(covered)) = (digest.filter(|digest| digest.length == 64), bytes.part(span)) else { return };
    let found = Sha256::digest(covered.0).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    if !bytes.has(digest.start, found.as_bytes()) {
        children.problem(&Fault::Checksum(format!("rpm: the SHA-256 of {what} does not fit")), Some(span.start));
    }
}

/// A package: lead, signature filled up to eight bytes, header, payload.
struct Package {
    signature: Header,
    header: Header,
    length: u64,
}

impl Package {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        Lead::check(bytes)?;
        let signature = Header::read(bytes, Lead::LENGTH, MOST_OF_SIGNATURE)?;
        let start = signature.end.next_multiple_of(8);
        let header = Header::read(bytes, start, MOST_ENTRIES)?;
        // Where the signature does not say how much follows it, all does.
        let length = signature.signed_length(bytes).map_or(bytes.len(), |length| start.saturating_add(length));
        if length < header.end {
            return Err(Rejected("the header is longer than header and payload"));
        }
        Ok(Self { signature, header, length })
    }
}

#[cfg(test)]
mod tests;
