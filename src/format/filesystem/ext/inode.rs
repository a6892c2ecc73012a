//! Inodes: what a file is, and what of it stands in the inode itself.

use super::superblock::Superblock;
use crate::blob::{Bytes, Endian, Span, to_u64};
use crate::format::{Attributes, EntryKind};

const FLAG_COMPRESSED: u32 = 0x4;
const FLAG_ENCRYPTED: u32 = 0x800;
const FLAG_EXTENTS: u32 = 0x8_0000;
const FLAG_EA_INODE: u32 = 0x20_0000;
const FLAG_INLINE_DATA: u32 = 0x1000_0000;

/// Magic before the extended attributes that stand in an inode.
const XATTR_MAGIC: u32 = 0xea02_0000;

/// One inode, `struct ext4_inode`:
///
/// ```text
/// 00 i_mode u16   02 i_uid u16   04 i_size_lo u32   10 i_mtime u32   14 i_dtime u32   18 i_gid u16   1a i_links_count u16
/// 1c i_blocks_lo u32   20 i_flags u32   28 i_block[60]   68 i_file_acl_lo u32   6c i_size_high u32   78 l_i_uid_high u16
/// 7a l_i_gid_high u16   80 i_extra_isize u16   88 i_mtime_extra u32   then extended attributes
/// ```
#[derive(Debug, Clone, Copy)]
pub(super) struct Inode<'a> {
    /// Its number.
    pub(super) number: u32,
    /// Where it stands.
    pub(super) at: u64,
    bytes: Bytes<'a>,
}

impl<'a> Inode<'a> {
    /// The inode whose bytes are `bytes`, at `at` of the image.
    pub(super) const fn new(number: u32, at: u64, bytes: Bytes<'a>) -> Self {
        Self { number, at, bytes }
    }

    // Its bytes are always 128 at least: no read below can fail.
    fn half(&self, at: u64) -> u16 {
        self.bytes.u16(at, Endian::Little).unwrap_or(0)
    }

    fn word(&self, at: u64) -> u32 {
        self.bytes.u32(at, Endian::Little).unwrap_or(0)
    }

    fn has(&self, flag: u32) -> bool {
        self.word(0x20) & flag != 0
    }

    /// The type bits of `i_mode`.
    pub(super) fn kind(&self) -> u16 {
        self.half(0) & 0xf000
    }

    /// Whether it is a folder.
    pub(super) fn is_folder(&self) -> bool {
        self.kind() == 0x4000
    }

    /// Whether it is a regular file.
    pub(super) fn is_file(&self) -> bool {
        self.kind() == 0x8000
    }

    /// Bytes of the content.
    pub(super) fn size(&self) -> u64 {
        let high = if self.is_file() || self.is_folder() { self.word(0x6c) } else { 0 };
        u64::from(high).saturating_mul(1 << 32).saturating_add(self.word(4).into())
    }

    /// Whether something points at it, and it was not deleted.
    pub(super) fn is_live(&self) -> bool {
        self.half(0x1a) > 0 && self.word(0x14) == 0 && !self.has(FLAG_EA_INODE)
    }

    /// Whether names and content are encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        self.has(FLAG_ENCRYPTED)
    }

    /// Whether the file system says that this file is compressed.
    pub(super) fn is_compressed(&self) -> bool {
        self.has(FLAG_COMPRESSED)
    }

    /// Whether `i_block` is the root of an extent tree.
    pub(super) fn has_extents(&self) -> bool {
        self.has(FLAG_EXTENTS)
    }

    /// `i_block`: pointers, the root of an extent tree, a short link, a device number or the content itself.
    pub(super) fn block_field(&self) -> Bytes<'a> {
        Bytes(self.bytes.up_to(0x28, 60))
    }

    /// Whether the content stands in the inode.
    pub(super) fn is_inline(&self) -> bool {
        self.has(FLAG_INLINE_DATA)
    }

    /// The target of a link that is short enough to stand in the inode. A link has no blocks then, beside one of extended attributes.
    pub(super) fn short_target(&self, superblock: &Superblock) -> Option<&'a [u8]> {
        let attributes = if self.word(0x68) == 0 { 0 } else { superblock.block_size >> 9 };
        let short = self.size() < 60 && u64::from(self.word(0x1c)) <= attributes;
        (short && !self.has(FLAG_EXTENTS | FLAG_INLINE_DATA)).then(|| self.block_field().up_to(0, self.size()))
    }

    /// The rest of content that stands in the inode, after the 60 bytes of `i_block`: the value of the attribute `system.data`.
    pub(super) fn inline_rest(&self) -> Option<&'a [u8]> {
        let start = 0x80_u64.saturating_add(self.half(0x80).into());
        if self.bytes.u32(start, Endian::Little) != Ok(XATTR_MAGIC) {
            return None;
        }
        let entries = Bytes(self.bytes.tail(start.saturating_add(4)));
        let mut at = 0_u64;
        // e_name_len u8, e_name_index u8, e_value_offs u16, e_value_inum u32, e_value_size u32, e_hash u32, name, padding to 4
        while entries.u32(at, Endian::Little).is_ok_and(|word| word != 0) {
            let length = u64::from(entries.u8(at).ok()?);
            if entries.u8(at.saturating_add(1)) == Ok(7) && entries.get(at.saturating_add(16), length) == Ok(b"data") {
                let offset = entries.u16(at.saturating_add(2), Endian::Little).ok()?;
                let size = entries.u32(at.saturating_add(8), Endian::Little).ok()?;
                return entries.part(Span::new(offset.into(), size.into())).ok().map(|value| value.0);
            }
            at = at.saturating_add(16).saturating_add(length.next_multiple_of(4));
        }
        None
    }

    /// What it is, if it is neither file nor folder nor link.
    pub(super) fn special(&self) -> Option<EntryKind> {
        match self.kind() {
            0x1000 => Some(EntryKind::Fifo),
            0xc000 => Some(EntryKind::Socket),
            0x2000 => Some(EntryKind::CharacterDevice(self.device().0, self.device().1)),
            0x6000 => Some(EntryKind::BlockDevice(self.device().0, self.device().1)),
            _ => None,
        }
    }

    /// Major and minor: in 16 bits in the first word of `i_block`, or, if that is 0, in 32 in the second.
    fn device(&self) -> (u32, u32) {
        let (old, new) = (self.word(0x28), self.word(0x2c));
        if old == 0 { ((new & 0xf_ff00) >> 8, (new & 0xff) | ((new >> 12) & 0xf_ff00)) } else { ((old >> 8) & 0xff, old & 0xff) }
    }

    /// Mode, owner, time.
    pub(super) fn attributes(&self) -> Attributes {
        let wide = |low, high| u32::from(self.half(low)) | (u32::from(self.half(high)) << 16);
        // Two more bits of the time stand in i_mtime_extra, if i_extra_isize reaches over it.
        let epoch = if to_u64(self.bytes.0.len()) > 0x80 && self.half(0x80) >= 12 { self.word(0x88) & 3 } else { 0 };
        let seconds = i64::from(i32::from_le_bytes(self.word(0x10).to_le_bytes()));
        Attributes {
            mode: Some(self.half(0).into()),
            uid: Some(wide(2, 0x78)),
            gid: Some(wide(0x18, 0x7a)),
            modified: Some(seconds.saturating_add(i64::from(epoch).saturating_mul(1 << 32))),
        }
    }
}
