//! Swap space of Linux.

use crate::blob::{Blob, Bytes, Endian};
use crate::format::{Carved, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::Rejected;

/// Swap space.
#[derive(Debug)]
pub(super) struct LinuxSwap;

const SIGNATURE: &[u8] = b"SWAPSPACE2";

/// Sizes of pages. The signature stands at the end of the first one.
const PAGES: [u64; 4] = [4096, 8192, 16_384, 65_536];

static SPEC: Spec = Spec {
    id: "linux-swap",
    name: "Linux swap space",
    kind: Kind::Partition,
    magics: &[
        Magic::anywhere(SIGNATURE).at(4096 - 10),
        Magic::anywhere(SIGNATURE).at(8192 - 10),
        Magic::anywhere(SIGNATURE).at(16_384 - 10),
        Magic::anywhere(SIGNATURE).at(65_536 - 10),
    ],
    leaf: true,
    references: &["https://github.com/util-linux/util-linux/blob/master/include/swapheader.h"],
    limitations: &["what was swapped out is not looked into", "the first version, which ends in SWAP-SPACE, is not recognized"],
};

impl Format for LinuxSwap {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// At 1024 in the order of the machine: u32 version 1, u32 last page, u32 bad pages, u8[16] UUID, u8[16] name.
    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let page = PAGES.iter().find(|page| bytes.has(page.saturating_sub(10), SIGNATURE)).ok_or(Rejected("signature"))?;
        let orders = [Endian::Little, Endian::Big];
        let endian = orders.into_iter().find(|endian| bytes.u32(1024, *endian) == Ok(1)).ok_or(Rejected("version"))?;
        let (last, bad) = (u64::from(bytes.u32(1028, endian)?), u64::from(bytes.u32(1032, endian)?));
        if last == 0 || bad > page / 4 {
            return Err(Rejected("pages"));
        }
        Ok(Carved::new(last.saturating_add(1).saturating_mul(*page), start, blob))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, tool};

    #[test]
    fn what_mkswap_makes() {
        if crate::testing::lacking(&["mkswap"]) {
            return;
        }
        for page in ["4096", "65536"] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("image");
            std::fs::write(&path, vec![0; 1 << 20]).unwrap();
            tool(std::process::Command::new("mkswap").args(["-p", page]).arg(&path));
            let flash = [&[0xee; 9], std::fs::read(path).unwrap().as_slice(), &[0xff; 100]].concat();
            assert_eq!(carve(&LinuxSwap, &flash, 9), Some(1 << 20));
        }
        let mut text = vec![b' '; 5000];
        text[4086..4096].copy_from_slice(SIGNATURE);
        assert_eq!(carve(&LinuxSwap, &text, 0), None);
    }
}
