//! What became of every byte of the image: the parts add up to its size exactly.

use std::collections::BTreeSet;

use crate::artifact::{Artifact, ArtifactId, ChunkKind};

/// Bytes of the image, by what is known of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Coverage {
    /// All.
    pub total: u64,
    /// In code whose maker is named.
    pub attributed: u64,
    /// In a format that was read to the last file, without a maker.
    pub identified: u64,
    /// One byte value over and over.
    pub padding: u64,
    /// Compressed or encrypted in a way that was not opened.
    pub opaque: u64,
    /// Anything else.
    pub unknown: u64,
}

impl Coverage {
    fn add(&mut self, other: Self) {
        self.total = self.total.saturating_add(other.total);
        self.attributed = self.attributed.saturating_add(other.attributed);
        self.identified = self.identified.saturating_add(other.identified);
        self.padding = self.padding.saturating_add(other.padding);
        self.opaque = self.opaque.saturating_add(other.opaque);
        self.unknown = self.unknown.saturating_add(other.unknown);
    }

    /// The same shares of `size` bytes. What rounding leaves is identified.
    fn scaled(self, size: u64) -> Self {
        let share = |part: u64| {
            let scaled = u128::from(part).saturating_mul(u128::from(size)).checked_div(u128::from(self.total)).unwrap_or(0);
            u64::try_from(scaled).unwrap_or(0)
        };
        let (attributed, padding) = (share(self.attributed), share(self.padding));
        let (opaque, unknown) = (share(self.opaque), share(self.unknown));
        let rest = [attributed, padding, opaque, unknown].iter().fold(size, |rest, part| rest.saturating_sub(*part));
        Self { total: size, attributed, identified: rest, padding, opaque, unknown }
    }
}

/// The coverage of the image: that of its root artifact. `claimed` are the artifacts that hold code of a named maker.
pub fn coverage(artifacts: &[Artifact], claimed: &BTreeSet<ArtifactId>) -> Coverage {
    let mut below: Vec<Coverage> = vec![Coverage::default(); artifacts.len()];
    let mut cut: Vec<u64> = vec![0; artifacts.len()];
    // Preorder backwards: children come before their parents.
    for artifact in artifacts.iter().rev() {
        let inside = below.get(artifact.id).copied().unwrap_or_default();
        let spans = cut.get(artifact.id).copied().unwrap_or(0);
        let own = of_one(artifact, inside, spans, claimed.contains(&artifact.id));
        let Some(parent) = artifact.parent else { return own };
        if let Some(sum) = below.get_mut(parent) {
            sum.add(own);
        }
        if let Some(sum) = cut.get_mut(parent) {
            *sum = sum.saturating_add(if artifact.span.is_some() { artifact.size } else { 0 });
        }
    }
    Coverage::default()
}

/// `inside`: the sum over the children; `spans`: bytes of those that stand in the artifact as they are.
fn of_one(artifact: &Artifact, inside: Coverage, spans: u64, claimed: bool) -> Coverage {
    let size = artifact.size;
    let whole = Coverage { total: size, ..Coverage::default() };
    let padding: u64 = artifact.chunks.iter().filter(|chunk| chunk.kind == ChunkKind::Padding).map(|chunk| chunk.span.length).sum();
    if claimed {
        return Coverage { attributed: size, ..whole };
    }
    // Chunks that became no artifact, because a limit was reached, are unknown.
    let rest = |bytes: u64| match artifact.format {
        None if !artifact.chunks.is_empty() => Coverage { unknown: bytes, ..Coverage::default() },
        _ => Coverage { identified: bytes, ..Coverage::default() },
    };
    if inside.total == 0 {
        return match artifact.format {
            _ if padding > 0 => Coverage { padding, total: size, ..rest(size.saturating_sub(padding)) },
            None if !artifact.chunks.is_empty() => Coverage { total: size, ..rest(size) },
            Some(_) => Coverage { identified: size, ..whole },
            None if artifact.opaque => Coverage { opaque: size, ..whole },
            None if artifact.context == crate::fact::Context::Raw => Coverage { unknown: size, ..whole },
            None => Coverage { identified: size, ..whole },
        };
    }
    if spans == inside.total && spans.saturating_add(padding) <= size {
        let headers = rest(size.saturating_sub(spans).saturating_sub(padding));
        let mut sum = Coverage { padding, total: size.saturating_sub(spans), ..headers };
        sum.add(inside);
        return sum;
    }
    inside.scaled(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up() {
        let inside = Coverage { total: 7, attributed: 3, identified: 1, padding: 1, opaque: 1, unknown: 1 };
        let scaled = inside.scaled(1000);
        assert_eq!(scaled.attributed + scaled.identified + scaled.padding + scaled.opaque + scaled.unknown, 1000);
        assert_eq!((scaled.attributed, scaled.opaque), (428, 142));
    }
}
