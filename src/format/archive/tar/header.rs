//! One header, of POSIX, GNU, or from before.

use super::BLOCK;
use super::sparse::Sparse;
use crate::blob::Bytes;
use crate::problem::Rejected;

/// What a header is the header of, by its type flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    File,
    Sparse,
    HardLink,
    Symlink,
    CharacterDevice,
    BlockDevice,
    Directory,
    Fifo,
    /// The name of the archive.
    Label,
    /// Fields for the next member.
    Local,
    /// Fields for all members that follow.
    Global,
    /// The path of the next member.
    LongPath,
    /// The link target of the next member.
    LongTarget,
}

impl Role {
    fn new(flag: u8, path: &[u8]) -> Self {
        match flag {
            b'0' | 0 | b'7' if path.ends_with(b"/") => Self::Directory,
            b'1' => Self::HardLink,
            b'2' => Self::Symlink,
            b'3' => Self::CharacterDevice,
            b'4' => Self::BlockDevice,
            b'5' => Self::Directory,
            b'6' => Self::Fifo,
            b'x' | b'X' => Self::Local,
            b'g' => Self::Global,
            b'L' => Self::LongPath,
            b'K' => Self::LongTarget,
            b'S' => Self::Sparse,
            b'V' => Self::Label,
            // What is not known is a file, POSIX says.
            _ => Self::File,
        }
    }

    /// The type in `st_mode`.
    fn mode(self) -> u32 {
        match self {
            Self::Symlink => 0o120_000,
            Self::CharacterDevice => 0o020_000,
            Self::BlockDevice => 0o060_000,
            Self::Directory => 0o040_000,
            Self::Fifo => 0o010_000,
            _ => 0o100_000,
        }
    }
}

/// A header. Offset, length, name: 0 100 name; 100 8 mode; 108 8 uid; 116 8 gid; 124 12 size; 136 12 mtime; 148 8 chksum; 156 1 typeflag;
/// 157 100 linkname; 257 6 magic; 263 2 version; 265 32 uname; 297 32 gname; 329 8 devmajor; 337 8 devminor; 345 155 prefix, in POSIX.
/// GNU has in place of the prefix: 386 96 sparse; 482 1 isextended; 483 12 realsize.
pub(super) struct Header<'a> {
    pub(super) role: Role,
    pub(super) path: Vec<u8>,
    pub(super) target: &'a [u8],
    pub(super) mode: Option<u32>,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
    pub(super) modified: Option<i64>,
    pub(super) device: (u32, u32),
    pub(super) size: u64,
    pub(super) sparse: Option<Sparse>,
    /// Bytes of the header with its extensions.
    pub(super) length: u64,
    /// Whether the magic is there.
    pub(super) posix: bool,
}

impl<'a> Header<'a> {
    pub(super) fn read(bytes: Bytes<'a>, start: u64) -> Result<Self, Rejected> {
        let block = Bytes(bytes.get(start, BLOCK)?);
        let field = |at, length| number(block.get(at, length).unwrap_or_default());
        let stored = field(148, 8).ok_or(Rejected("checksum"))?;
        if !sums(block).contains(&stored) {
            return Err(Rejected("checksum"));
        }
        let (magic, version) = (block.get(257, 6)?, block.get(263, 2)?);
        let mut path = block.text(0, 100)?.to_vec();
        let prefix = block.text(345, 155)?;
        if magic == b"ustar\0" && version != b" \0" && !prefix.is_empty() {
            path = [prefix, b"/", &path].concat();
        }
        let role = Role::new(block.u8(156)?, &path);
        let small = |at, length| field(at, length).and_then(|number| u32::try_from(number).ok());
        let size = field(124, 12).and_then(|size| u64::try_from(size).ok()).ok_or(Rejected("size"))?;
        let (sparse, length) = if role == Role::Sparse {
            let (sparse, extensions) = Sparse::gnu(block, Bytes(bytes.tail(start.saturating_add(BLOCK))));
            (Some(sparse), extensions.saturating_add(BLOCK))
        } else {
            (None, BLOCK)
        };
        Ok(Self {
            role,
            path,
            target: block.text(157, 100)?,
            mode: small(100, 8).map(|mode| (mode & 0o7777) | role.mode()),
            uid: small(108, 8),
            gid: small(116, 8),
            modified: field(136, 12),
            device: (small(329, 8).unwrap_or(0), small(337, 8).unwrap_or(0)),
            size,
            sparse,
            length,
            posix: magic.starts_with(b"ustar"),
        })
    }
}

/// The sum of all bytes with the checksum as spaces, and the sum that tars came to that thought that bytes have signs.
fn sums(block: Bytes<'_>) -> [i64; 2] {
    let sum = |value: fn(u8) -> i64| {
        let bytes = block.0.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { b' ' } else { *byte });
        bytes.fold(0_i64, |sum, byte| sum.saturating_add(value(byte)))
    };
    [sum(i64::from), sum(|byte| i64::from(byte.cast_signed()))]
}

/// A number: octal digits, maybe between spaces, up to a NUL; or if the highest bit is set, big-endian, in two's complement.
pub(super) fn number(field: &[u8]) -> Option<i64> {
    if let Some((first, rest)) = field.split_first().filter(|(first, _)| **first & 0x80 != 0) {
        let start = if first & 0x40 == 0 { i128::from(first & 0x3f) } else { i128::from(first.cast_signed()) };
        let value = rest.iter().fold(start, |value, byte| (value << 8) | i128::from(*byte));
        return i64::try_from(value).ok();
    }
    let field = field.split(|byte| *byte == 0).next().unwrap_or_default().trim_ascii();
    let add = |sum: i64, digit: &u8| Some(sum.checked_mul(8)?.saturating_add(char::from(*digit).to_digit(8)?.into()));
    field.iter().try_fold(0, add)
}
