//! File systems that are recognized, and not read: firmware hardly ever has them, but what a disk holds should have a name.

use crate::blob::{Blob, Bytes, Endian, Span, to_u64};
use crate::codec::crc::crc32;
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// One of them.
#[derive(Debug)]
pub(super) struct Recognized {
    spec: Spec,
    /// Checks the superblock and says how long the file system is.
    length: fn(Bytes<'_>) -> Result<u64, Rejected>,
    /// Where its label stands.
    label: Span,
}

const NOT_READ: &[&str] = &["only recognized: nothing of it is read but its label"];

const fn spec(id: &'static str, name: &'static str, magics: &'static [Magic], references: &'static [&'static str]) -> Spec {
    Spec { id, name, kind: Kind::FileSystem, magics, leaf: true, references, limitations: NOT_READ }
}

/// ReiserFS, version 3.
pub(super) static REISERFS: Recognized = Recognized {
    spec: spec(
        "reiserfs",
        "ReiserFS",
        &[Magic::anywhere(b"ReIsErFs").at(0x10034), Magic::anywhere(b"ReIsEr2Fs").at(0x10034), Magic::anywhere(b"ReIsEr3Fs").at(0x10034)],
        &["https://reiserfs.docs.kernel.org/"],
    ),
    length: reiserfs,
    label: Span::new(0x1_0064, 16),
};

/// IBM's journaled file system.
pub(super) static JFS: Recognized = Recognized {
    spec: spec("jfs", "JFS", &[Magic::anywhere(b"JFS1").at(0x8000)], &["https://jfs.sourceforge.net/project/pub/jfslayout.pdf"]),
    length: jfs,
    label: Span::new(0x8098, 16),
};

/// NILFS2.
pub(super) static NILFS2: Recognized = Recognized {
    spec: spec(
        "nilfs2",
        "NILFS2",
        &[Magic::anywhere(b"\x02\0\0\0\0\0\x34\x34").at(0x400)],
        &["https://docs.kernel.org/filesystems/nilfs2.html"],
    ),
    length: nilfs2,
    label: Span::new(0x4a8, 80),
};

/// LogFS, for large flash chips, in Linux from 2010 to 2016.
pub(super) static LOGFS: Recognized = Recognized {
    spec: spec(
        "logfs",
        "LogFS",
        &[Magic::anywhere(&[0x7a, 0x3a, 0x8e, 0x5c, 0xb9, 0xd5, 0xbf, 0x67]).at(24)],
        &["https://github.com/torvalds/linux/blob/v4.9/fs/logfs/logfs_abi.h"],
    ),
    length: logfs,
    label: Span::new(0, 0),
};

impl Format for Recognized {
    fn spec(&self) -> &'static Spec {
        // A static of this file, which is what every row is.
        [&REISERFS, &JFS, &NILFS2, &LOGFS].into_iter().find(|one| one.spec.id == self.spec.id).map_or(&REISERFS.spec, |one| &one.spec)
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let length = (self.length)(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(length, start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let text = blob.bytes().text(self.label.start, self.label.length).unwrap_or_default();
        if !text.is_empty() {
            children.fact("header.name", text, Span::new(self.label.start, to_u64(text.len())));
        }
        Ok(())
    }
}

/// The superblock at 64 KiB: 0 blocks u32, 4 of them free u32, 8 root u32, 44 bytes of a block u16, 52 magic, 68 height of the tree u16.
fn reiserfs(image: Bytes<'_>) -> Result<u64, Rejected> {
    let (word, half) = (
        |at: u64| image.u32(at.saturating_add(0x1_0000), Endian::Little),
        |at: u64| image.u16(at.saturating_add(0x1_0000), Endian::Little),
    );
    let (blocks, free, root, block, height) = (word(0)?, word(4)?, word(8)?, half(44)?, half(68)?);
    if !block.is_power_of_two() || !(512..=8192).contains(&block) || free >= blocks || root >= blocks || !(2..=7).contains(&height) {
        return Err(Rejected("numbers of the superblock"));
    }
    Ok(u64::from(blocks).saturating_mul(block.into()))
}

/// The superblock at 32 KiB: 4 version u32, 8 sectors u64, 16 bytes of a block u32, 20 its log2 u16, 24 bytes of a sector u32, 28 its log2 u16.
fn jfs(image: Bytes<'_>) -> Result<u64, Rejected> {
    let superblock = Bytes(image.get(0x8000, 184)?);
    let word = |at| superblock.u32(at, Endian::Little);
    let (block, sector) = (word(16)?, word(24)?);
    let logs = (u32::from(superblock.u16(20, Endian::Little)?), u32::from(superblock.u16(28, Endian::Little)?));
    let fits = |bytes: u32, log: u32| 1_u32.checked_shl(log) == Some(bytes);
    if !matches!(word(4)?, 1 | 2) || !fits(block, logs.0) || !fits(sector, logs.1) || !(512..=4096).contains(&block) || sector < 512 {
        return Err(Rejected("version or sizes of the superblock"));
    }
    Ok(superblock.u64(8, Endian::Little)?.saturating_mul(sector.into()).max(0x1_0000))
}

/// The superblock at 1 KiB: 8 bytes under the checksum u16, 12 what that starts with u32, 16 checksum u32, 20 log2 of a block less 10 u32,
/// 24 segments u64, 32 bytes of the device u64.
fn nilfs2(image: Bytes<'_>) -> Result<u64, Rejected> {
    let length = u64::from(image.u16(0x408, Endian::Little)?);
    let superblock = Bytes(image.get(0x400, length)?);
    if !(256..=1024).contains(&length) || superblock.u32(20, Endian::Little)? > 6 {
        return Err(Rejected("sizes of the superblock"));
    }
    let bytes = superblock.0.iter().enumerate().map(|(at, byte)| if (16..20).contains(&at) { 0 } else { *byte });
    let sum = crc32(superblock.u32(12, Endian::Little)?, &bytes.collect::<Vec<_>>());
    if sum != superblock.u32(16, Endian::Little)? {
        return Err(Rejected("the checksum of the superblock"));
    }
    Ok(superblock.u64(32, Endian::Little)?)
}

/// The superblock, big endian: 6 kind of the segment u8 (1), 24 magic u64, 39 log2 of a segment, of a block and of a write u8, 42 six zeros,
/// 48 bytes of all u64, 56 bytes of a segment u32.
fn logfs(image: Bytes<'_>) -> Result<u64, Rejected> {
    let superblock = Bytes(image.get(0, 256)?);
    let [segment, block, write] = superblock.array(39)?;
    let (length, bytes) = (superblock.u64(48, Endian::Big)?, superblock.u32(56, Endian::Big)?);
    let shifts =
        (12..=30).contains(&segment) && (9..=16).contains(&block) && write <= 20 && 1_u32.checked_shl(segment.into()) == Some(bytes);
    if superblock.u8(6)? != 1 || !shifts || superblock.array(42)? != [0; 6] || length < u64::from(bytes) {
        return Err(Rejected("sizes of the superblock"));
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;
    use crate::format::testing::{carve, survives_damage, unpack_at};

    #[test]
    fn superblocks_are_recognized_and_checked() {
        let fixtures: [(&Recognized, &[u8], usize); 4] = [
            (&LOGFS, include_bytes!("../../../fixtures/logfs/head.logfs.xz"), 39),
            (&REISERFS, include_bytes!("../../../fixtures/reiserfs/head.reiserfs.xz"), 0x1_0000 + 44),
            (&JFS, include_bytes!("../../../fixtures/jfs/head.jfs.xz"), 0x8000 + 20),
            (&NILFS2, include_bytes!("../../../fixtures/nilfs2/head.nilfs2.xz"), 0x400 + 40),
        ];
        for (format, packed, covered) in fixtures {
            let mut image = Codec::Xz.block(packed, 1 << 20).unwrap();
            let among = [vec![0x5a; 77], image.clone()].concat();
            assert_eq!(carve(format, &among, 77), Some(image.len() as u64), "{}", format.spec().id);
            let name = unpack_at(format, &among, 77).fact("header.name");
            assert_eq!(name.as_deref(), (format.label.length > 0).then_some("EXAMPLE"), "{}", format.spec().id);
            survives_damage(format, &image);
            image[covered] ^= 0xff;
            assert_eq!(carve(format, &image, 0), None, "{}", format.spec().id);
        }
    }
}
