//! Names of contained files as text, without loss.

/// A path of an image as text: UTF-8 as it is, any other byte as `\xNN`.
pub fn path_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// The path of an entry of an archive, as text: relative to its root, without a slash at the end. Empty if it is the root itself. Paths that
/// lead elsewhere stay as they are, so that they are seen.
pub fn entry_path(bytes: &[u8]) -> String {
    let mut path = bytes;
    while let Some(rest) = path.strip_prefix(b"./") {
        path = rest;
    }
    while let Some(rest) = path.strip_suffix(b"/").filter(|rest| !rest.is_empty()) {
        path = rest;
    }
    if path == b"." { String::new() } else { path_text(path) }
}

/// A name as one part of a path: a slash or NUL in it is part of the name.
pub fn part_text(name: &[u8]) -> String {
    path_text(name).replace('/', "\\x2f").replace('\0', "\\x00")
}

/// The units of UTF-16, least significant byte first.
pub fn utf16_units(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit))
}

/// UTF-16, least significant byte first, up to its NUL, as one part of a path.
pub fn utf16le_part_text(bytes: &[u8]) -> String {
    utf16_part_text(utf16_units(bytes).take_while(|unit| *unit != 0))
}

/// A UTF-16 name as one part of a path: half a surrogate pair as `\uNNNN`.
pub fn utf16_part_text(units: impl IntoIterator<Item = u16>) -> String {
    let mut text = String::new();
    for decoded in char::decode_utf16(units) {
        match decoded {
            Ok(character) => text.push(character),
            Err(half) => text.push_str(&format!("\\u{:04x}", half.unpaired_surrogate())),
        }
    }
    part_text(text.as_bytes())
}
