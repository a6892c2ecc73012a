//! Streams: the bytes of a file, put together from the clusters that hold them.

use super::attribute::{Attribute, Here, Place, Run};
use super::boot::Boot;
use super::compressed::lznt1;
use crate::blob::{Bytes, Span, to_u64, to_usize};
use crate::format::extents::Extents;
use crate::limits::Output;
use crate::problem::Fault;

/// More bytes than Windows compresses together.
const MOST_TOGETHER: u64 = 4 << 20;

/// One stream of a file, whose parts may have been in several records.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    /// Its name; empty for the bytes of the file itself.
    pub(super) name: String,
    /// Bytes.
    pub(super) size: u64,
    /// Whether they are compressed, and in which number of clusters together.
    pub(super) compressed: Option<u64>,
    /// Whether they are encrypted.
    pub(super) encrypted: bool,
    /// Where they stand, if beside the name.
    pub(super) here: Option<Here>,
    runs: Vec<Run>,
    written: u64,
}

impl Stream {
    /// The streams that these attributes are.
    pub(super) fn of(attributes: &[Attribute]) -> Vec<Self> {
        let mut sorted: Vec<&Attribute> = attributes.iter().filter(|attribute| attribute.kind == 0x80).collect();
        sorted.sort_by_key(|attribute| (&attribute.name, attribute.first()));
        let mut streams: Vec<Self> = Vec::new();
        for attribute in sorted {
            let Place::Runs { first, runs, unit, size, written } = &attribute.place else {
                streams.push(Self::resident(attribute));
                continue;
            };
            match streams.last_mut().filter(|last| *first > 0 && last.name == attribute.name) {
                Some(stream) => stream.runs.extend_from_slice(runs),
                None => streams.push(Self {
                    name: attribute.name.clone(),
                    size: *size,
                    compressed: (attribute.compressed && *unit > 1).then_some(*unit),
                    encrypted: attribute.encrypted,
                    here: None,
                    runs: runs.clone(),
                    written: *written,
                }),
            }
        }
        streams
    }

    fn resident(attribute: &Attribute) -> Self {
        let Place::Here(here) = attribute.place else { return Self::default() };
        Self { name: attribute.name.clone(), size: here.span.length, here: Some(here), encrypted: attribute.encrypted, ..Self::default() }
    }

    /// Where the bytes of a stream that is not compressed stand.
    pub(super) fn extents(&self, boot: &Boot) -> Extents {
        let mut extents = Extents::default();
        for (cluster, count) in &self.runs {
            let length = count.saturating_mul(boot.cluster);
            match cluster {
                Some(cluster) => extents.stored(Span::new(cluster.saturating_mul(boot.cluster), length)),
                None => extents.hole(length),
            }
        }
        // What was never written is zero, whatever stands in its clusters.
        if self.written < self.size {
            extents = extents.first(self.written);
            extents.hole(self.size.saturating_sub(self.written));
        }
        extents
    }

    /// Appends the bytes of a compressed stream to `output`.
    ///
    /// # Errors
    /// If it is broken, or a limit is reached.
    pub(super) fn decompress(&self, image: Bytes<'_>, boot: &Boot, unit: u64, output: &mut Output<'_>) -> Result<(), Fault> {
        let whole = unit.saturating_mul(boot.cluster);
        if whole > MOST_TOGETHER {
            return Err(Fault::unsupported(format!("{whole} bytes are compressed together")));
        }
        let mut runs = self.runs.iter().copied();
        let mut left: Run = (None, 0);
        while output.len() < self.size {
            let (mut stored, mut wanted) = (Vec::new(), unit);
            while wanted > 0 {
                if left.1 == 0 {
                    let Some(next) = runs.next() else { break };
                    left = next;
                }
                let count = left.1.min(wanted);
                if let Some(cluster) = left.0 {
                    stored.extend_from_slice(image.get(cluster.saturating_mul(boot.cluster), count.saturating_mul(boot.cluster))?);
                }
                left = (left.0.map(|cluster| cluster.saturating_add(count)), left.1.saturating_sub(count));
                wanted = wanted.saturating_sub(count);
            }
            let rest = self.size.saturating_sub(output.len()).min(whole);
            if wanted == unit {
                return Err(Fault::corrupt("clusters of it are nowhere"));
            }
            if to_u64(stored.len()) == whole {
                stored.truncate(to_usize(rest));
                output.push(&stored)?;
                continue;
            }
            let bytes = if stored.is_empty() { Vec::new() } else { lznt1(Bytes(&stored), rest)? };
            output.push(&bytes)?;
            output.zeros(rest.saturating_sub(to_u64(bytes.len())))?;
        }
        Ok(())
    }
}

impl Default for Stream {
    fn default() -> Self {
        Self { name: String::new(), size: 0, compressed: None, encrypted: false, here: None, runs: Vec::new(), written: u64::MAX }
    }
}

impl Attribute {
    /// The first cluster of this part.
    pub(super) fn first(&self) -> u64 {
        match self.place {
            Place::Here(_) => 0,
            Place::Runs { first, .. } => first,
        }
    }
}
