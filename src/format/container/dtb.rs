//! Flattened device trees: what hardware a kernel finds itself on.

use crate::blob::{Blob, Bytes, Span};
use crate::format::{Carved, Children, Format, Kind, Magic, Spec};
use crate::limits::Budget;
use crate::problem::{Fault, Rejected};

pub(super) mod tree;

use tree::{MAGIC, Token, Tree};

/// Flattened device tree, version 16 or 17.
#[derive(Debug)]
pub(super) struct Dtb;

static SPEC: Spec = Spec {
    id: "dtb",
    name: "flattened device tree",
    kind: Kind::Container,
    magics: &[Magic::anywhere(MAGIC)],
    leaf: true,
    references: &["https://devicetree-specification.readthedocs.io/en/stable/flattened-format.html"],
    limitations: &["versions before 16 (before 2005) are not recognized"],
};

impl Format for Dtb {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let tree = Tree::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(tree.total, start, blob))
    }

    /// Says what the root node says of itself: `model`, and each string of `compatible`.
    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let tree = Tree::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let mut depth = 0_u32;
        for token in tree.tokens() {
            match token? {
                Token::Begin(_) => depth = depth.saturating_add(1),
                Token::End => depth = depth.saturating_sub(1),
                Token::Property(b"model", value) if depth == 1 => strings(bytes, value, "device-tree.model", children),
                Token::Property(b"compatible", value) if depth == 1 => strings(bytes, value, "device-tree.compatible", children),
                Token::Property(..) => (),
            }
        }
        Ok(())
    }
}

/// More strings than the list of any board holds.
const MOST_STRINGS: usize = 256;

/// Says each string of a property: text up to a NUL, one after the other.
pub(super) fn strings(bytes: Bytes<'_>, value: Span, key: &'static str, children: &mut Children<'_>) {
    let mut at = value.start;
    for text in bytes.up_to(value.start, value.length).split(|byte| *byte == 0).take(MOST_STRINGS) {
        let length = crate::format::length_of(text);
        if length > 0 {
            children.fact(key, text, Span::new(at, length));
        }
        at = at.saturating_add(length).saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::format::testing::{carve, survives_damage, tool, unpack, unpack_at};
    use crate::problem::Code;

    const SOURCE: &str = r#"/dts-v1/;
        / {
            model = "HiSilicon HI3516CV300 DEMO Board";
            compatible = "hisilicon,hi3516cv300-demo", "hisilicon,hi3516cv300";
            #address-cells = <1>;
            soc { model = "not the root's"; compatible = "simple-bus"; uart@12100000 { compatible = "arm,pl011"; }; };
        };"#;

    fn dtc(source: &str, version: &str) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("board.dts");
        std::fs::write(&path, source).unwrap();
        tool(Command::new("dtc").args(["-I", "dts", "-O", "dtb", "-V", version]).arg(path))
    }

    #[test]
    fn the_root_says_what_it_is() {
        if crate::testing::lacking(&["dtc"]) {
            return;
        }
        for version in ["16", "17"] {
            let tree = dtc(SOURCE, version);
            let image = [b"kernel".to_vec(), tree.clone(), b"more".to_vec()].concat();
            assert_eq!(carve(&Dtb, &image, 6), Some(tree.len() as u64));
            let unpacked = unpack_at(&Dtb, &image, 6);
            let facts: Vec<_> = unpacked.facts.iter().map(|fact| (fact.key, std::str::from_utf8(&fact.value).unwrap())).collect();
            assert_eq!(
                facts,
                [
                    ("device-tree.model", "HiSilicon HI3516CV300 DEMO Board"),
                    ("device-tree.compatible", "hisilicon,hi3516cv300-demo"),
                    ("device-tree.compatible", "hisilicon,hi3516cv300"),
                ]
            );
            for fact in &unpacked.facts {
                let (start, length) = (usize::try_from(fact.span.start).unwrap(), usize::try_from(fact.span.length).unwrap());
                assert_eq!(&tree[start..start + length], fact.value, "the fact stands where it says");
            }
            assert_eq!((unpacked.files.len(), unpacked.problems.len()), (0, 0));
        }
    }

    #[test]
    fn a_truncated_tree_is_a_problem() {
        if crate::testing::lacking(&["dtc"]) {
            return;
        }
        let mut source = String::from(SOURCE);
        (0..50).for_each(|index| source.push_str(&format!("/ {{ node{index} {{ status = \"okay\"; }}; }};")));
        let tree = dtc(&source, "17");
        let unpacked = unpack(&Dtb, &tree[..tree.len() / 2]);
        assert_eq!(unpacked.problems[0].0, Code::Truncated);
    }

    #[test]
    fn damage_does_no_harm() {
        if crate::testing::lacking(&["dtc"]) {
            return;
        }
        survives_damage(&Dtb, &dtc(SOURCE, "17"));
        assert_eq!(carve(&Dtb, &[MAGIC, &[0; 100]].concat(), 0), None);
    }

    #[test]
    fn nodes_that_never_end_are_walked_without_recursion() {
        let depth = 100_000;
        let mut structure = [1, 0, 0, 0, 0, 0, 0, 0].repeat(depth);
        structure.iter_mut().enumerate().for_each(|(at, byte)| *byte = u8::from(at % 8 == 3));
        structure.extend([0, 0, 0, 2].repeat(depth));
        structure.extend([0, 0, 0, 9]);
        let size = u32::try_from(structure.len()).unwrap();
        let header = [0xd00d_feed, 56 + size, 56, 56 + size, 40, 17, 16, 0, 0, size, 0, 0, 0, 0];
        let tree = [header.iter().flat_map(|word: &u32| word.to_be_bytes()).collect(), structure].concat();
        assert!(unpack(&Dtb, &tree).problems.is_empty());
    }
}
