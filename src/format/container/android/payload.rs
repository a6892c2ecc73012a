//! payload.bin: how Android and ChromeOS get their updates over the air.

use sha2::{Digest, Sha256};

use super::protobuf::{Fields, Value, is_message};
use crate::blob::{Blob, Bytes, Endian, Span};
use crate::codec::Codec;
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec, part_text};
use crate::limits::{Budget, Effort, Output};
use crate::problem::{Fault, Rejected};

/// Update payload, major version 1 or 2.
#[derive(Debug)]
pub(in crate::format) struct Payload;

static SPEC: Spec = Spec {
    id: "android-payload",
    name: "Android update payload (payload.bin)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"CrAU\0\0\0\0\0\0\0\x01"), Magic::anywhere(b"CrAU\0\0\0\0\0\0\0\x02")],
    leaf: false,
    references: &[
        "https://android.googlesource.com/platform/system/update_engine/+/main/update_metadata.proto",
        "https://android.googlesource.com/platform/system/update_engine/+/main/README.md",
    ],
    limitations: &[
        "what an update only describes as a change to the partition before it (delta updates) is left empty",
        "signatures are not verified, the hashes of data and partitions are",
    ],
};

impl Format for Payload {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let header = Header::read(bytes)?;
        Ok(Carved::new(header.end(bytes), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let header = Header::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let mut block = 4096;
        for (field, value) in Fields::new(bytes, header.manifest) {
            if let (3, Value::Number(size)) = (field, value) {
                block = size.clamp(512, 1 << 20);
            }
        }
        let mut work = Work { bytes, header: &header, block, effort: Effort::new(children.budget(), bytes.len()) };
        let mut whole = [(1, Partition::new("rootfs")), (2, Partition::new("kernel"))];
        for (field, value) in Fields::new(bytes, header.manifest) {
            match value {
                Value::Bytes(span) if field == 13 => Partition::read(bytes, span).unpack(&mut work, children)?,
                Value::Bytes(span) => {
                    let partition = whole.iter_mut().find(|(known, _)| *known == field);
                    partition.into_iter().for_each(|(_, partition)| partition.operations.push(span));
                }
                Value::Number(_) => (),
            }
        }
        for (_, partition) in whole.into_iter().filter(|(_, partition)| !partition.operations.is_empty()) {
            partition.unpack(&mut work, children)?;
        }
        Ok(())
    }
}

/// The header; all numbers big endian:
///
/// ```text
/// 0 magic "CrAU"   4 major version u64   c size of the manifest u64   14 size of its signature u32 (version 2)   then manifest, signature, data
/// ```
struct Header {
    manifest: Span,
    /// Where the data begins.
    data: u64,
}

impl Header {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let size = bytes.u64(12, Endian::Big)?;
        let (start, signature) = if bytes.u64(4, Endian::Big)? == 1 { (20, 0) } else { (24, u64::from(bytes.u32(20, Endian::Big)?)) };
        let manifest = Span::new(start, size);
        if size == 0 || size > 32 << 20 || signature > 1 << 16 || !is_message(bytes, manifest) {
            return Err(Rejected("sizes, or no manifest"));
        }
        Ok(Self { manifest, data: manifest.end().saturating_add(signature) })
    }

    /// Where the last data ends: that of an operation, or the signatures.
    fn end(&self, bytes: Bytes<'_>) -> u64 {
        let mut end = 0_u64;
        let mut signatures = Span::default();
        for (field, value) in Fields::new(bytes, self.manifest) {
            match (field, value) {
                (4, Value::Number(offset)) => signatures.start = offset,
                (5, Value::Number(size)) => signatures.length = size,
                (1 | 2, Value::Bytes(operation)) => end = end.max(Operation::read(bytes, operation).data.end()),
                (13, Value::Bytes(partition)) => {
                    for operation in Partition::read(bytes, partition).operations {
                        end = end.max(Operation::read(bytes, operation).data.end());
                    }
                }
                _ => (),
            }
        }
        self.data.saturating_add(end.max(signatures.end()))
    }
}

/// `PartitionUpdate`: 1 name, 7 what it becomes (1 size, 2 SHA-256), 8 operations, 17 version.
struct Partition<'a> {
    name: String,
    version: Option<Span>,
    size: u64,
    hash: &'a [u8],
    operations: Vec<Span>,
}

impl<'a> Partition<'a> {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), version: None, size: 0, hash: &[], operations: Vec::new() }
    }

    fn read(bytes: Bytes<'a>, message: Span) -> Self {
        let mut partition = Self::new("");
        for (field, value) in Fields::new(bytes, message) {
            let Value::Bytes(span) = value else { continue };
            match field {
                1 => partition.name = part_text(bytes.up_to(span.start, span.length)),
                7 => {
                    for info in Fields::new(bytes, span) {
                        match info {
                            (1, Value::Number(size)) => partition.size = size,
                            (2, Value::Bytes(hash)) => partition.hash = bytes.up_to(hash.start, hash.length),
                            _ => (),
                        }
                    }
                }
                8 => partition.operations.push(span),
                17 => partition.version = Some(span),
                _ => (),
            }
        }
        partition
    }

    fn unpack(self, work: &mut Work<'_>, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = work.bytes;
        if let Some(version) = self.version {
            children.fact("header.version", bytes.up_to(version.start, version.length), version);
        }
        let mut output = children.output();
        let mut worst = None;
        for operation in &self.operations {
            let outcome = Operation::read(bytes, *operation).apply(work, &mut output);
            match outcome {
                Err(fault) if fault.is_limit() => return Err(fault),
                Err(fault) => worst = worst.or(Some(fault)),
                Ok(()) => (),
            }
        }
        let missing = self.size.saturating_sub(output.len());
        if worst.is_none() && missing > 0 && !output.is_empty() {
            output.zeros(missing)?;
        }
        if self.size > 0 {
            output.truncate(self.size);
        }
        if worst.is_none() && self.hash.len() == 32 && Sha256::digest(output.as_slice()).as_slice() != self.hash {
            worst = Some(Fault::Checksum("the SHA-256 of the partition does not fit".to_owned()));
        }
        Ok(children.made_with(self.name, output, Attributes::default(), worst.as_ref())?)
    }
}

/// What all operations share.
struct Work<'a> {
    bytes: Bytes<'a>,
    header: &'a Header,
    /// Bytes of a block.
    block: u64,
    effort: Effort<'a>,
}

/// `InstallOperation`: 1 type, 2 offset and 3 length of its data, 6 where it goes (extents: 1 first block, 2 blocks), 8 SHA-256 of the data.
#[derive(Default)]
struct Operation<'a> {
    kind: u64,
    data: Span,
    extents: Vec<Span>,
    hash: &'a [u8],
}

impl<'a> Operation<'a> {
    fn read(bytes: Bytes<'a>, message: Span) -> Self {
        let mut operation = Self::default();
        for (field, value) in Fields::new(bytes, message) {
            match (field, value) {
                (1, Value::Number(kind)) => operation.kind = kind,
                (2, Value::Number(offset)) => operation.data.start = offset,
                (3, Value::Number(length)) => operation.data.length = length,
                (6, Value::Bytes(extent)) => {
                    let mut blocks = Span::default();
                    for part in Fields::new(bytes, extent) {
                        match part {
                            (1, Value::Number(first)) => blocks.start = first,
                            (2, Value::Number(count)) => blocks.length = count,
                            _ => (),
                        }
                    }
                    operation.extents.push(blocks);
                }
                (8, Value::Bytes(hash)) => operation.hash = bytes.up_to(hash.start, hash.length),
                _ => (),
            }
        }
        operation
    }

    /// Writes what it says to `output`. Holes are zero anyway.
    fn apply(&self, work: &mut Work<'_>, output: &mut Output<'_>) -> Result<(), Fault> {
        let block = work.block;
        let codec = match self.kind {
            0 => None,
            1 => Some(Codec::Bzip2),
            8 => Some(Codec::Xz),
            6 | 7 => return Ok(()),
            kind => return Err(Fault::unsupported(format!("changes of kind {kind} to what the partition was before"))),
        };
        let data = work.bytes.part(Span::new(work.header.data.saturating_add(self.data.start), self.data.length))?.0;
        // Operations may share data, and overwrite what others wrote.
        work.effort.spend(self.data.length)?;
        if self.hash.len() == 32 && Sha256::digest(data).as_slice() != self.hash {
            return Err(Fault::Checksum("the SHA-256 of some of its data does not fit".to_owned()));
        }
        let total = self.extents.iter().fold(0_u64, |total, extent| total.saturating_add(extent.length.saturating_mul(block)));
        let made;
        let mut rest = Bytes(match codec {
            None => data,
            Some(codec) => {
                made = codec.block(data, total.min(most_output(data)))?;
                work.effort.spend(crate::format::length_of(&made))?;
                &made
            }
        });
        for extent in &self.extents {
            let piece = rest.up_to(0, extent.length.saturating_mul(block));
            output.write_at(extent.start.saturating_mul(block), piece)?;
            rest = Bytes(rest.tail(crate::format::length_of(piece)));
        }
        Ok(())
    }
}

/// The most that one operation may unpack to: they are made of pieces of a few megabytes.
fn most_output(data: &[u8]) -> u64 {
    crate::format::length_of(data).saturating_mul(2048).saturating_add(64 << 20).min(1 << 30)
}

#[cfg(test)]
mod tests;
