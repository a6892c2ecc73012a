//! Chunks cover a blob exactly once, whatever it holds.

use std::io::Write;

use super::*;
use crate::limits::Limits;

fn chunks(bytes: &[u8]) -> Vec<(u64, u64, &'static str)> {
    let budget = Budget::new(Limits::default(), std::sync::Arc::default());
    let blob = Blob::new(bytes.to_vec());
    let mut chunks = Vec::new();
    let mut found = |span: Span, content: Content<'_>| {
        let name = match content {
            Content::Format(row, _) => FORMATS[row].spec().id,
            Content::Padding => "padding",
            Content::Unknown => "unknown",
        };
        chunks.push((span.start, span.length, name));
        Ok(())
    };
    scan(&blob, &budget, &mut found).unwrap();
    let mut at = 0;
    for (start, length, _) in &chunks {
        assert_eq!(*start, at, "{chunks:?}");
        assert!(*length > 0);
        at += length;
    }
    assert_eq!(at, blob.len(), "{chunks:?}");
    chunks
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn gaps_become_padding_and_unknown() {
    let stream = gz(b"a text that is packed");
    let length = to_u64(stream.len());
    assert_eq!(chunks(&[]), []);
    assert_eq!(chunks(&[0xff; 100]), [(0, 100, "padding")]);
    assert_eq!(chunks(&stream), [(0, length, "gzip")]);
    let image = [b"a loader of sorts".as_slice(), &[0xff; 111], &stream, &[0; 64], b"the end"].concat();
    assert_eq!(
        chunks(&image),
        [(0, 17, "unknown"), (17, 111, "padding"), (128, length, "gzip"), (128 + length, 64, "padding"), (192 + length, 7, "unknown")]
    );
}

#[test]
fn false_starts_hide_nothing() {
    let stream = gz(b"a text that is packed");
    let image = [[0x1f, 0x8b, 8, 0].repeat(10), stream.clone()].concat();
    assert_eq!(chunks(&image), [(0, 40, "unknown"), (40, to_u64(stream.len()), "gzip")]);
}

#[test]
fn many_small_chunks_in_a_row_are_all_found() {
    let stream = gz(b"a text that is packed");
    let image = [stream.clone(), vec![0xee; 5]].concat().repeat(500);
    let found = chunks(&image);
    assert_eq!(found.iter().filter(|(_, length, name)| *name == "gzip" && *length == to_u64(stream.len())).count(), 500);
}
