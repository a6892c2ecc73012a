//! The x86 kernel that decompresses itself.

use super::{PIGGY, stream_head, without_size};
use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Linux bzImage and zImage for x86.
#[derive(Debug)]
pub(in crate::format) struct BzImage;

static SPEC: Spec = Spec {
    id: "linux-bzimage",
    name: "Linux kernel for x86 (bzImage)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"HdrS").at(0x202)],
    leaf: false,
    references: &["https://docs.kernel.org/arch/x86/boot.html"],
    limitations: &[],
};

impl Format for BzImage {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let header = Header::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(header.length, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let header = Header::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let code = Span::between(header.code, header.length);
        let payload = match header.payload {
            Some(payload) if payload.end() <= header.length => payload,
            Some(_) => return Err(Fault::corrupt("the payload reaches out of the kernel")),
            // Protocols before 2.08 do not say where it stands.
            None => match stream_head(Bytes(bytes.up_to(code.start, code.length))) {
                Some(head) => Span::between(code.start.saturating_add(head), code.end()),
                None => return Err(Fault::unsupported("no compressed kernel was found inside")),
            },
        };
        Ok(children.span(PIGGY, without_size(bytes, payload), Attributes::default())?)
    }
}

/// The setup header ("The Linux/x86 Boot Protocol"; all numbers little endian):
///
/// ```text
/// 1f1 setup_sects   1f4 syssize, in 16 bytes   1fe boot_flag 0xaa55   200 jump   202 header "HdrS"   206 version
/// 248 payload_offset from the protected-mode code on, 24c payload_length (both from version 2.08 on)
/// ```
struct Header {
    /// Where the protected-mode code begins.
    code: u64,
    length: u64,
    payload: Option<Span>,
}

impl Header {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
        if !bytes.has(0x1fe, &[0x55, 0xaa, 0xeb]) {
            return Err(Rejected("no boot flag and jump"));
        }
        let version = bytes.u16(0x206, Endian::Little)?;
        if !(0x200..0x300).contains(&version) {
            return Err(Rejected("version"));
        }
        // 0 means 4, for ancient loaders.
        let sectors = match bytes.u8(0x1f1)? {
            0 => 4,
            sectors @ 1..=64 => u64::from(sectors),
            _ => return Err(Rejected("setup_sects")),
        };
        let code = sectors.saturating_add(1).saturating_mul(512);
        let size = word(0x1f4)?.saturating_mul(16);
        if size == 0 || size > 1 << 30 {
            return Err(Rejected("syssize"));
        }
        let payload = if version < 0x208 { None } else { Some(Span::new(code.saturating_add(word(0x248)?), word(0x24c)?)) };
        Ok(Self { code, length: code.saturating_add(size), payload: payload.filter(|payload| payload.length > 0) })
    }
}
