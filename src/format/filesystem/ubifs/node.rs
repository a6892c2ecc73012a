//! Nodes: the records that a UBIFS is made of. All numbers are little endian.

use flate2::Crc;

use crate::blob::{Bytes, Endian, to_u64};
use crate::problem::Rejected;

const LITTLE: Endian = Endian::Little;

/// 0x06101831.
pub(super) const MAGIC: [u8; 4] = [0x31, 0x18, 0x10, 0x06];

/// Types of nodes.
pub(super) const INODE: u8 = 0;
pub(super) const DATA: u8 = 1;
pub(super) const DENTRY: u8 = 2;
const TRUNCATION: u8 = 4;
const PADDING: u8 = 5;
pub(super) const SUPERBLOCK: u8 = 6;
const MASTER: u8 = 7;
pub(super) const INDEX: u8 = 9;
const COMMIT_START: u8 = 10;
const LAST_TYPE: u8 = 13;

/// `struct ubifs_ch`: what all nodes begin with.
const HEADER: u64 = 24;
/// No node that matters is larger. Bounds what a forged length can cost.
const LARGEST_NODE: u64 = 8 << 10;

/// `struct ubifs_ch`, 24 bytes: `magic`, `crc` over everything after it (4 each), `sqnum` (8), `len` (4), `node_type`, `group_type` (1
/// each), padding (2).
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'b> {
    /// All of it.
    pub(super) bytes: Bytes<'b>,
    /// Of two nodes with the same key, the higher is the newer.
    pub(super) sqnum: u64,
    pub(super) kind: u8,
}

impl<'b> Node<'b> {
    /// Reads the header, and says whether the checksum fits.
    fn parse(bytes: Bytes<'b>, start: u64, end: u64) -> Result<(Self, bool), Rejected> {
        let header = Bytes(bytes.get(start, HEADER)?);
        if !header.has(0, &MAGIC) {
            return Err(Rejected("no magic"));
        }
        let (length, kind) = (u64::from(header.u32(16, LITTLE)?), header.u8(20)?);
        if !(HEADER..=LARGEST_NODE).contains(&length) || length > end.saturating_sub(start) || kind > LAST_TYPE {
            return Err(Rejected("len or node_type"));
        }
        let node = Self { bytes: Bytes(bytes.get(start, length)?), sqnum: header.u64(8, LITTLE)?, kind };
        let mut crc = Crc::new();
        crc.update(node.bytes.tail(8));
        // The kernel's crc32 from all ones, without final inversion.
        Ok((node, !crc.sum() == header.u32(4, LITTLE)?))
    }

    /// Reads and checks it.
    pub(super) fn read(bytes: Bytes<'b>, start: u64) -> Result<Self, Rejected> {
        match Self::parse(bytes, start, bytes.len())? {
            (node, true) => Ok(node),
            _ => Err(Rejected("crc")),
        }
    }

    pub(super) fn u16(&self, field: u64) -> u16 {
        self.bytes.u16(field, LITTLE).unwrap_or(0)
    }

    pub(super) fn u32(&self, field: u64) -> u32 {
        self.bytes.u32(field, LITTLE).unwrap_or(0)
    }

    pub(super) fn u64(&self, field: u64) -> u64 {
        self.bytes.u64(field, LITTLE).unwrap_or(0)
    }

    /// The key that all nodes of files have behind their header.
    pub(super) fn key(&self) -> Key {
        Key::new(self.u32(24), self.u32(28))
    }
}

/// A key in the simple format: inode (4), then type (3 bits) and block or hash of a name (29 bits).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) inode: u32,
    pub(super) kind: u8,
    /// Number of a block of 4 KiB, for data.
    pub(super) block: u32,
}

impl Key {
    pub(super) fn new(inode: u32, rest: u32) -> Self {
        Self { inode, kind: u8::try_from(rest >> 29).unwrap_or(0), block: rest & 0x1fff_ffff }
    }
}

/// `struct ubifs_sb_node`, 4096 bytes, the parts that matter: header (24), padding (2), `key_hash`, `key_fmt` (1 each), `flags`,
/// `min_io_size`, `leb_size`, `leb_cnt`, `max_leb_cnt` (4 each), `max_bud_bytes` (8), `log_lebs`, `lpt_lebs`, `orph_lebs`,
/// `jhead_cnt`, `fanout`, `lsave_cnt`, `fmt_version` (4 each), `default_compr` (2).
#[derive(Debug, Clone, Copy)]
pub(super) struct Superblock {
    /// Size of a logical erase block (LEB).
    pub(super) leb_size: u64,
    pub(super) leb_cnt: u64,
    /// Number of the first LEB that is there.
    pub(super) first: u32,
}

/// No LEB is larger.
const LARGEST_LEB: u64 = 16 << 20;

impl Superblock {
    /// From the superblock node; where that is lost, from the master nodes, which are in the second and the third LEB.
    pub(super) fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        match bytes.u8(20)? {
            MASTER => Self::guess(bytes),
            _ => Self::written(bytes),
        }
    }

    /// LEBs are what is left of an erase block behind two headers, each of a page or a part of it.
    fn guess(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let master = Node::read(bytes, 0)?;
        let (leb_cnt, least) = (u64::from(master.u32(164)), 15 << 10);
        let blocks = (13..=23).flat_map(|bits| [2_u64 << bits, 3 << bits]);
        let headers = [128, 512, 1024, 2048, 4096, 8192, 16384, 32768, 0].into_iter();
        let sizes = blocks.flat_map(|block| headers.clone().map(move |header| block.saturating_sub(header)));
        let second = |size: &u64| Node::read(bytes, *size).is_ok_and(|node| node.kind == MASTER);
        let mut sizes = sizes.filter(|size| (least..=LARGEST_LEB).contains(size) && second(size));
        let leb_size = sizes.next().ok_or(Rejected("no second master node"))?;
        if !(4..=1 << 24).contains(&leb_cnt) {
            return Err(Rejected("leb_cnt"));
        }
        Ok(Self { leb_size, leb_cnt, first: 1 })
    }

    fn written(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        if bytes.u8(20)? != SUPERBLOCK || bytes.u32(16, LITTLE)? != 4096 {
            return Err(Rejected("no superblock node"));
        }
        let node = Node::read(bytes, 0)?;
        let (min_io_size, leb_size) = (node.u32(32), node.u32(36));
        let (leb_cnt, max_leb_cnt) = (node.u32(40), node.u32(44));
        let [key_hash, key_fmt] = node.bytes.array(26)?;
        if key_hash > 1 || key_fmt != 0 || !(1..=5).contains(&node.u32(80)) {
            return Err(Rejected("key_hash, key_fmt or fmt_version"));
        }
        if !min_io_size.is_power_of_two() || min_io_size < 8 || !leb_size.is_multiple_of(min_io_size) {
            return Err(Rejected("min_io_size"));
        }
        if !(15 << 10..=16 << 20).contains(&leb_size) || leb_cnt < 4 || leb_cnt > max_leb_cnt {
            return Err(Rejected("leb_size or leb_cnt"));
        }
        Ok(Self { leb_size: leb_size.into(), leb_cnt: leb_cnt.into(), first: 0 })
    }

    /// Where a LEB begins.
    pub(super) fn leb(&self, lnum: u32) -> u64 {
        self.leb_size.saturating_mul(lnum.saturating_sub(self.first).into())
    }

    /// Bytes of all LEBs from the first that is there.
    pub(super) fn length(&self) -> u64 {
        self.leb_size.saturating_mul(self.leb_cnt.saturating_sub(self.first.into()))
    }
}

/// A node of a file, found in a scan.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) key: Key,
    pub(super) sqnum: u64,
    pub(super) start: u64,
    /// Whether its checksum fits.
    pub(super) sound: bool,
}

/// `struct ubifs_trun_node`: header (24), `inum` (4), padding (12), `old_size`, `new_size` (8 each).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Truncation {
    pub(super) inode: u32,
    pub(super) sqnum: u64,
    pub(super) new_size: u64,
}

/// All nodes of a volume.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Inodes, data and dentries.
    pub(super) found: Vec<Found>,
    pub(super) truncations: Vec<Truncation>,
    /// Sequence number and place of the newest master node.
    pub(super) master: Option<(u64, u64)>,
    /// `cmt_no` and sequence number of all commit start nodes.
    pub(super) commits: Vec<(u64, u64)>,
}

impl Scan {
    pub(super) fn of(bytes: Bytes<'_>, superblock: &Superblock) -> Self {
        let mut scan = Self::default();
        let finder = memchr::memmem::Finder::new(&MAGIC);
        let mut leb = 0;
        while leb < bytes.len() {
            let next = leb.saturating_add(superblock.leb_size);
            scan.block(bytes, leb, next.min(bytes.len()), &finder);
            leb = next;
        }
        scan
    }

    /// All nodes of one LEB. They stand at multiples of 8 bytes; what is between them is padding, erased, or a table without nodes.
    fn block(&mut self, bytes: Bytes<'_>, leb: u64, end: u64, finder: &memchr::memmem::Finder<'_>) {
        let mut at = leb;
        while let Some(skip) = finder.find(bytes.up_to(at, end.saturating_sub(at))) {
            at = at.saturating_add(to_u64(skip));
            let aligned = at.saturating_sub(leb).is_multiple_of(8);
            let step = match Node::parse(bytes, at, end) {
                Ok((node, sound)) if aligned => {
                    self.add(&node, at, sound);
                    let padding = if node.kind == PADDING { u64::from(node.u32(24)) } else { 0 };
                    if sound { node.bytes.len().saturating_add(padding) } else { 8 }
                }
                _ => 1,
            };
            at = at.saturating_add(step);
        }
    }

    fn add(&mut self, node: &Node<'_>, start: u64, sound: bool) {
        match node.kind {
            INODE | DATA | DENTRY => self.found.push(Found { key: node.key(), sqnum: node.sqnum, start, sound }),
            TRUNCATION if sound => {
                self.truncations.push(Truncation { inode: node.u32(24), sqnum: node.sqnum, new_size: node.u64(48) });
            }
            MASTER if sound => self.master = self.master.max(Some((node.sqnum, start))),
            COMMIT_START if sound => self.commits.push((node.u64(24), node.sqnum)),
            _ => (),
        }
    }
}
