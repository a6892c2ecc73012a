//! How a flash is divided, as boot loaders and kernels are told: in environments, command lines, scripts, and their own defaults.

use super::{Analyzer, Facts, Key, Subject};
use crate::blob::{Span, to_u64};
use crate::format::mtdparts;

/// Definitions of `mtdparts=…` and of `mtdids=…`.
#[derive(Debug)]
pub(super) struct Mtd;

impl Analyzer for Mtd {
    fn id(&self) -> &'static str {
        "mtd"
    }

    fn keys(&self) -> &'static [Key] {
        const {
            &[
                Key::new("mtd.device", "a device of mtdids, by its short and its long name"),
                Key::new("mtd.partition", "a partition of flash, as mtdparts or a device tree defines it"),
            ]
        }
    }

    fn analyze(&self, subject: &Subject<'_>, facts: &mut Facts<'_>) {
        let bytes = subject.blob.as_slice();
        let mut found = devices(bytes);
        mtdparts::each(bytes, 0, &mut |definition, span| found.push(("mtd.partition", definition.to_vec(), span)));
        found.sort_by_key(|(_, _, span)| span.start);
        for (key, value, span) in found {
            facts.say(key, &value, span);
        }
    }
}

/// How lists of U-Boot's short names for devices begin.
const IDS: &[u8] = b"mtdids=";
const LONGEST: usize = 512;

/// `nor0=spi0.0,nand0=…`.
fn devices(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>, Span)> {
    let mut found = Vec::new();
    for start in memchr::memmem::find_iter(bytes, IDS) {
        let mut at = start.saturating_add(IDS.len());
        let rest = bytes.get(at..).unwrap_or_default();
        let rest = rest.get(..LONGEST).unwrap_or(rest);
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/' | b'@' | b':' | b'=' | b',');
        let length = rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len());
        for device in rest.get(..length).unwrap_or_default().split(|byte| *byte == b',') {
            if is_device(device) {
                found.push(("mtd.device", device.to_vec(), Span::new(to_u64(at), to_u64(device.len()))));
            }
            at = at.saturating_add(device.len()).saturating_add(1);
        }
    }
    found
}

/// The short name is a kind of flash that U-Boot knows and a number.
fn is_device(device: &[u8]) -> bool {
    const KINDS: [&[u8]; 4] = [b"nor", b"nand", b"onenand", b"spi-nand"];
    let mut halves = device.splitn(2, |byte| *byte == b'=');
    let (short, long) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
    let number = KINDS.iter().find_map(|kind| short.strip_prefix(*kind));
    !long.is_empty() && !long.contains(&b'=') && number.is_some_and(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::testing::{analyze, survives_damage};

    #[test]
    fn definitions_stand_where_they_are_said_to() {
        let text = "\0\u{1}bootargs=mem=64M mtdparts=hi_sfc:256K(boot)ro,64K(env),-(rootfs)\0\
            mtdids=nor0=spi0.0,nand0=0x1e000000.nand,x=y\0mtdparts=mtdparts=nor0:1m@0x40000(kernel)\0";
        let said = analyze(&Mtd, text.as_bytes(), None);
        assert_eq!(said.values("mtd.partition"), ["256K(boot)ro", "64K(env)", "-(rootfs)", "1m@0x40000(kernel)"]);
        assert_eq!(said.values("mtd.device"), ["nor0=spi0.0", "nand0=0x1e000000.nand"]);
        assert!(said.facts.iter().all(|(_, value, span)| text[span.start as usize..span.end() as usize] == **value));
        assert!(said.facts.is_sorted_by_key(|(_, _, span)| span.start));
        survives_damage(&Mtd, text.as_bytes(), None);
    }
}
