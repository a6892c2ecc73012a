//! Samsung's TZAR: files one behind the other, with which the trusted world of its phones starts.

use crate::blob::{Bytes, Endian, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec, entry_path};
use crate::problem::Rejected;

/// A startup archive of TEEgris.
pub(super) static SAMSUNG_TZAR: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "samsung-tzar",
    name: "Samsung TZAR",
    kind: Kind::Archive,
    magics: &[Magic::anywhere(b"\x7f\xa5TA")],
    leaf: false,
    references: &["https://github.com/armijnhemel/binaryanalysis-ng/tree/master/src/bang/parsers/firmware/samsung_tzar"],
    limitations: &[],
};

const MOST_FILES: u32 = 100_000;

/// All numbers little endian: `0 magic   4 unknown   8 size of all   c number of files   10 files: size of the name, size of the data,
/// name with its NUL, data …`.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let word = |at| bytes.u32(at, Endian::Little);
    let (length, count) = (u64::from(word(8)?), word(12)?);
    if count == 0 || count > MOST_FILES || length < 24 {
        return Err(Rejected("the number of files"));
    }
    let mut found = Image::of(length);
    let mut at = 16_u64;
    for index in 0..count {
        let (Ok(name), Ok(size)) = (word(at), word(at.saturating_add(4))) else { break };
        let text = Span::new(at.saturating_add(8), name.into());
        let data = Span::new(text.end(), size.into());
        let name = bytes.text(text.start, text.length).unwrap_or_default();
        if name.is_empty() || name.len() > 4096 || name.iter().any(u8::is_ascii_control) || data.end() > length {
            if index == 0 {
                return Err(Rejected("the name of the first file"));
            }
            break;
        }
        found.part(entry_path(name), data);
        at = data.end();
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::parted;

    #[test]
    fn files_come_out() {
        parted(&SAMSUNG_TZAR, include_bytes!("../../../fixtures/samsung-tzar/startup.tzar"), &["etc/motd", "bin/tool"]);
    }
}
