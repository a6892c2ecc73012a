//! Lists of certificates and hashes that firmware trusts, or does not: what PK, KEK, db and dbx hold.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::guid::Guid;
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// EFI signature list.
#[derive(Debug)]
pub(super) struct SignatureList;

static SPEC: Spec = Spec {
    id: "efi-signature-list",
    name: "EFI signature list",
    kind: Kind::Credential,
    magics: &[
        Magic::anywhere(&[0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72]),
        Magic::anywhere(&[0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40, 0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28]),
        Magic::anywhere(&[0xe8, 0x66, 0x57, 0x3c, 0x9c, 0x26, 0x34, 0x4e, 0xaa, 0x14, 0xed, 0x77, 0x6e, 0x85, 0xb3, 0xb6]),
        Magic::anywhere(&[0x12, 0xa5, 0x6c, 0x82, 0x10, 0xcf, 0xc9, 0x4a, 0xb1, 0x87, 0xbe, 0x01, 0x49, 0x66, 0x31, 0xbd]),
        Magic::anywhere(&[0x92, 0xa4, 0xd2, 0x3b, 0xc0, 0x96, 0x79, 0x40, 0xb4, 0x20, 0xfc, 0xf9, 0x8e, 0xf1, 0x03, 0xed]),
    ],
    leaf: false,
    references: &["https://uefi.org/specs/UEFI/2.10/32_Secure_Boot_and_Driver_Signing.html#signature-database"],
    limitations: &[],
};

/// Certificates.
const X509: Guid = Guid::of(0xa5c0_59a1_94e4_4aa7_87b5_ab15_5c2b_f072);

/// What else there is, with the size of one, the owner's GUID included: SHA-256, RSA-2048, SHA-1, hashes of certificates with a date.
const OTHERS: [(Guid, u64); 4] = [
    (Guid::of(0xc1c4_1626_504c_4092_aca9_41f9_3693_4328), 48),
    (Guid::of(0x3c57_66e8_269c_4e34_aa14_ed77_6e85_b3b6), 272),
    (Guid::of(0x826c_a512_cf10_4ac9_b187_be01_4966_31bd), 36),
    (Guid::of(0x3bd2_a492_96c0_4079_b420_fcf9_8ef1_03ed), 64),
];

/// Bytes of the header.
const HEADER: u64 = 28;
/// Bytes of the owner's GUID.
const OWNER: u64 = 16;

impl Format for SignatureList {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let list = List::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(list.size, start, blob))
    }

    /// Hands over certificates; hashes and bare keys stay in the list.
    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let list = List::read(blob.bytes()).map_err(|rejected| Fault::corrupt(rejected.0))?;
        if !list.certificates {
            return Ok(());
        }
        let mut at = list.first;
        for index in 0.. {
            if at.saturating_add(OWNER) >= list.size.min(blob.len()) {
                break;
            }
            let owner = Guid::at(blob.bytes(), at)?;
            let body = Span::new(at.saturating_add(OWNER), list.each.saturating_sub(OWNER));
            children.span(format!("certificate-{index} of {owner}.der"), body, Attributes::default())?;
            at = at.saturating_add(list.each);
        }
        Ok(())
    }
}

/// The list: 0 GUID of the type   10 size u32   14 size of a header of the type u32   18 size of each signature u32   1c that header, the
/// signatures: the owner's GUID, then the data.
struct List {
    certificates: bool,
    size: u64,
    first: u64,
    each: u64,
}

impl List {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let kind = Guid::at(bytes, 0)?;
        let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
        let (size, header, each) = (word(0x10)?, word(0x14)?, word(0x18)?);
        let first = HEADER.saturating_add(header);
        let certificates = kind == X509;
        let fits = if certificates { (64..1 << 20).contains(&each) } else { OTHERS.contains(&(kind, each)) };
        let data = size.checked_sub(first).filter(|data| *data > 0);
        if !fits || header > 4096 || size > 1 << 26 || !data.is_some_and(|data| data.is_multiple_of(each)) {
            return Err(Rejected("sizes"));
        }
        Ok(Self { certificates, size, first, each })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};

    fn list(magic: usize, each: &[&[u8]]) -> Vec<u8> {
        let size = 16 + each[0].len() as u32;
        let words = [28 + size * each.len() as u32, 0, size].map(u32::to_le_bytes).concat();
        let body: Vec<u8> = each.iter().flat_map(|data| [&[7; 16], *data].concat()).collect();
        [SPEC.magics[magic].bytes, &words, &body].concat()
    }

    #[test]
    fn magics_are_the_guids() {
        for (magic, guid) in SPEC.magics.iter().zip([X509].into_iter().chain(OTHERS.map(|(guid, _)| guid))) {
            assert_eq!(Guid::at(Bytes(magic.bytes), 0), Ok(guid));
        }
    }

    #[test]
    fn certificates_come_out() {
        let one = list(0, &[&[1; 100]]);
        let flash = [&[0xff; 5], &one[..], &list(1, &[&[2; 32], &[3; 32]])[..]].concat();
        assert_eq!(carve(&SignatureList, &flash, 5), Some(one.len() as u64));
        let unpacked = unpack_at(&SignatureList, &flash, 5);
        assert_eq!(unpacked.file("certificate-0 of 07070707-0707-0707-0707-070707070707.der"), [1; 100]);
        assert_eq!(unpack(&SignatureList, &flash[5 + one.len()..]).files, []);
        survives_damage(&SignatureList, &one);
    }

    #[test]
    fn a_guid_alone_is_no_list() {
        for magic in SPEC.magics {
            assert_eq!(carve(&SignatureList, &[magic.bytes, &[1; 64]].concat(), 0), None);
        }
    }
}
