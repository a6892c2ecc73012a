//! Files of lzop: LZO1X blocks with a header.

use crate::blob::Blob;
use crate::codec::{Codec, lzop_name};
use crate::format::{Carved, Format, Kind, Magic, Spec, carve_stream, path_text};
use crate::limits::Budget;
use crate::problem::Rejected;

/// lzop.
#[derive(Debug)]
pub(super) struct Lzop;

static SPEC: Spec = Spec {
    id: "lzop",
    name: "lzop",
    kind: Kind::Compression,
    magics: &[Magic::anywhere(&[0x89, b'L', b'Z', b'O', 0, 0x0d, 0x0a, 0x1a, 0x0a])],
    leaf: false,
    references: &["https://www.lzop.org/", "https://docs.kernel.org/staging/lzo.html"],
    limitations: &["filters", "blocks that end early are lost whole"],
};

impl Format for Lzop {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, budget: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let input = blob.bytes().tail(start);
        carve_stream(Codec::Lzo, name(input), input, budget)
    }
}

/// The name that the header gives, if its checksum fits.
fn name(input: &[u8]) -> String {
    path_text(lzop_name(input).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::testing::noise;
    use crate::format::testing::{carve, survives_damage, tool, unpack_at};

    #[test]
    fn files_keep_their_names() {
        if crate::testing::lacking(&["lzop"]) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let (data, path) = (noise(50_000), folder.path().join("größe.bin"));
        std::fs::write(&path, &data).unwrap();
        let packed = tool(std::process::Command::new("lzop").arg("-c").arg(&path));
        let image = [b"before".as_slice(), &packed, b"after"].concat();
        let unpacked = unpack_at(&Lzop, &image, 6);
        assert_eq!((unpacked.file("größe.bin") == data, unpacked.problems), (true, vec![]));
        assert_eq!(carve(&Lzop, &image, 6), Some(u64::try_from(packed.len()).unwrap()));
        survives_damage(&Lzop, &packed);
    }
}
