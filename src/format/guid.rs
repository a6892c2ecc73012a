//! GUIDs as UEFI writes them, and the names of those that many firmwares share.

use std::fmt;

use crate::blob::{Bytes, OutOfBounds};

mod names;

/// A GUID in the order of bytes in which firmware stores it: the first three parts little endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::format) struct Guid([u8; 16]);

impl Guid {
    /// The GUID whose digits, as it is printed, are those of `digits`.
    pub(in crate::format) const fn of(digits: u128) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = digits.to_be_bytes();
        Self([d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p])
    }

    /// The GUID at `start`.
    pub(in crate::format) fn at(bytes: Bytes<'_>, start: u64) -> Result<Self, OutOfBounds> {
        bytes.array(start).map(Self)
    }

    /// The digits as a number, as they are printed.
    fn digits(self) -> u128 {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = self.0;
        u128::from_be_bytes([d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p])
    }

    /// What it stands for, if that is known.
    pub(in crate::format) fn name(self) -> Option<&'static str> {
        let digits = self.digits();
        let row = names::NAMES.binary_search_by_key(&digits, |(digits, _)| *digits).ok()?;
        names::NAMES.get(row).map(|(_, name)| *name)
    }

    /// `name`, or what it stands for, before the GUID itself.
    pub(in crate::format) fn titled(self, name: Option<&str>) -> String {
        match name.filter(|name| !name.is_empty()).or_else(|| self.name()) {
            Some(name) => format!("{name} {self}"),
            None => self.to_string(),
        }
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:032X}", self.digits());
        let part = |from: usize, end: usize| digits.get(from..end).unwrap_or_default();
        write!(to, "{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_as_printed() {
        let guid = Guid::of(0x8c8c_e578_8a3d_4f1c_9935_8961_85c3_2dd3);
        assert_eq!(guid.to_string(), "8C8CE578-8A3D-4F1C-9935-896185C32DD3");
        assert_eq!(guid.0[..4], [0x78, 0xe5, 0x8c, 0x8c]);
    }

    #[test]
    fn names_are_sorted_and_unique() {
        assert!(names::NAMES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(Guid::of(0xd6a2_cb7f_6a18_4e2f_b43b_9920_a733_700a).name(), Some("DxeCore"));
    }
}
