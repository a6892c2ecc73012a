//! The text that says of which files a VMware disk consists.

use crate::blob::{Blob, Bytes};
use crate::format::{Carved, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::Rejected;

/// A descriptor of a VMDK disk.
#[derive(Debug)]
pub(super) struct VmdkDescriptor;

static SPEC: Spec = Spec {
    id: "vmdk-descriptor",
    name: "VMDK descriptor",
    kind: Kind::Partition,
    magics: &[Magic::start(b"# Disk DescriptorFile")],
    leaf: true,
    references: &["https://github.com/libyal/libvmdk/tree/main/documentation"],
    limitations: &["the files that it names are not looked for"],
};

impl Format for VmdkDescriptor {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let head = bytes.up_to(0, 4096);
        let says = |word: &[u8]| memchr::memmem::find(head, word).is_some();
        if !bytes.has(0, b"# Disk DescriptorFile") || !says(b"createType") || !says(b"version=") {
            return Err(Rejected("no descriptor"));
        }
        Ok(Carved::new(u64::MAX, start, blob))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::carve;

    #[test]
    fn a_text_about_it_is_none() {
        let image = include_bytes!("../../../fixtures/vmdk-descriptor/flat.vmdk");
        assert_eq!(carve(&VmdkDescriptor, image, 0), Some(image.len() as u64));
        assert_eq!(carve(&VmdkDescriptor, b"# Disk DescriptorFile is how it begins", 0), None);
    }
}
