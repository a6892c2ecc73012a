//! Extents of files, compressed or not.

use super::tree::Item;
use super::volume::{Btrfs, Number};
use crate::blob::{Bytes, Endian, Span, to_u64};
use crate::codec::Codec;
use crate::format::unix::inodes::{Inode, finish, put};
use crate::limits::Output;
use crate::problem::Fault;

/// Largest compressed extent: btrfs itself makes 128 KiB at most.
const LARGEST: u64 = 8 << 20;

/// Kinds of extents: in the tree, elsewhere, allocated but not written.
const INLINE: u8 = 0;
const REGULAR: u8 = 1;

/// An extent, as its item says:
///
/// ```text
/// 8 u64 bytes when decompressed   16 u8 compression   17 u8 encryption   20 u8 kind
/// 21 what is inline, or u64 logical address   29 u64 bytes there   37 u64 where this part of it begins, decompressed   45 u64 its bytes
/// ```
struct Extent<'a> {
    start: u64,
    unpacked: u64,
    compression: u8,
    encrypted: bool,
    kind: u8,
    inline: Bytes<'a>,
    address: u64,
    packed: u64,
    skip: u64,
    length: u64,
}

impl<'a> Extent<'a> {
    fn read((key, item, _): &Item<'a>) -> Result<Self, Fault> {
        let (unpacked, kind) = (item.u64(8, Endian::Little)?, item.u8(20)?);
        let long = |at| if kind == INLINE { Ok(0) } else { item.u64(at, Endian::Little) };
        Ok(Self {
            start: key.offset,
            unpacked,
            compression: item.u8(16)?,
            encrypted: item.u8(17)? != 0,
            kind,
            inline: Bytes(if kind == INLINE { item.tail(21) } else { &[] }),
            address: long(21)?,
            packed: long(29)?,
            skip: long(37)?,
            length: if kind == INLINE { unpacked } else { long(45)? },
        })
    }

    /// Whether it stands in the image as it is.
    fn is_plain(&self) -> bool {
        self.kind == REGULAR && self.compression == 0 && !self.encrypted && self.address != 0
    }
}

impl<'a> Btrfs<'a, '_> {
    pub(super) fn in_one_piece(&mut self, inode: &Inode<Number>) -> Option<Span> {
        let mut items = Vec::new();
        self.extents(inode.detail, &mut items).ok()?;
        let [item] = items.as_slice() else { return None };
        let extent = Extent::read(item).ok().filter(Extent::is_plain)?;
        let place = self.trees.chunks.places(extent.address.saturating_add(extent.skip), extent.length).next()?;
        let whole = extent.start == 0 && extent.length >= inode.size;
        let span = Span::new(place, inode.size);
        (whole && span.end() <= self.trees.image.len()).then_some(span)
    }

    pub(super) fn write(&mut self, inode: &Inode<Number>, output: &mut Output<'_>) -> Result<(), Fault> {
        let mut items = Vec::new();
        let mut fault = self.extents(inode.detail, &mut items).err();
        for item in &items {
            let written = Extent::read(item).and_then(|extent| self.extent(&extent, inode.size, output));
            match written {
                Err(limit @ Fault::Exceeded(_)) => return Err(limit),
                other => fault = fault.or(other.err()),
            }
        }
        match fault {
            Some(fault) => Err(fault),
            None => Ok(finish(output, inode.size)?),
        }
    }

    fn extent(&mut self, extent: &Extent<'a>, size: u64, output: &mut Output<'_>) -> Result<(), Fault> {
        if extent.encrypted {
            return Err(Fault::Encrypted("an extent is encrypted".to_owned()));
        }
        let data = match extent.kind {
            INLINE => extent.inline,
            REGULAR if extent.address == 0 => return Ok(()),
            REGULAR if extent.compression == 0 => self.data(extent.address.saturating_add(extent.skip), extent.length)?,
            REGULAR => self.data(extent.address, extent.packed)?,
            _ => return Ok(()),
        };
        if extent.compression == 0 {
            self.trees.effort.spend(data.len())?;
            return Ok(put(output, extent.start, data.0, size)?);
        }
        if extent.unpacked > LARGEST {
            return Err(Fault::corrupt(format!("a compressed extent of {} bytes", extent.unpacked)));
        }
        self.trees.effort.spend(data.len().saturating_add(extent.unpacked))?;
        let content = match extent.compression {
            1 => Codec::Zlib.first(data.0, extent.unpacked)?,
            2 => lzo(data, extent.unpacked, self.sector_size)?,
            3 => Codec::Zstd.first(data.0, extent.unpacked)?,
            other => return Err(Fault::unsupported(format!("the compression {other}"))),
        };
        let part = Bytes(&content).up_to(extent.skip, extent.length);
        put(output, extent.start, part, size)?;
        let wanted = extent.length.min(size.saturating_sub(extent.start));
        if to_u64(part.len()) < wanted {
            return Err(Fault::corrupt("a compressed extent is shorter than it should be"));
        }
        Ok(())
    }

    /// `length` bytes at a logical address.
    fn data(&mut self, address: u64, length: u64) -> Result<Bytes<'a>, Fault> {
        let place = self.trees.chunks.places(address, length).next();
        let place = place.ok_or_else(|| Fault::unsupported("a part of it is on another device, or striped"))?;
        Ok(Bytes(self.trees.image.get(place, length)?))
    }
}

/// LZO in pieces of a sector: u32 bytes in all, then for each piece u32 bytes and the piece. No length is cut by the end of a sector.
fn lzo(data: Bytes<'_>, length: u64, sector: u64) -> Result<Vec<u8>, Fault> {
    let total = u64::from(data.u32(0, Endian::Little)?).min(data.len());
    let (mut content, mut at) = (Vec::new(), 4_u64);
    while at < total && to_u64(content.len()) < length {
        let left = sector.saturating_sub(at.checked_rem(sector).unwrap_or(0));
        if left < 4 {
            at = at.saturating_add(left);
        }
        let size = u64::from(data.u32(at, Endian::Little)?);
        at = at.saturating_add(4);
        content.extend_from_slice(&Codec::Lzo.block(data.get(at, size)?, sector)?);
        at = at.saturating_add(size);
    }
    Ok(content)
}
