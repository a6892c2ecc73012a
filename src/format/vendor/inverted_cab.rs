//! Cabinets whose every bit is the other way round: in the BIOS updates of Fujitsu and of Sony's VAIO.

use crate::blob::{Bytes, Endian, Span, to_u64};
use crate::format::header::{Header, Image, cipher};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// Inverted cabinet.
pub(super) static INVERTED_CAB: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "inverted-cab",
    name: "Inverted cabinet (Fujitsu, VAIO)",
    kind: Kind::Container,
    // "MSCF" and four zeros, and what stands before them in Fujitsu's.
    magics: &[Magic::anywhere(b"FjSfxBinay\xb2\xac\xbc\xb9\xff\xff\xff\xff"), Magic::anywhere(b"\xb2\xac\xbc\xb9\xff\xff\xff\xff")],
    leaf: false,
    references: &["https://github.com/platomav/BIOSUtilities"],
    limitations: &[],
};

const NAME: &[u8] = b"FjSfxBinay";

/// A cabinet, inverted: 0 "MSCF"   4 zeros   8 size u32   c zeros   10 offset of the first file u32   14 zeros   18 version 3, 1
/// 1a number of folders u16   1c number of files u16; little endian.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let start = if bytes.has(0, NAME) { to_u64(NAME.len()) } else { 0 };
    let word = |at: u64| bytes.u32(start.saturating_add(at), Endian::Little).map(|word| !word);
    let (size, first) = (u64::from(word(8)?), u64::from(word(16)?));
    let zeros = [word(4)?, word(12)?, word(20)?];
    if zeros != [0; 3] || word(24)? & 0xffff != 0x0103 || word(24)? >> 16 == 0 || !(0x24..size).contains(&first) {
        return Err(Rejected("not what a cabinet begins with"));
    }
    let mut image = Image::new(size.saturating_add(start), start);
    image.undone(
        "cabinet.cab",
        Span::new(start, size),
        Box::new(|there, output| Ok(cipher::xor(&[0xff], there.0, &mut |bytes| output.push(bytes))?)),
    );
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/inverted-cab/update.bin");

    #[test]
    fn the_cabinet_comes_out() {
        let whole = carve(&INVERTED_CAB, IMAGE, 0).unwrap();
        assert_eq!(whole, IMAGE.len() as u64);
        let cabinet: Vec<u8> = IMAGE[10..].iter().map(|byte| !byte).collect();
        assert!(unpack(&INVERTED_CAB, IMAGE).file("cabinet.cab") == cabinet);
        assert!(unpack_at(&INVERTED_CAB, IMAGE, 10).file("cabinet.cab") == cabinet, "without the name before it");
        survives_damage(&INVERTED_CAB, IMAGE);
        assert_eq!(carve(&INVERTED_CAB, &[NAME, b"\xb2\xac\xbc\xb9\xff\xff\xff\xff", &[0xff; 99]].concat(), 0), None);
    }
}
