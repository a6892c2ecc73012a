//! The file allocation table: which cluster follows which.

use super::boot::{Boot, Width};
use crate::blob::{Bytes, Endian, Span, to_u64, to_usize};
use crate::problem::Fault;

/// Clusters and the chains that they form.
pub(super) struct Chains<'a> {
    boot: Boot,
    table: Bytes<'a>,
    /// One bit a cluster: whether a chain came through it. In a sound volume no cluster is in two chains.
    used: Vec<u8>,
}

/// Where the clusters of one chain stand, those in a row as one span, and why there are not more.
#[derive(Debug, Default)]
pub(super) struct Chain {
    /// In order.
    pub(super) spans: Vec<Span>,
    /// Why it breaks off.
    pub(super) fault: Option<Fault>,
}

enum Next {
    Cluster(u32),
    End,
    Broken,
}

impl<'a> Chains<'a> {
    /// The chains of a volume whose allocation table is `table`.
    pub(super) fn new(boot: Boot, table: Bytes<'a>) -> Self {
        // No entry, no chain: what the table does not hold needs no bit.
        let entries = u64::from(boot.clusters).saturating_add(2).min(table.len());
        Self { boot, table, used: vec![0; to_usize(entries.div_ceil(8))] }
    }

    fn next(&self, cluster: u32) -> Next {
        let index = u64::from(cluster);
        let (entry, bad) = match self.boot.width {
            Width::Twelve => {
                let pair = self.table.u16(index.saturating_add(index >> 1), Endian::Little).map(u32::from);
                (pair.map(|pair| if cluster & 1 == 0 { pair & 0xfff } else { pair >> 4 }), 0xff7)
            }
            Width::Sixteen => (self.table.u16(index.saturating_mul(2), Endian::Little).map(u32::from), 0xfff7),
            Width::ThirtyTwo => (self.table.u32(index.saturating_mul(4), Endian::Little).map(|entry| entry & 0x0fff_ffff), 0x0fff_fff7),
        };
        match entry {
            Ok(entry) if entry > bad => Next::End,
            Ok(entry) if entry >= 2 && entry < bad => Next::Cluster(entry),
            _ => Next::Broken,
        }
    }

    /// Whether no chain came through `cluster` yet. One has now.
    fn claim(&mut self, cluster: u32) -> bool {
        let bit = 1_u8 << (cluster & 7);
        let Some(byte) = self.used.get_mut(to_usize(u64::from(cluster >> 3))) else { return false };
        let fresh = *byte & bit == 0;
        *byte |= bit;
        fresh
    }

    /// The chain from cluster `first`, as far as it is needed for `length` bytes; all of it if that is not known.
    pub(super) fn follow(&mut self, first: u32, length: Option<u64>) -> Chain {
        let (mut chain, mut cluster) = (Chain::default(), first);
        let mut left = length.map_or(u64::MAX, |length| length.div_ceil(self.boot.cluster_size.max(1)));
        while left > 0 {
            let index = match cluster.checked_sub(2) {
                Some(index) if index < self.boot.clusters => u64::from(index),
                _ => {
                    chain.fault = Some(Fault::corrupt(format!("there is no cluster {cluster}")));
                    break;
                }
            };
            if !self.claim(cluster) {
                chain.fault = Some(Fault::corrupt(format!("cluster {cluster} is used twice")));
                break;
            }
            let size = self.boot.cluster_size;
            let span = Span::new(self.boot.data_at.saturating_add(index.saturating_mul(size)), size);
            match chain.spans.last_mut() {
                Some(last) if last.end() == span.start => last.length = last.length.saturating_add(size),
                _ => chain.spans.push(span),
            }
            left = left.saturating_sub(1);
            if left == 0 {
                break;
            }
            match self.next(cluster) {
                Next::Cluster(next) => cluster = next,
                Next::End if length.is_none() => break,
                Next::End => {
                    chain.fault = Some(Fault::corrupt(format!("the chain of clusters ends after {} bytes", chain.length())));
                    break;
                }
                Next::Broken => {
                    chain.fault = Some(Fault::corrupt(format!("the chain of clusters breaks at {cluster}")));
                    break;
                }
            }
        }
        chain
    }
}

impl Chain {
    /// Bytes of all spans.
    pub(super) fn length(&self) -> u64 {
        self.spans.iter().map(|span| span.length).fold(0, u64::saturating_add)
    }

    /// The bytes of the spans that are in `image`.
    pub(super) fn pieces<'a>(&self, image: Bytes<'a>) -> Vec<&'a [u8]> {
        self.spans.iter().map(|span| image.up_to(span.start, span.length)).collect()
    }

    /// Whether `image` ends before the last span does.
    pub(super) fn is_cut(&self, image: Bytes<'_>) -> bool {
        self.pieces(image).iter().map(|piece| to_u64(piece.len())).fold(0, u64::saturating_add) < self.length()
    }
}
