//! Sections with sections inside: compressed, signed, checked.

use super::section::are_sections;
use crate::blob::{Bytes, Endian, Span};
use crate::codec::{Codec, Stream};
use crate::format::guid::Guid;
use crate::format::{Children, crc32};
use crate::limits::{Effort, Output};
use crate::problem::Fault;

/// What a section with sections inside is.
pub(super) enum Opened<'b> {
    /// They stand there as they are, perhaps behind a signature.
    Plain { name: String, content: Span, signature: Option<Span> },
    /// They were compressed.
    Unpacked { name: String, output: Output<'b>, fault: Option<Fault> },
    /// It is not known how to read them.
    Closed { name: String, content: Span, fault: Fault },
}

/// What is in a compressed section at most, to look for a name in it.
const MOST_FOR_NAME: u64 = 4 << 20;

/// What is in a compressed section, if it is easily had: some keep the name of a file in there.
pub(super) fn peek(kind: u8, header: u64, bytes: Bytes<'_>, effort: &mut Effort<'_>) -> Option<Vec<u8>> {
    let (ways, data) = match kind {
        1 => (ways(bytes.u8(4).ok()?)?, Bytes(bytes.tail(5))),
        2 => {
            let guid = Guid::at(bytes, 0).ok()?;
            let start = u64::from(bytes.u16(16, Endian::Little).ok()?).saturating_sub(header);
            (WAYS.iter().find(|(known, _)| *known == guid)?.1, Bytes(bytes.tail(start.max(20))))
        }
        _ => return None,
    };
    ways.iter().find_map(|way| {
        effort.spend(MOST_FOR_NAME.min(data.len().saturating_mul(16))).ok()?;
        let content = way.codec.block(data.tail(way.skip), MOST_FOR_NAME).ok()?;
        are_sections(Bytes(&content)).then_some(content)
    })
}

/// The ways that a compression section may be compressed in.
fn ways(kind: u8) -> Option<&'static [Way]> {
    match kind {
        1 => Some(&[Way::TIANO, Way::EFI, Way::LZMA]),
        // Intel's puts a header of 4 bytes before the LZMA data.
        2 => Some(&[Way::LZMA, Way { skip: 4, ..Way::LZMA }, Way::TIANO, Way::EFI]),
        _ => None,
    }
}

/// A compression section: 0 size of what comes out u32, 4 how it is compressed: 0 not at all, 1 as the specification says, 2 in another way.
pub(super) fn compressed<'b>(bytes: Bytes<'_>, children: &Children<'b>) -> Result<Opened<'b>, Fault> {
    let (size, kind) = (bytes.u32(0, Endian::Little)?, bytes.u8(4)?);
    let content = Span::between(5, bytes.len());
    let data = Bytes(bytes.tail(5));
    if kind == 0 {
        return Ok(Opened::Plain { name: "uncompressed".to_owned(), content, signature: None });
    }
    let Some(ways) = ways(kind) else { return Ok(closed("compressed", content)) };
    Ok(first(ways, data, Some(size.into()), children).unwrap_or_else(|| closed("compressed", content)))
}

fn closed<'b>(name: &str, content: Span) -> Opened<'b> {
    Opened::Closed { name: name.to_owned(), content, fault: Fault::unsupported("how this section is compressed is not known") }
}

/// A GUID-defined section: 0 GUID, 10 offset of the content from the start of the section u16, 12 attributes u16: 1 it must be processed.
pub(super) fn guided<'b>(bytes: Bytes<'_>, header: u64, children: &mut Children<'b>) -> Result<Opened<'b>, Fault> {
    let guid = Guid::at(bytes, 0)?;
    let start = u64::from(bytes.u16(16, Endian::Little)?).saturating_sub(header);
    let must = bytes.u16(18, Endian::Little)? & 1 != 0;
    let content = Span::between(start.max(20), bytes.len());
    let data = Bytes(bytes.tail(content.start));
    if let Some((_, ways)) = WAYS.iter().find(|(known, _)| *known == guid) {
        let name = || guid.titled(None);
        let fault = || Fault::corrupt("the compressed data of this section is broken");
        return Ok(first(ways, data, None, children).unwrap_or_else(|| Opened::Closed { name: name(), content, fault: fault() }));
    }
    if guid == CRC32 {
        let said = bytes.u32(20, Endian::Little)?;
        if crc32(data.0) != said {
            children.problem(&Fault::Checksum("the CRC of a section does not fit".to_owned()), None);
        }
        return Ok(Opened::Plain { name: "CRC32".to_owned(), content, signature: None });
    }
    let before = Span::between(20, content.start);
    let signature = (before.length > 0 && SIGNED.contains(&guid)).then_some(before);
    if must && signature.is_none() && !are_sections(data) {
        return Ok(closed(&guid.titled(None), content));
    }
    Ok(Opened::Plain { name: guid.titled(None), content, signature })
}

const CRC32: Guid = Guid::of(0xfc1b_cdb0_7d31_49aa_936a_a460_0d9d_d083);

/// Sections behind a signature.
const SIGNED: [Guid; 2] = [Guid::of(0xa771_7414_c616_4977_9420_8447_12a7_35bf), Guid::of(0x0f9d_89e8_9259_4f76_a5af_0c89_e340_23df)];

/// GUIDs of sections that are compressed.
const WAYS: [(Guid, &[Way]); 7] = [
    (Guid::of(0xee4e_5898_3914_4259_9d6e_dc7b_d794_03cf), &[Way::LZMA]),
    (Guid::of(0xd42a_e6bd_1352_4bfb_909a_ca72_a6ea_e889), &[Way { name: "LZMA x86", jumps: true, ..Way::LZMA }]),
    // HP
    (Guid::of(0x0ed8_5e23_f253_413f_a03c_9019_87b0_4397), &[Way::LZMA]),
    (Guid::of(0xa312_80ad_481e_41b6_95e8_127f_4c98_4779), &[Way::TIANO, Way::EFI]),
    // Size of what comes out u64, size of the memory that it takes u64
    (Guid::of(0x3d53_2050_5cda_4fd0_879e_0f7f_630d_5afb), &[Way { name: "Brotli", codec: Codec::Brotli, skip: 16, jumps: false }]),
    // Qualcomm
    (Guid::of(0x1d30_1fe9_be79_4353_91c2_d23b_c959_ae0c), &[Way { name: "gzip", codec: Codec::Gzip, skip: 0, jumps: false }]),
    // AMD: a header of 256 bytes
    (Guid::of(0xce32_33f5_2cd6_4d87_9152_4a23_8bb6_d1c4), &[Way { name: "zlib", codec: Codec::Zlib, skip: 256, jumps: false }]),
];

/// A way of compressing a section.
struct Way {
    name: &'static str,
    codec: Codec,
    /// Bytes before the compressed data.
    skip: u64,
    /// Whether the targets of jumps in x86 code were made absolute before.
    jumps: bool,
}

impl Way {
    const LZMA: Self = Self { name: "LZMA", codec: Codec::Lzma, skip: 0, jumps: false };
    const TIANO: Self = Self { name: "Tiano", codec: Codec::Tiano, skip: 0, jumps: false };
    const EFI: Self = Self { name: "EFI 1.1", codec: Codec::Efi, skip: 0, jumps: false };
}

/// The first way that leads to sections; failing that, to the end; failing that, the one that leads farthest.
fn first<'b>(ways: &[Way], data: Bytes<'_>, size: Option<u64>, children: &Children<'b>) -> Option<Opened<'b>> {
    let mut best: Option<(u8, &'static str, Output<'b>, Option<Fault>)> = None;
    for way in ways {
        let Stream { output, fault, .. } = way.codec.stream(data.tail(way.skip), children.budget());
        if output.is_empty() {
            continue;
        }
        let output = if way.jumps { with_jumps(output, children) } else { output };
        let whole = fault.is_none() && size.is_none_or(|size| size == output.len());
        let rank = match (are_sections(Bytes(output.as_slice())), whole) {
            (true, true) => 3,
            (false, true) => 2,
            (true, false) => 1,
            (false, false) => 0,
        };
        let better = best.as_ref().is_none_or(|(before, _, longest, _)| (*before, longest.len()) < (rank, output.len()));
        if better {
            best = Some((rank, way.name, output, fault));
        }
        if rank == 3 {
            break;
        }
    }
    best.map(|(_, name, output, fault)| Opened::Unpacked { name: name.to_owned(), output, fault })
}

/// Undoes what the compressor did to the targets of jumps.
fn with_jumps<'b>(packed: Output<'b>, children: &Children<'b>) -> Output<'b> {
    let mut output = children.output();
    let plain = crate::codec::x86_jumps(packed.as_slice());
    drop(packed);
    if output.push(&plain).is_err() {
        return children.output();
    }
    output
}
