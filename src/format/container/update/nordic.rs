//! What Nordic's boot loaders are told of the program that comes next: the init packet of a firmware update.

use crate::blob::{Bytes, Span};
use crate::format::header::{Header, Image};
use crate::format::{Kind, Magic, Spec};
use crate::problem::Rejected;

static SPEC: Spec = Spec {
    id: "nordic-dfu-init",
    name: "Nordic DFU init packet",
    kind: Kind::Container,
    // The tag of the only field there is: a command, or one with a signature.
    magics: &[Magic::start(&[0x0a]), Magic::start(&[0x12])],
    leaf: true,
    references: &["https://github.com/NordicSemiconductor/pc-nrfutil/blob/master/nordicsemi/dfu/dfu-cc.proto"],
    limitations: &[
        "only as a whole file",
        "versions, sizes and the hash of the program are not said: the program stands beside it, and is not compared",
        "packets from before SDK 12, which are a few numbers without a mark, are not recognized",
    ],
};

/// Init packet.
pub(in crate::format) static INIT: Header = Header { spec: &SPEC, read };

/// More than any packet has.
const LONGEST: u64 = 1024;

/// A field of a message: its number, and what it holds.
struct Field {
    number: u64,
    value: Value,
}

enum Value {
    Number(u64),
    Bytes(Span),
}

/// All fields of the message at `span`.
fn fields(bytes: Bytes<'_>, span: Span) -> Result<Vec<Field>, Rejected> {
    let mut at = span.start;
    let mut all: Vec<Field> = Vec::new();
    while at < span.end() {
        let (tag, next) = number(bytes, at)?;
        let (value, next) = number(bytes, next)?;
        let (value, next) = match tag & 7 {
            0 => (Value::Number(value), next),
            2 => (Value::Bytes(Span::new(next, value)), next.saturating_add(value)),
            _ => return Err(Rejected("the kind of a field")),
        };
        let number = tag >> 3;
        if next > span.end() || number == 0 || all.last().is_some_and(|last| last.number > number) {
            return Err(Rejected("a field"));
        }
        all.push(Field { number, value });
        at = next;
    }
    Ok(all)
}

/// A number, seven bits a byte, the lowest first, and where it ends.
fn number(bytes: Bytes<'_>, start: u64) -> Result<(u64, u64), Rejected> {
    let (mut value, mut at) = (0_u64, start);
    for shift in [0, 7, 14, 21, 28] {
        let byte = bytes.u8(at)?;
        at = at.saturating_add(1);
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok((value, at));
        }
    }
    Err(Rejected("a number"))
}

/// Packet: 1 command, or 2 signed command (1 command, 2 kind of signature, 3 signature). Command: 1 what to do (1 is init), 2 init.
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let whole = Span::new(0, bytes.len());
    if whole.length > LONGEST {
        return Err(Rejected("too long"));
    }
    let packet = fields(bytes, whole)?;
    let command = match packet.as_slice() {
        [Field { number: 1, value: Value::Bytes(command) }] => *command,
        [Field { number: 2, value: Value::Bytes(signed) }] => match fields(bytes, *signed)?.as_slice() {
            [
                Field { number: 1, value: Value::Bytes(command) },
                Field { number: 2, value: Value::Number(0 | 1) },
                Field { number: 3, value: Value::Bytes(Span { length: 64, .. }) },
            ] => *command,
            _ => return Err(Rejected("the signed command")),
        },
        _ => return Err(Rejected("more or other than one command")),
    };
    match fields(bytes, command)?.as_slice() {
        [Field { number: 1, value: Value::Number(1) }, Field { number: 2, value: Value::Bytes(init) }] if is_init(bytes, *init)? => {
            Ok(Image::of(whole.length))
        }
        _ => Err(Rejected("another command")),
    }
}

/// Init: 1 version of the firmware, 2 of the hardware, 3 list of SoftDevices, 4 kind, 5 to 7 sizes, 8 hash (1 kind, 2 bytes), 9 whether it is for
/// debugging, 10 list of checks (1 kind, 2 bytes). A hash and a size are always there.
fn is_init(bytes: Bytes<'_>, span: Span) -> Result<bool, Rejected> {
    let (mut hash, mut size) = (false, false);
    for Field { number, value } in fields(bytes, span)? {
        match (number, value) {
            (5..=7, Value::Number(bytes)) => size |= bytes > 0,
            (8, Value::Bytes(inner)) => hash = is_hash(bytes, inner)?,
            (10, Value::Bytes(inner)) => drop(fields(bytes, inner)?),
            (1 | 2 | 4 | 9, Value::Number(_)) | (3, _) => (),
            _ => return Ok(false),
        }
    }
    Ok(hash && size)
}

/// SHA-256, which is the only one that boot loaders take.
fn is_hash(bytes: Bytes<'_>, span: Span) -> Result<bool, Rejected> {
    let fields = fields(bytes, span)?;
    let is_sha256 = |value: &Value| matches!(value, Value::Bytes(Span { length: 32, .. }));
    Ok(matches!(fields.as_slice(), [Field { number: 1, value: Value::Number(3) }, Field { number: 2, value }] if is_sha256(value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack};

    #[test]
    fn packets_are_known_as_a_whole() {
        for image in [
            include_bytes!("../../../../fixtures/nordic-dfu-init/signed.dat").as_slice(),
            include_bytes!("../../../../fixtures/nordic-dfu-init/unsigned.dat"),
        ] {
            assert_eq!(carve(&INIT, image, 0), Some(image.len() as u64));
            assert_eq!(unpack(&INIT, image).problems, []);
            assert_eq!(carve(&INIT, &image[..image.len() - 1], 0), None);
            assert_eq!(carve(&INIT, &[image, b"\n"].concat(), 0), None);
            survives_damage(&INIT, image);
        }
        assert_eq!(carve(&INIT, b"\n\nA text that begins with an empty line.\n", 0), None);
    }
}
