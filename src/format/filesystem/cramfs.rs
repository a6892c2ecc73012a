//! cramfs: small compressed, read-only file systems, in either byte order.

use crate::blob::{Blob, Bytes, Endian, Span};
use crate::format::{Attributes, Carved, Children, EntryKind, Format, Kind, Magic, Spec, path_text};
use crate::limits::{Budget, Effort, Exceeded};
use crate::problem::{Fault, Rejected};

mod data;
mod inode;
mod tree;

use inode::{INODE_SIZE, Inode, Type};
use tree::{Node, Tree};

/// cramfs.
#[derive(Debug)]
pub(super) struct Cramfs;

const LITTLE: &[u8] = &[0x45, 0x3d, 0xcd, 0x28];
const BIG: &[u8] = &[0x28, 0xcd, 0x3d, 0x45];

static SPEC: Spec = Spec {
    id: "cramfs",
    name: "cramfs",
    kind: Kind::FileSystem,
    // The superblock may come after 512 bytes for a boot loader.
    magics: &[Magic::anywhere(LITTLE), Magic::anywhere(BIG), Magic::anywhere(LITTLE).at(512), Magic::anywhere(BIG).at(512)],
    leaf: false,
    references: &[
        "https://docs.kernel.org/filesystems/cramfs.html",
        "https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree/fs/cramfs/README",
        "https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree/include/uapi/linux/cramfs_fs.h",
    ],
    limitations: &["blocks of 4096 bytes only"],
};

/// `flags`: the fields `fsid.*` and `size` are filled in.
const FSID_VERSION_2: u32 = 0x1;
/// `flags`: the root's listing may be anywhere.
const SHIFTED_ROOT_OFFSET: u32 = 0x400;
/// `flags`: bits 30 and 31 of block pointers say how the block is stored.
const EXT_BLOCK_POINTERS: u32 = 0x800;
/// `flags` that the kernel knows; the lower eight are compatible whatever they say.
const KNOWN: u32 = 0xff | 0x100 | 0x200 | SHIFTED_ROOT_OFFSET | EXT_BLOCK_POINTERS;

/// Inodes that are looked at to find the end of an image that does not say it.
const MOST_NODES: usize = 16_384;

/// Bytes of the superblock, the root's inode included.
const SUPERBLOCK_SIZE: u64 = 76;

/// An image and its superblock.
///
/// ```text
///  0 u32 magic 0x28cd3d45               32 u32 fsid.crc       48 u8[16] name
///  4 u32 size                           36 u32 fsid.edition   64 inode  root
///  8 u32 flags                          40 u32 fsid.blocks
/// 12 u32 future                         44 u32 fsid.files
/// 16 u8[16] signature "Compressed ROMFS"
/// ```
#[derive(Clone, Copy)]
struct Image<'a> {
    bytes: Bytes<'a>,
    endian: Endian,
    /// Where the superblock starts. All offsets of the image count from byte 0 all the same.
    start: u64,
    /// Bytes of the image, if it is of the second version.
    size: Option<u64>,
    flags: u32,
    root: Inode,
}

impl<'a> Image<'a> {
    fn read(bytes: Bytes<'a>) -> Result<Self, Rejected> {
        let magics = [(LITTLE, Endian::Little), (BIG, Endian::Big)];
        let places = [0, 512].into_iter().flat_map(|start| magics.map(|(magic, endian)| (start, magic, endian)));
        let mut why = Rejected("magic");
        for (start, _, endian) in places.filter(|(start, magic, _)| bytes.has(*start, magic)) {
            match Self::read_at(bytes, start, endian) {
                Ok(image) => return Ok(image),
                Err(rejected) => why = rejected,
            }
        }
        Err(why)
    }

    fn read_at(bytes: Bytes<'a>, start: u64, endian: Endian) -> Result<Self, Rejected> {
        let word = |at: u64| bytes.u32(start.saturating_add(at), endian);
        if !bytes.has(start.saturating_add(16), b"Compressed ROMFS") {
            return Err(Rejected("signature"));
        }
        let (flags, files) = (word(8)?, u64::from(word(44)?));
        if flags & !KNOWN != 0 {
            return Err(Rejected("flags"));
        }
        let root = Inode::read(bytes, start.saturating_add(64), endian)?;
        let size = (flags & FSID_VERSION_2 != 0).then_some(u64::from(word(4)?));
        let image = Self { bytes, endian, start, size, flags, root };
        image.check_root()?;
        if let Some(size) = size {
            let least = image.root.end().max(start.saturating_add(SUPERBLOCK_SIZE));
            if size < least || files == 0 || files > size / INODE_SIZE {
                return Err(Rejected("size or number of files"));
            }
        }
        Ok(image)
    }

    /// The root's listing comes right after the superblock; that tells an image with a boot loader from one without.
    fn check_root(&self) -> Result<(), Rejected> {
        let expected = self.start.saturating_add(SUPERBLOCK_SIZE);
        let in_place = match self.root.offset {
            0 => self.root.size == 0 && self.start == 0,
            offset if self.size.is_some() && self.flags & SHIFTED_ROOT_OFFSET != 0 => offset >= expected,
            offset => offset == expected,
        };
        if self.root.kind() != Some(Type::Directory) || !in_place || !self.root.size.is_multiple_of(4) {
            return Err(Rejected("root inode"));
        }
        Ok(())
    }

    /// Bytes of the image. The first version does not say, so it ends where the last of its parts does.
    fn length(&self) -> u64 {
        self.size.unwrap_or_else(|| {
            let nodes = Tree::new(*self).flatten().take(MOST_NODES).map(|node| self.end(&node.inode));
            nodes.fold(self.start.saturating_add(SUPERBLOCK_SIZE).max(self.root.end()), u64::max)
        })
    }

    /// `fsid.crc` is the CRC-32 of everything from the superblock on, itself being zero.
    fn check_sum(&self) -> Result<(), Fault> {
        let Some(size) = self.size else { return Ok(()) };
        let at = self.start.saturating_add(32);
        let mut crc = flate2::Crc::new();
        crc.update(self.bytes.part(Span::between(self.start, at))?.0);
        crc.update(&[0; 4]);
        crc.update(self.bytes.part(Span::between(at.saturating_add(4), size))?.0);
        if crc.sum() != self.bytes.u32(at, self.endian)? {
            return Err(Fault::Checksum("the CRC-32 of the image does not fit".to_owned()));
        }
        Ok(())
    }
}

impl Format for Cramfs {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let image = Image::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(image.length(), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let image = Image::read(blob.bytes()).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let size = image.size.unwrap_or(0);
        let truncated = size > blob.len();
        if let (false, Err(fault)) = (truncated, image.check_sum()) {
            children.problem(&fault, Some(image.start.saturating_add(32)));
        }
        let mut effort = Effort::new(children.budget(), blob.len());
        for node in Tree::new(image) {
            effort.spend(INODE_SIZE)?;
            match node {
                Ok(node) => hand_over(image, node, &mut effort, children)?,
                Err((fault, at)) => children.problem(&fault, Some(at)),
            }
        }
        if truncated {
            return Err(Fault::Truncated(format!("{} of {size} bytes are there", blob.len())));
        }
        Ok(())
    }
}

fn hand_over(image: Image<'_>, node: Node, effort: &mut Effort<'_>, children: &mut Children<'_>) -> Result<(), Exceeded> {
    let (inode, path) = (node.inode, node.path);
    let attributes = Attributes { mode: Some(inode.mode.into()), uid: Some(inode.uid.into()), gid: Some(inode.gid.into()), modified: None };
    // rdev as in the first Unix: major and minor number of eight bits each.
    let [minor, major, ..] = inode.size.to_le_bytes();
    let kind = match inode.kind() {
        Some(Type::Directory) => EntryKind::Directory,
        Some(Type::CharacterDevice) => EntryKind::CharacterDevice(major.into(), minor.into()),
        Some(Type::BlockDevice) => EntryKind::BlockDevice(major.into(), minor.into()),
        Some(Type::Fifo) => EntryKind::Fifo,
        Some(Type::Socket) => EntryKind::Socket,
        Some(Type::Symlink) => {
            let mut output = children.output();
            if let Some(fault) = image.contents(&inode, &mut output, effort)? {
                children.problem(&Fault::corrupt(format!("{path:?}: {fault}")), Some(node.at));
            }
            EntryKind::Symlink(path_text(output.as_slice()))
        }
        Some(Type::File) => {
            let mut output = children.output();
            let fault = image.contents(&inode, &mut output, effort)?;
            return children.made_with(path, output, attributes, fault.as_ref());
        }
        None => {
            children.problem(&Fault::corrupt(format!("{path:?}: mode {:o}", inode.mode)), Some(node.at));
            return Ok(());
        }
    };
    children.entry(path, kind, attributes);
    Ok(())
}

#[cfg(test)]
mod tests;
