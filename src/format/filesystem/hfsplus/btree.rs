//! B-trees of HFS and HFS+: only their leaves, from the first to the last.

use std::collections::BTreeSet;

use crate::blob::{Bytes, Endian};
use crate::limits::{Effort, Exceeded};
use crate::problem::Fault;

/// Hands key (with its length before it) and data of each record to `each`. A node: 0 next u32, 8 kind u8 (ff leaf, 1 header), 10 records u16,
/// 14 records; at its end, backwards, where each of them begins u16. The header: 14 depth u16, 16 root u32, 24 first leaf u32, 32 bytes of a node
/// u16. Lengths of keys are u16 if they are `wide`, else u8. Returns why not all of it could be read.
///
/// # Errors
/// If a limit is reached.
pub(super) fn leaves(
    tree: Bytes<'_>,
    wide: bool,
    effort: &mut Effort<'_>,
    each: &mut dyn FnMut(Bytes<'_>, Bytes<'_>),
) -> Result<Option<Fault>, Exceeded> {
    let (Ok(first), Ok(size)) = (tree.u32(24, Endian::Big), tree.u16(32, Endian::Big)) else {
        return Ok(Some(Fault::Truncated("the header of a tree is missing".to_owned())));
    };
    let size = u64::from(size);
    if size < 512 || !size.is_power_of_two() || tree.u8(8) != Ok(1) {
        return Ok(Some(Fault::corrupt("the header of a tree is broken")));
    }
    let (mut number, mut seen) = (first, BTreeSet::new());
    while number != 0 {
        effort.spend(size)?;
        let Ok(node) = tree.get(u64::from(number).saturating_mul(size), size).map(Bytes) else {
            return Ok(Some(Fault::Truncated(format!("node {number} of a tree is missing"))));
        };
        if node.u8(8) != Ok(0xff) || !seen.insert(number) {
            return Ok(Some(Fault::corrupt(format!("node {number} of a tree is no leaf, or there twice"))));
        }
        for index in 1..=u64::from(node.u16(10, Endian::Big).unwrap_or(0)) {
            let place = |index: u64| size.checked_sub(index.saturating_mul(2)).and_then(|at| node.u16(at, Endian::Big).ok()).map(u64::from);
            let (Some(start), Some(end)) = (place(index), place(index.saturating_add(1))) else { break };
            let Ok(record) = node.get(start, end.saturating_sub(start)).map(Bytes) else { continue };
            // Records may overlap.
            effort.spend(record.len())?;
            let length = if wide {
                u64::from(record.u16(0, Endian::Big).unwrap_or(0)).saturating_add(2)
            } else {
                u64::from(record.u8(0).unwrap_or(0)).saturating_add(1)
            };
            each(Bytes(record.up_to(0, length)), Bytes(record.tail(length.next_multiple_of(2))));
        }
        number = node.u32(0, Endian::Big).unwrap_or(0);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{Budget, Limits};

    #[test]
    fn records_that_share_bytes_reach_a_limit() {
        const NODE: usize = 0x8000;
        let mut tree = vec![0; NODE * 4];
        (tree[8], tree[27], tree[32]) = (1, 1, 0x80);
        for number in 1..4 {
            let node = &mut tree[NODE * number..][..NODE];
            node[3] = [0, 2, 3, 0][number];
            node[8] = 0xff;
            node[10..12].copy_from_slice(&8000_u16.to_be_bytes());
            for (index, place) in node[NODE - 16_000..].chunks_exact_mut(2).enumerate() {
                place.copy_from_slice(&[12_000_u16, 14][index % 2].to_be_bytes());
            }
        }
        let budget = Budget::new(Limits::default(), std::sync::Arc::default());
        let mut bytes = 0;
        let ended = leaves(Bytes(&tree), true, &mut Effort::new(&budget, 1), &mut |key, data| bytes += key.len() + data.len());
        assert!(matches!(ended, Err(Exceeded::Ratio(_))), "{ended:?}");
        assert!(bytes > 1 << 20);
    }
}
