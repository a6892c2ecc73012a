//! MStar's images of television sets (MstarUpgrade.bin): a script of the boot loader that says where each partition stands.

use std::collections::BTreeMap;

use crate::blob::{Bytes, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec, part_text};
use crate::problem::Rejected;

/// MStar image with a script.
pub(super) static MSTAR_BIN: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "mstar-bin",
    name: "MStar television firmware (script)",
    kind: Kind::Container,
    magics: &[
        Magic::start(b"#"),
        Magic::start(b"setenv "),
        Magic::start(b"cleanallenv"),
        Magic::start(b"filepartload "),
        Magic::start(b"mmc "),
        Magic::start(b"\n"),
    ],
    leaf: false,
    references: &["https://github.com/dipcore/mstar-bin-tool"],
    limitations: &["parts of a partition that is written in several steps come out one by one", "encrypted partitions stay so"],
};

/// Bytes of the script, filled up with ff, and of what stands at the end.
const SCRIPT: u64 = 0x4000;
const FOOTER: u64 = 16;

/// Commands that write what was loaded before, and which of their words is the partition.
const WRITERS: [(&str, usize); 11] = [
    ("mmc write.p ", 3),
    ("mmc write.p.continue ", 3),
    ("mmc write.boot ", 4),
    ("mmc unlzo ", 4),
    ("mmc unlzo.cont ", 4),
    ("sparse_write mmc ", 3),
    ("store_secure_info ", 1),
    ("store_nuttx_config ", 1),
    ("multi2optee ", 2),
    ("ubi write ", 3),
    ("nand write.e ", 3),
];

/// `filepartload ADDRESS FILE OFFSET SIZE` and then a command that writes it; numbers are hexadecimal, `$(NAME)` stands for what
/// `setenv NAME VALUE` said.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let script = bytes.get(0, SCRIPT)?;
    let (text, fill) = script.split_at_checked(script.iter().position(|byte| *byte == 0xff).unwrap_or(0)).unwrap_or((&[], &[]));
    let text = std::str::from_utf8(text).map_err(|_| Rejected("the script"))?;
    if fill.iter().any(|byte| *byte != 0xff) || memchr::memmem::find(text.as_bytes(), b"filepartload ").is_none() {
        return Err(Rejected("the script"));
    }
    let parts = parts(text);
    let last = parts.iter().map(|(_, part)| part.end()).max().ok_or(Rejected("no partition"))?;
    if parts.iter().any(|(_, part)| part.start < SCRIPT || part.length == 0) {
        return Err(Rejected("the place of a partition"));
    }
    let end = if bytes.has(last, b"12345678") { last.saturating_add(FOOTER) } else { last };
    let mut image = Image::new(end, SCRIPT);
    image.part("script", Span::new(0, crate::blob::to_u64(text.len()))).known(Span::between(last, end));
    for (name, part) in parts {
        image.part(name, part);
    }
    Ok(image)
}

/// What is loaded, each with the name of the partition that it is written to.
fn parts(script: &str) -> Vec<(String, Span)> {
    let (mut settings, mut parts) = (BTreeMap::new(), Vec::<(String, Span)>::new());
    let mut named = true;
    for line in script.lines() {
        let line = settings.iter().fold(line.trim().to_owned(), |line, (name, value): (&String, &String)| {
            if line.contains("$(") { line.replace(&format!("$({name})"), value) } else { line }
        });
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |at: usize| words.get(at).and_then(|word| u64::from_str_radix(word.trim_start_matches("0x"), 16).ok());
        match words.first().copied() {
            Some("setenv") => {
                if let [_, name, value, ..] = words.as_slice() {
                    settings.insert((*name).to_owned(), (*value).to_owned());
                }
            }
            Some("filepartload") => {
                if let (Some(start), Some(length)) = (number(3), number(4)) {
                    parts.push((format!("part-{}", parts.len()), Span::new(start, length)));
                    named = false;
                }
            }
            _ => {
                let writer = WRITERS.iter().find(|(command, _)| line.starts_with(command)).and_then(|(_, at)| words.get(*at));
                if let (Some(name), Some((part, _))) = (writer.filter(|_| !named), parts.last_mut()) {
                    *part = part_text(name.as_bytes());
                    named = true;
                }
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{KERNEL, ROOTFS, carve, gunzip, survives_damage, unpack};

    #[test]
    fn partitions_come_out() {
        let image = gunzip(include_bytes!("../../../fixtures/mstar-bin/MstarUpgrade.bin.gz"));
        assert_eq!(carve(&MSTAR_BIN, &image, 0), Some(image.len() as u64));
        let unpacked = unpack(&MSTAR_BIN, &image);
        assert_eq!(unpacked.names(), ["script", "boot", "system"]);
        assert_eq!((unpacked.file("boot"), unpacked.file("system")), (KERNEL, ROOTFS));
        assert_eq!(unpacked.problems, []);
        survives_damage(&MSTAR_BIN, &image);
        let text = b"# filepartload is a command of boot loaders\n".repeat(500);
        assert_eq!(carve(&MSTAR_BIN, &text, 0), None);
    }
}
