//! B000FF: the image of Windows CE that Platform Builder writes, in records with addresses.

use crate::blob::{Blob, Bytes, Endian, Span, to_u64};
use crate::format::header::sums::byte_sum;
use crate::format::{Attributes, Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

/// Windows CE image.
#[derive(Debug)]
pub(in crate::format) struct B000ff;

static SPEC: Spec = Spec {
    id: "wince-b000ff",
    name: "Windows CE image (B000FF)",
    kind: Kind::Container,
    magics: &[Magic::anywhere(b"B000FF\n")],
    leaf: false,
    references: &["https://learn.microsoft.com/en-us/previous-versions/windows/embedded/ms924510(v=msdn.10)"],
    limitations: &["the files inside the image are found as programs, not by the table of contents of its ROM"],
};

/// Bytes before the first record, and before the bytes of a record.
const HEADER: u64 = 15;
const RECORD: u64 = 12;
/// Bytes of a record that are looked at to tell whether this is an image at all.
const MOST_SUMMED: u64 = 1 << 16;

impl Format for B000ff {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let bytes = Bytes(blob.bytes().tail(start));
        let image = Image::read(bytes)?;
        let end = image.records(bytes).map(|record| record.data.end()).last().ok_or(Rejected("no records"))?;
        // The record that ends it has an entry point in place of a size.
        let last = bytes.u32(end, Endian::Little) == Ok(0);
        Ok(Carved::new(end.saturating_add(if last { RECORD } else { 0 }), start, blob))
    }

    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let image = Image::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let mut output = children.output();
        let mut end = HEADER;
        for record in image.records(bytes) {
            let data = bytes.up_to(record.data.start, record.data.length);
            if byte_sum(data) != record.sum {
                let message = format!("the checksum of the record for {:#x} does not fit", record.offset.saturating_add(image.start));
                children.problem(&Fault::Checksum(message), Some(record.data.start.saturating_sub(4)));
            }
            output.write_at(record.offset, data)?;
            end = record.data.end();
        }
        if bytes.u32(end, Endian::Little) != Ok(0) {
            children.problem(&Fault::Truncated("the last record is missing".to_owned()), Some(end.min(bytes.len())));
        }
        Ok(children.made(format!("{:#010x}.nb0", image.start), output, Attributes::default())?)
    }
}

/// The header; all numbers little endian: magic "B000FF\n", address, size. A record: address, size, sum of its bytes, bytes; the one that ends it
/// has address 0.
struct Image {
    start: u64,
    length: u64,
}

struct Record {
    /// From the start of the image.
    offset: u64,
    data: Span,
    sum: u32,
}

impl Image {
    fn read(bytes: Bytes<'_>) -> Result<Self, Rejected> {
        let word = |at| bytes.u32(at, Endian::Little).map(u64::from);
        let image = Self { start: word(7)?, length: word(11)? };
        if image.length == 0 || image.length > 1 << 30 || !image.start.is_multiple_of(4) {
            return Err(Rejected("size"));
        }
        // By chance, numbers look like a record now and then: its bytes must fit its sum, or others must stand behind it.
        let (summed, count) = image.records(bytes).take(4).fold((false, 0_u32), |(summed, count), record| {
            let data = bytes.up_to(record.data.start, record.data.length.min(MOST_SUMMED));
            let fits = to_u64(data.len()) == record.data.length && byte_sum(data) == record.sum;
            (summed || fits, count.saturating_add(1))
        });
        if !summed && count < 3 {
            return Err(Rejected("records"));
        }
        Ok(image)
    }

    /// The records in order, up to the first that is none.
    fn records<'a>(&'a self, bytes: Bytes<'a>) -> impl Iterator<Item = Record> + 'a {
        let mut at = HEADER;
        std::iter::from_fn(move || {
            let word = |field: u64| bytes.u32(at.saturating_add(field), Endian::Little);
            let (address, size, sum) = (word(0).ok()?, word(4).ok()?, word(8).ok()?);
            let offset = u64::from(address).checked_sub(self.start)?;
            if size == 0 || offset.saturating_add(size.into()) > self.length {
                return None;
            }
            let data = Span::new(at.saturating_add(RECORD), size.into());
            at = data.end();
            Some(Record { offset, data, sum })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack, unpack_at};
    use crate::problem::Code;

    #[test]
    fn records_become_memory() {
        let image = include_bytes!("../../../../fixtures/wince-b000ff/nk.bin");
        let flash = [vec![0xff; 9], image.to_vec(), vec![0xff; 40]].concat();
        assert_eq!(carve(&B000ff, &flash, 9), Some(image.len() as u64));
        let unpacked = unpack_at(&B000ff, &flash, 9);
        assert_eq!(unpacked.names(), ["0x80040000.nb0"]);
        let memory = unpacked.file("0x80040000.nb0");
        assert!(memory.starts_with(b"\x7fELF"));
        assert!(memory[0x1000..].starts_with(&include_bytes!("../../../../fixtures/content/tree/story.txt")[..100]));
        assert_eq!(unpacked.problems, []);
        survives_damage(&B000ff, image);
    }

    #[test]
    fn damage_is_seen_and_text_is_none() {
        let image = include_bytes!("../../../../fixtures/wince-b000ff/nk.bin");
        let mut broken = image.to_vec();
        broken[60] ^= 1;
        assert_eq!(unpack(&B000ff, &broken).problems[0].0, Code::Checksum);
        assert_eq!(unpack(&B000ff, &image[..image.len() - 14]).problems[0].0, Code::Checksum);
        assert_eq!(carve(&B000ff, b"B000FF\nis how an image of Windows CE begins, and this is a text", 0), None);
    }
}
