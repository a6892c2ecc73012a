//! Reolink's cameras: sections with a version each, and where they go.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec, entry_path};
use crate::problem::Rejected;

/// A .pak of Reolink.
pub(super) static REOLINK: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "reolink",
    name: "Reolink firmware (pak)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"\x13\x59\x72\x32")],
    leaf: false,
    references: &["https://github.com/hn/reolink-camera", "https://github.com/AT0myks/reolink-fw"],
    limitations: &["the checksum is not verified"],
};

/// A row of the table of places behind the table of sections.
const PLACE: u64 = 76;

/// Images of cameras have about ten.
const MOST_SECTIONS: u64 = 64;

/// All numbers little endian, of four bytes, or of eight in the newer kind, whose magic has four bytes of nothing behind it:
///
/// ```text
/// magic   checksum   board   sections: name[32] version[24] offset size …   places: name[32] offset target[32] unknown size …
/// ```
///
/// There are as many places as sections, and the first section starts behind them.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let wide = bytes.u32(4, Endian::Little)? == 0;
    let (width, row) = if wide { (8_u64, 72) } else { (4, 64) };
    let number = |bytes: Bytes<'_>, at| if wide { bytes.u64(at, Endian::Little) } else { bytes.u32(at, Endian::Little).map(u64::from) };
    let header = width.saturating_mul(3);
    let first = number(bytes, header.saturating_add(56))?;
    let tables = first.saturating_sub(header);
    let both = PLACE.saturating_add(row);
    if tables == 0 || tables.checked_rem(both) != Some(0) || tables > both.saturating_mul(MOST_SECTIONS) {
        return Err(Rejected("the number of sections"));
    }
    let mut found = Image::default();
    for start in (header..).step_by(if wide { 72 } else { 64 }).take(crate::blob::to_usize(tables.checked_div(both).unwrap_or(0))) {
        let section = bytes.part(Span::new(start, row))?;
        let name = section.text(0, 32)?;
        let span = Span::new(number(section, 56)?, number(section, 56_u64.saturating_add(width))?);
        if !name.iter().all(|byte| matches!(byte, b'!'..=b'~')) || span.start < first || span.end() > 1 << 40 {
            return Err(Rejected("the name or place of a section"));
        }
        found.length = found.length.max(span.end());
        found.fact("header.version", start.saturating_add(32), 24);
        if span.length > 0 {
            found.part(entry_path(name), span);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{parted, unpack};

    const IMAGE: &[u8] = include_bytes!("../../../fixtures/reolink/camera.pak");

    #[test]
    fn parts_come_out() {
        parted(&REOLINK, IMAGE, &["loader", "rootfs"]);
        parted(&REOLINK, include_bytes!("../../../fixtures/reolink/recorder.pak"), &["loader", "rootfs"]);
        assert_eq!(unpack(&REOLINK, IMAGE).fact("header.version").unwrap(), "v1.0.0.1");
    }
}
