//! What QNX boots from: a startup program, and behind it an image file system, compressed or not.

use crate::blob::{Blob, Bytes, Endian, Span, to_u64};
use crate::codec::{Codec, Nrv, nrv_block};
use crate::format::extents::out_of_limit;
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::{Budget, Output};
use crate::problem::{Fault, Rejected};

/// A bootable image of QNX Neutrino.
#[derive(Debug)]
pub(super) struct QnxStartup;

static SPEC: Spec = Spec {
    id: "qnx-startup",
    name: "QNX boot image",
    kind: Kind::Container,
    magics: &[Magic::anywhere(&[0xeb, 0x7e, 0xff, 0x00, 0x01, 0x00]), Magic::anywhere(&[0x00, 0xff, 0x7e, 0xeb, 0x00, 0x01])],
    leaf: false,
    references: &[
        "https://www.qnx.com/developers/docs/7.1/com.qnx.doc.neutrino.building/topic/startup/startup_header.html",
        "https://github.com/askac/dumpifs/blob/master/sys/startup.h",
    ],
    limitations: &["the checksum behind the image is not verified"],
};

impl Format for QnxStartup {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let header = Header::read(Bytes(blob.bytes().tail(start)))?;
        Carved::plausible(header.stored, start, blob)
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = blob.bytes();
        let header = Header::read(image).map_err(|rejected| Fault::corrupt(rejected.0))?;
        children.span("startup", Span::between(header.size, header.startup), Attributes::default())?;
        let rest = Span::between(header.startup, header.stored);
        let mut output = children.output();
        let bytes = Bytes(image.up_to(rest.start, rest.length));
        let result = match header.flags >> 2 & 7 {
            0 => {
                children.span("imagefs", Span::new(rest.start, header.imagefs.min(rest.length)), Attributes::default())?;
                return Ok(());
            }
            1 => {
                let stream = Codec::Gzip.stream(bytes.0, children.budget());
                children.made_with("imagefs", stream.output, Attributes::default(), stream.fault.as_ref())?;
                return Ok(());
            }
            2 => blocks(bytes, header.imagefs, &mut output, |block| Codec::Lzo.block(block, BLOCK)),
            3 => blocks(bytes, header.imagefs, &mut output, |block| nrv_block(Nrv::B, 1, block, BLOCK)),
            other => {
                let fault = Fault::unsupported(format!("compression {other} is not read"));
                children.span_with("imagefs.compressed", rest, Attributes::default(), Some(&fault))?;
                return Ok(());
            }
        };
        match result {
            Err(Fault::Exceeded(limit)) => {
                out_of_limit(limit, "imagefs".to_owned(), output, Attributes::default(), children)?;
            }
            result => children.made_with("imagefs", output, Attributes::default(), result.err().as_ref())?,
        }
        Ok(())
    }
}

/// What a block holds at most.
const BLOCK: u64 = 1 << 16;

/// Undoes the compression of a block.
type Undo = fn(&[u8]) -> Result<Vec<u8>, Fault>;

/// Blocks of LZO or UCL: each has its length before it, big endian, in 16 bits; a length of 0 ends them.
fn blocks(bytes: Bytes<'_>, size: u64, output: &mut Output<'_>, undo: Undo) -> Result<(), Fault> {
    let mut at = 0_u64;
    while let length @ 1.. = bytes.u16(at, Endian::Big)? {
        let block = bytes.get(at.saturating_add(2), length.into())?;
        output.push(&undo(block)?)?;
        at = at.saturating_add(2).saturating_add(length.into());
        if output.len() > size.saturating_add(BLOCK) {
            return Err(Fault::corrupt("more comes out than the header says"));
        }
    }
    Ok(())
}

/// The header:
///
/// ```text
///  0 ff7eeb00 u32   4 version u16   6 flags u8 (1: virtual, 2: big endian, 1c: compression: 1 zlib, 2 LZO, 3 UCL)   7 flags u8
///  8 bytes of it u16   10 machine u16 (as in ELF)   12 entry u32   20 where the image is in memory u32   32 bytes up to the end of the
/// startup program u32   36 bytes of all u32   40 where the image file system is in memory u32   44 its bytes u32
/// ```
struct Header {
    flags: u8,
    size: u64,
    startup: u64,
    stored: u64,
    imagefs: u64,
}

impl Header {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let endian = match bytes.u32(0, Endian::Little)? {
            0x00ff_7eeb => Endian::Little,
            0xeb7e_ff00 => Endian::Big,
            _ => return Err(Rejected("magic")),
        };
        let word = |at| bytes.u32(at, endian).map(u64::from);
        let header =
            Self { flags: bytes.u8(6)?, size: bytes.u16(8, endian)?.into(), startup: word(32)?, stored: word(36)?, imagefs: word(44)? };
        let machine = bytes.u16(10, endian)?;
        if bytes.u16(4, endian)? != 1 || !(256..=4096).contains(&header.size) || machine == 0 || machine > 300 {
            return Err(Rejected("version, machine or size of the header"));
        }
        if header.startup < header.size || header.stored <= header.startup || header.stored > 1 << 31 || header.imagefs == 0 {
            return Err(Rejected("sizes of the header"));
        }
        if header.flags & 0x1c == 0 && header.imagefs > to_u64(usize::MAX) {
            return Err(Rejected("size of the file system"));
        }
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    const PLAIN: &[u8] = include_bytes!("../../../fixtures/qnx-startup/plain.ifs");

    #[test]
    fn startup_and_file_system_come_out() {
        let junk = [vec![7; 99], PLAIN.to_vec(), vec![0; 99]].concat();
        assert_eq!(carve(&QnxStartup, &junk, 99), Some(PLAIN.len() as u64));
        let plain = unpack_at(&QnxStartup, &junk, 99);
        let packed = unpack(&QnxStartup, include_bytes!("../../../fixtures/qnx-startup/lzo.ifs"));
        let zlib = unpack(&QnxStartup, include_bytes!("../../../fixtures/qnx-startup/zlib.ifs"));
        let ucl = unpack(&QnxStartup, include_bytes!("../../../fixtures/qnx-startup/ucl.ifs"));
        for unpacked in [&plain, &packed, &zlib, &ucl] {
            assert_eq!(unpacked.problems, []);
            assert_eq!(unpacked.names(), ["startup", "imagefs"]);
            assert!(unpacked.file("imagefs").starts_with(b"imagefs"));
            assert_eq!(unpacked.file("imagefs"), plain.file("imagefs"));
        }
        survives_damage(&QnxStartup, PLAIN);
        survives_damage(&QnxStartup, include_bytes!("../../../fixtures/qnx-startup/lzo.ifs"));
    }

    #[test]
    fn what_is_cut_off_is_told() {
        let cut = unpack(&QnxStartup, &PLAIN[..PLAIN.len() / 2]);
        assert!(cut.problems.iter().all(|(code, _)| *code == Code::Truncated) && !cut.problems.is_empty());
        assert_eq!(carve(&QnxStartup, &[&[0xeb, 0x7e, 0xff, 0x00, 0x01, 0x00][..], &[7; 300]].concat(), 0), None);
    }
}
