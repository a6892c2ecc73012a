//! The table of an encrypted image, in MessagePack.

use crate::blob::{Bytes, Endian, Span};
use crate::problem::Rejected;

/// What the table says.
pub(super) struct Table {
    /// What the key is made of.
    pub(super) number: u64,
    pub(super) context: [u8; 8],
    /// Where each entry stands, and the BLAKE2b sum of it.
    pub(super) entries: Vec<(Span, [u8; 32])>,
}

/// More entries than any image has, and bytes than any table.
const MOST: u64 = 4096;
const LARGEST: u64 = 1 << 20;

/// Bytes of the signature behind the table.
const SIGNATURE: u64 = 64;

/// A value of MessagePack, as far as it stands in such tables.
enum Value {
    List(u64),
    Number(u64),
    Bytes(Span),
}

/// ```text
/// 0 kind of image   1 magic ad be ef   4 size of the table, little endian   8 table: [header, [[size, sum], …]]   signature   entries
/// header: 10 number, little endian   18 context, 7 bytes: what the key is made of
/// ```
pub(super) fn read(bytes: Bytes<'_>) -> Result<Table, Rejected> {
    let size = u64::from(bytes.u32(4, Endian::Little)?);
    if size > LARGEST || !bytes.has(1, b"\xad\xbe\xef") {
        return Err(Rejected("the size of the table"));
    }
    let text = bytes.part(Span::new(8, size))?;
    let mut at = 0;
    let (Value::List(2), Value::Bytes(header)) = (value(text, &mut at)?, value(text, &mut at)?) else {
        return Err(Rejected("the header"));
    };
    let header = text.part(header)?;
    let Value::List(count @ 1..=MOST) = value(text, &mut at)? else { return Err(Rejected("the number of entries")) };
    let (mut entries, mut start) = (Vec::new(), size.saturating_add(8).saturating_add(SIGNATURE));
    for _ in 0..count {
        let (Value::List(2), Value::Number(length), Value::Bytes(sum)) =
            (value(text, &mut at)?, value(text, &mut at)?, value(text, &mut at)?)
        else {
            return Err(Rejected("an entry"));
        };
        let span = Span::new(start, length);
        entries.push((span, text.part(sum)?.array(0)?));
        start = span.end();
    }
    let mut context: [u8; 8] = header.array(24)?;
    context.last_mut().into_iter().for_each(|byte| *byte = 0);
    Ok(Table { number: header.u64(16, Endian::Little)?, context, entries })
}

/// The value at `at`, which then is that of the next one.
fn value(text: Bytes<'_>, at: &mut u64) -> Result<Value, Rejected> {
    let (start, kind) = (*at, text.u8(*at)?);
    let one = start.saturating_add(1);
    // Behind the kind stands a number of this many bytes.
    let size = match kind {
        0xc4 | 0xcc => 1,
        0xc5 | 0xcd | 0xdc => 2,
        0xc6 | 0xce | 0xdd => 4,
        0xcf => 8,
        _ => 0,
    };
    *at = one.saturating_add(size);
    let number = || text.get(one, size).map(|bytes| bytes.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte)));
    Ok(match kind {
        0..=0x7f => Value::Number(kind.into()),
        0x90..=0x9f => Value::List(u64::from(kind & 15)),
        0xdc | 0xdd => Value::List(number()?),
        0xcc..=0xcf => Value::Number(number()?),
        0xc4..=0xc6 => {
            let span = Span::new(*at, number()?);
            *at = span.end();
            Value::Bytes(span)
        }
        _ => return Err(Rejected("a value of another kind")),
    })
}
