//! What pax headers and GNU's headers for long names say of the members after them.

use super::sparse::Described;

/// Most bytes of such a header that are read.
pub(super) const MOST: u64 = 1 << 20;

/// A long name, up to its NUL.
pub(super) fn terminated(content: &[u8]) -> Vec<u8> {
    content.split(|byte| *byte == 0).next().unwrap_or_default().to_vec()
}

/// Fields that come instead of those of the header.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) path: Option<Vec<u8>>,
    pub(super) target: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
    pub(super) modified: Option<i64>,
    pub(super) sparse: Option<Described>,
}

impl Fields {
    /// Records: `length keyword=value\n`, the length in decimal, of all of it.
    pub(super) fn read(&mut self, content: &[u8]) {
        let mut rest = content;
        while let Some((record, after)) = record(rest) {
            let mut parts = record.splitn(2, |byte| *byte == b'=');
            if let (Some(key), Some(value)) = (parts.next(), parts.next()) {
                self.set(key, value);
            }
            rest = after;
        }
    }

    fn set(&mut self, key: &[u8], value: &[u8]) {
        match key {
            b"path" => self.path = Some(value.to_vec()),
            b"linkpath" => self.target = Some(value.to_vec()),
            b"size" => self.size = decimal(value),
            b"uid" => self.uid = decimal(value),
            b"gid" => self.gid = decimal(value),
            // Seconds, with a fraction that is dropped.
            b"mtime" => self.modified = value.split(|byte| *byte == b'.').next().and_then(decimal),
            b"GNU.sparse.name" => self.path = Some(value.to_vec()),
            key => {
                if let Some(key) = key.strip_prefix(b"GNU.sparse.") {
                    self.sparse.get_or_insert_with(Described::default).set(key, value);
                }
            }
        }
    }

    /// These, and what they do not say from `global`.
    pub(super) fn or(self, global: &Self) -> Self {
        Self {
            path: self.path.or_else(|| global.path.clone()),
            target: self.target.or_else(|| global.target.clone()),
            size: self.size.or(global.size),
            uid: self.uid.or(global.uid),
            gid: self.gid.or(global.gid),
            modified: self.modified.or(global.modified),
            sparse: self.sparse,
        }
    }
}

fn record(content: &[u8]) -> Option<(&[u8], &[u8])> {
    let digits = content.iter().position(|byte| *byte == b' ')?;
    let length: usize = decimal(content.get(..digits)?)?;
    let record = content.get(digits.saturating_add(1)..length.saturating_sub(1))?;
    Some((record, content.get(length..)?))
}

pub(super) fn decimal<T: std::str::FromStr>(digits: &[u8]) -> Option<T> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
