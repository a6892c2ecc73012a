//! The tree of what an image holds: no bytes, only what was found out about them.

use crate::blob::{Blob, Span};
use crate::evidence::Evidence;
use crate::fact::entropy::Histogram;
use crate::fact::{Certificate, Context, DigitalSignature, PrivateKey, PublicKey};
use crate::format::{Attributes, Entry};
use crate::problem::Problem;

/// Number of an artifact: its place in the preorder of the tree, 0 for the image.
pub type ArtifactId = usize;

/// What a chunk of an artifact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkKind {
    /// Of the format with this id.
    Format(&'static str),
    /// One byte value over and over.
    Padding,
    /// Anything else.
    Unknown,
}

/// A part of an artifact's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// Which part.
    pub span: Span,
    /// What it is.
    pub kind: ChunkKind,
}

/// Which facts outlive the look at their artifact. Rules see all of them as they pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// None.
    None,
    /// All but strings and symbols, of which there are too many for a report.
    Few,
    /// All.
    All,
}

impl Keep {
    /// Facts of which one artifact may have hundreds of thousands.
    pub const BULKY: [&str; 8] =
        ["string", "version", "elf.symbol", "elf.import", "bytes.profile", "package.file", "pe.import", "pe.export"];

    /// Whether facts of this key are kept.
    pub(crate) fn keeps(self, key: &str) -> bool {
        match self {
            Self::None => false,
            Self::Few => !Self::BULKY.contains(&key) && !key.starts_with("string."),
            Self::All => true,
        }
    }
}

/// A fact that is kept for the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptFact {
    /// Key.
    pub key: &'static str,
    /// Value.
    pub value: Vec<u8>,
    /// Where.
    pub span: Span,
}

/// A node of the tree.
#[derive(Debug)]
pub struct Artifact {
    /// Its number.
    pub id: ArtifactId,
    /// The artifact that it was in.
    pub parent: Option<ArtifactId>,
    /// Path or role in the parent; empty if it has none.
    pub name: String,
    /// Where it stands in the parent, if it stands there as it is.
    pub span: Option<Span>,
    /// Id of its format, if it is of one as a whole.
    pub format: Option<&'static str>,
    /// Kind of content.
    pub context: Context,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// Other hashes of its bytes that were asked for: name and value.
    pub hashes: Vec<(&'static str, String)>,
    /// Whether its bytes look compressed or encrypted and no format was found.
    pub opaque: bool,
    /// Mode, owner, time.
    pub attributes: Attributes,
    /// What its bytes are, when more than one thing.
    pub chunks: Vec<Chunk>,
    /// Links, devices and folders in it.
    pub entries: Vec<Entry>,
    /// Facts that were asked for.
    pub facts: Vec<KeptFact>,
    /// Certificates.
    pub certificates: Vec<Certificate>,
    /// Private keys.
    pub keys: Vec<PrivateKey>,
    /// Public keys.
    pub public_keys: Vec<PublicKey>,
    /// Digital signatures.
    pub signatures: Vec<DigitalSignature>,
    /// Evidence.
    pub evidence: Vec<Evidence>,
    /// What went less than perfectly.
    pub problems: Vec<Problem>,
}

impl Artifact {
    /// An artifact of `size` bytes of which nothing is known but what kind of content it has.
    pub fn new(name: String, context: Context, size: u64) -> Self {
        Self {
            id: 0,
            parent: None,
            name,
            span: None,
            format: None,
            context,
            size,
            sha256: [0; 32],
            hashes: Vec::new(),
            opaque: false,
            attributes: Attributes::default(),
            chunks: Vec::new(),
            entries: Vec::new(),
            facts: Vec::new(),
            certificates: Vec::new(),
            keys: Vec::new(),
            public_keys: Vec::new(),
            signatures: Vec::new(),
            evidence: Vec::new(),
            problems: Vec::new(),
        }
    }
}

/// Where each artifact is, as a path from the image: `image ▸ 0x40000 squashfs ▸ /lib/wl.ko`.
pub fn locations(artifacts: &[Artifact]) -> Vec<String> {
    let mut all: Vec<String> = Vec::with_capacity(artifacts.len());
    for artifact in artifacts {
        let parent = artifact.parent.and_then(|parent| all.get(parent));
        all.push(match parent {
            None => "image".to_owned(),
            Some(parent) => format!("{parent} ▸ {}", step(artifact)),
        });
    }
    all
}

fn step(artifact: &Artifact) -> String {
    match (artifact.span, artifact.name.as_str()) {
        (Some(span), "") => format!("{:#x} {}", span.start, artifact.format.unwrap_or("unknown")),
        (Some(span), name) => format!("{:#x} {name}", span.start),
        (None, "") => artifact.format.map_or_else(|| "content".to_owned(), |format| format!("content {format}")),
        (None, name) => format!("/{}", name.trim_start_matches('/')),
    }
}

/// Whether `blob` looks compressed or encrypted: of its bytes, sampled evenly, all values are about equally frequent.
pub fn is_opaque(blob: &Blob) -> bool {
    const SAMPLE: usize = 64 << 10;
    let bytes = blob.as_slice();
    let step = (bytes.len() / SAMPLE).max(1);
    let sample: Vec<u8> = bytes.iter().copied().step_by(step).collect();
    Histogram::of(&sample).is_even()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_opaque_and_text_is_not() {
        let mut state = 1_u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .take(100_000)
        .collect();
        assert!(is_opaque(&Blob::new(noise)));
        assert!(!is_opaque(&Blob::new(b"some text, over and over. ".repeat(1000))));
        assert!(!is_opaque(&Blob::new(vec![])));
    }
}
