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
    limitations: &["versions before 16 (before 2005) are not recognized", "partitions of flash that have no label are not said"],
};

impl Format for Dtb {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn carve<'b>(&self, blob: &Blob, start: u64, _: &'b Budget) -> Result<Carved<'b>, Rejected> {
        let tree = Tree::read(Bytes(blob.bytes().tail(start)))?;
        Ok(Carved::new(tree.total, start, blob))
    }

    /// Says what the root node says of itself: `model`, and each string of `compatible`. And what the partitions of flash are called.
    fn unpack(&self, blob: &Blob, children: &mut Children<'_>) -> Result<(), Fault> {
        let bytes = blob.bytes();
        let tree = Tree::read(bytes).map_err(|rejected| Fault::corrupt(rejected.0))?;
        let mut depth = 0_u32;
        let mut flash = Flash::default();
        for token in tree.tokens() {
            let token = token?;
            flash.take(bytes, &token, children);
            match token {
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

/// The partitions of flash: nodes in one that is compatible with `fixed-partitions`, and in older trees all that are called `partition@…`.
#[derive(Default)]
struct Flash {
    nodes: Vec<Node>,
}

/// A node that has not ended.
#[derive(Default)]
struct Node {
    /// Whether what is in it are partitions, and whether it is one.
    holds: bool,
    is: bool,
    reg: bool,
    label: Option<Span>,
}

impl Flash {
    /// Says the label of a partition once it is known where in the flash that is.
    fn take(&mut self, bytes: Bytes<'_>, token: &Token<'_>, children: &mut Children<'_>) {
        match token {
            Token::Begin(name) => {
                let is = name.starts_with(b"partition@") || self.nodes.last().is_some_and(|node| node.holds);
                self.nodes.push(Node { is, ..Node::default() });
            }
            Token::End => drop(self.nodes.pop()),
            Token::Property(name, value) => {
                let Some(node) = self.nodes.last_mut() else { return };
                match *name {
                    b"compatible" => node.holds = bytes.up_to(value.start, value.length).split(|byte| *byte == 0).any(|one| one == FIXED),
                    // Start and size, of one cell or of two.
                    b"reg" if node.is => node.reg = matches!(value.length, 8 | 12 | 16),
                    b"label" if node.is => node.label = Some(*value),
                    _ => return,
                }
                if let Some(label) = node.label.filter(|_| node.reg) {
                    node.label = None;
                    strings(bytes, label, "mtd.partition", children);
                }
            }
        }
    }
}

const FIXED: &[u8] = b"fixed-partitions";

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
    fn partitions_of_flash_are_said() {
        if crate::testing::lacking(&["dtc"]) {
            return;
        }
        let source = r#"/dts-v1/;
            / {
                chosen { bootargs = "mtdparts=spi0.0:1m(command-line)"; };
                flash@0 {
                    #address-cells = <1>; #size-cells = <1>;
                    partition@0 { label = "u-boot"; reg = <0 0x40000>; read-only; };
                    partitions {
                        compatible = "fixed-partitions"; #address-cells = <1>; #size-cells = <1>;
                        art@3f0000 { reg = <0x3f0000 0x10000>; label = "art"; };
                        partition@1 { label = "without a place"; };
                    };
                };
                led@0 { label = "green"; reg = <0 1>; };
            };"#;
        let unpacked = unpack(&Dtb, &dtc(source, "17"));
        let said: Vec<_> = unpacked.facts.iter().map(|fact| (fact.key, std::str::from_utf8(&fact.value).unwrap())).collect();
        assert_eq!(said, [("mtd.partition", "u-boot"), ("mtd.partition", "art")], "the analyzer reads command lines");
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
