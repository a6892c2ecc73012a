//! PJL, the job language of printers: firmware comes as a job, its bytes between lines that begin with `@PJL`.

use crate::blob::{Bytes, Span, to_u64};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

/// A job for a printer.
pub(super) static PJL: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "pjl",
    name: "PJL print job",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"\x1b%-12345X@PJL")],
    leaf: false,
    references: &["https://developers.hp.com/hp-printer-command-languages-pcl"],
    limitations: &["data in S-records or PCL is handed over as it is", "commands are not interpreted but for ENTER, UPGRADE and COMMENT"],
};

/// What ends a language and begins a job.
const EXIT: &[u8] = b"\x1b%-12345X";

/// More bytes than the lines of a job have.
const LARGEST: u64 = 1 << 16;

/// Facts that makers write into comments and settings.
const FACTS: [(&[u8], &str); 4] =
    [(b"MODEL=", "header.product"), (b"VERSION=", "header.version"), (b"DATECODE=", "header.date"), (b"FIRMWARE=", "header.version")];

/// `ESC %-12345X`, lines, data up to the next `ESC %-12345X`, or as many bytes of it as `@PJL UPGRADE SIZE=` says.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let mut at = to_u64(EXIT.len());
    let (mut facts, mut size, mut entered) = (Vec::new(), None, false);
    while bytes.has(at, b"@PJL") {
        let line = bytes.up_to(at, 1024);
        let end = line.iter().position(|byte| *byte == b'\n').ok_or(Rejected("a line without end"))?;
        let words = line.get(..end).unwrap_or_default().trim_ascii_end();
        if !words.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..)) || at > LARGEST {
            return Err(Rejected("a line"));
        }
        let upgrade =
            words.strip_prefix(b"@PJL UPGRADE SIZE=").and_then(|digits| std::str::from_utf8(digits).ok()?.trim().parse::<u32>().ok());
        entered |= words.starts_with(b"@PJL ENTER LANGUAGE");
        size = size.or(upgrade.map(u64::from));
        for (name, key) in FACTS {
            if let Some(place) = memchr::memmem::find(words, name) {
                let start = to_u64(place.saturating_add(name.len()));
                facts.push((key, Span::new(at.saturating_add(start), to_u64(words.len()).saturating_sub(start))));
            }
        }
        at = at.saturating_add(to_u64(end)).saturating_add(1);
    }
    let rest = bytes.tail(at);
    let length = size.unwrap_or_else(|| to_u64(memchr::memmem::find(rest, EXIT).unwrap_or(rest.len())));
    if length == 0 || (size.is_none() && !entered) {
        return Err(Rejected("no data"));
    }
    let data = Span::new(at, length);
    let end = if bytes.has(data.end(), EXIT) { data.end().saturating_add(to_u64(EXIT.len())) } else { data.end() };
    let mut image = Image::new(end, at);
    for (key, span) in facts {
        image.fact(key, span.start, span.length);
    }
    image.part("data", data).known(Span::between(data.end(), end));
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, carve, holds, unpack};

    #[test]
    fn data_come_out() {
        let job = include_bytes!("../../../fixtures/pjl/upgrade.rfu");
        holds(&PJL, job, &[("data", KERNEL)]);
        assert_eq!(unpack(&PJL, job).fact("header.product").unwrap(), "EXAMPLE LaserPrinter");
        let sized = include_bytes!("../../../fixtures/pjl/sized.rfu");
        holds(&PJL, sized, &[("data", KERNEL)]);
        assert_eq!(carve(&PJL, b"\x1b%-12345X@PJL INFO ID\r\n\x1b%-12345X", 0), None, "a question brings no data");
    }
}
