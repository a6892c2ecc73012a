//! NXP QorIQ: what the pre-boot loader reads before the processor runs.

use crc::{CRC_32_MPEG_2, Crc};

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Reset configuration word and pre-boot commands.
#[derive(Debug)]
pub(in crate::format) struct Pbl;

static SPEC: Spec = Spec {
    id: "nxp-pbl",
    name: "NXP QorIQ pre-boot loader image (RCW, PBI)",
    kind: Kind::Container,
    magics: &[
        Magic::anywhere(&[0xaa, 0x55, 0xaa, 0x55, 0x01, 0x0e, 0x01, 0x00]),
        Magic::anywhere(&[0xaa, 0x55, 0xaa, 0x55, 0x01, 0xee, 0x01, 0x00]),
    ],
    leaf: false,
    references: &["https://github.com/u-boot/u-boot/blob/master/tools/pblimage.c", "https://github.com/nxp-qoriq/rcw"],
    limitations: &["images of Layerscape chips of the third generation (LS1088, LS2088, LX2160) are not recognized"],
};

/// The reset configuration word: 64 bytes behind the preamble and the command that loads it.
const RCW: Span = Span::new(8, 64);

/// Commands of one image: 64 bytes each, they load a boot loader.
const MOST_COMMANDS: usize = 1 << 16;

/// A run of bytes that are written to consecutive addresses.
struct Loaded {
    address: u32,
    pieces: Vec<Span>,
}

/// The preamble 0xaa55aa55, then commands up to one that is the last; all numbers big endian:
///
/// ```text
/// 0 in the alternate space 0x80, number of bytes 0x7e (0 is 64), more follow 1 u8   1 address u24   4 the bytes
/// ```
///
/// The last one, at address …40, holds the CRC of all before it, and of its own head.
struct Commands {
    length: u64,
    loaded: Vec<Loaded>,
}

impl Commands {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let mut at = RCW.end();
        let mut loaded: Vec<Loaded> = Vec::new();
        let mut next = None;
        for _ in 0..MOST_COMMANDS {
            let command = bytes.u32(at, Endian::Big)?;
            let count = match command.wrapping_shr(25) & 0x3f {
                0 => 64,
                count => count,
            };
            let data = Span::new(at.saturating_add(4), count.into());
            let address = command & 0x80ff_ffff;
            at = data.end();
            if command.wrapping_shr(24) & 1 == 0 {
                let known = matches!(command, 0x0861_0040 | 0x0813_8040);
                return if known { Ok(Self { length: at, loaded }) } else { Err(Rejected("the last command is not the CRC")) };
            }
            if count == 64 {
                match loaded.last_mut().filter(|_| next == Some(address)) {
                    Some(run) => run.pieces.push(data),
                    None => loaded.push(Loaded { address, pieces: vec![data] }),
                }
                next = Some(address.wrapping_add(64));
            }
        }
        Err(Rejected("too many commands"))
    }
}

impl Format for Pbl {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let commands = Commands::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(commands.length, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let commands = Commands::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let place = commands.length.saturating_sub(4);
        if Crc::<u32>::new(&CRC_32_MPEG_2).checksum(bytes.up_to(0, place)) != bytes.u32(place, Endian::Big)? {
            children.problem(&Fault::Checksum("the CRC of the commands does not fit".to_owned()), Some(place));
        }
        children.span("rcw", RCW, Attributes::default())?;
        for run in commands.loaded {
            let mut output = children.output();
            for piece in run.pieces {
                output.push(bytes.up_to(piece.start, piece.length))?;
            }
            children.made(format!("load-{:#x}", run.address & 0xff_ffff), output, Attributes::default())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    const IMAGE: &[u8] = include_bytes!("../../../../fixtures/nxp-pbl/u-boot.pbl");

    #[test]
    fn the_loader_comes_out_in_one_piece() {
        let flash = [vec![0xff; 9], IMAGE.to_vec(), vec![0xff; 100]].concat();
        assert_eq!(carve(&Pbl, &flash, 9), Some(IMAGE.len() as u64));
        let unpacked = unpack_at(&Pbl, &flash, 9);
        assert_eq!(unpacked.names(), ["rcw", "load-0xfffd80"]);
        assert!(unpacked.file("load-0xfffd80").starts_with(b"\x7fELF"));
        assert_eq!(unpacked.problems, []);
        survives_damage(&Pbl, IMAGE);
    }

    #[test]
    fn a_changed_byte_is_a_problem_and_a_broken_chain_is_none() {
        let mut changed = IMAGE.to_vec();
        changed[200] ^= 1;
        assert_eq!(unpack(&Pbl, &changed).problems[0].0, Code::Checksum);
        assert_eq!(carve(&Pbl, &IMAGE[..IMAGE.len() - 100], 0), None);
    }
}
