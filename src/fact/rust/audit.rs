//! Names and versions in the list of cargo-auditable.

/// Names and versions of the objects in `packages`: <https://github.com/rust-secure-code/cargo-auditable/blob/master/PARSING.md>.
///
/// A small reader is enough: it walks the strings, and takes those that follow `"name":` and `"version":` of the same object.
pub(super) fn packages(json: &[u8]) -> Vec<(String, String)> {
    let (mut found, mut at) = (Vec::new(), 0_usize);
    let (mut name, mut version, mut key) = (None, None, None);
    while let Some(byte) = json.get(at) {
        at = at.saturating_add(1);
        match byte {
            b'"' => {
                let Some((text, next)) = string(json, at) else { break };
                at = next;
                let is_key = json.get(at..).unwrap_or_default().iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':');
                match (is_key, key.take().as_deref()) {
                    (true, _) => key = Some(text),
                    (false, Some("name")) => name = Some(text),
                    (false, Some("version")) => version = Some(text),
                    _ => (),
                }
            }
            b'{' => (name, version) = (None, None),
            b'}' => {
                if let (Some(name), Some(version)) = (name.take(), version.take()) {
                    found.push((name, version));
                }
            }
            _ => (),
        }
    }
    found
}

/// The string up to its quote, and what comes behind. Names and versions hold no escapes; a string with one is kept as it stands.
fn string(json: &[u8], start: usize) -> Option<(String, usize)> {
    let rest = json.get(start..)?;
    let mut escaped = false;
    let end = rest.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    })?;
    let text = String::from_utf8_lossy(rest.get(..end)?).into_owned();
    Some((text, start.saturating_add(end).saturating_add(1)))
}
