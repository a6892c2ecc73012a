//! Nodes in nodes become a row in preorder.

use super::Node;
use crate::artifact::{Artifact, ArtifactId};

/// Numbers all artifacts and lays them out in preorder.
pub(super) fn flatten(root: Node) -> Vec<Artifact> {
    let mut all: Vec<Artifact> = Vec::new();
    let mut stack: Vec<(Option<ArtifactId>, Node)> = vec![(None, root)];
    while let Some((parent, Node { mut artifact, children })) = stack.pop() {
        artifact.id = all.len();
        artifact.parent = parent;
        stack.extend(children.into_iter().rev().map(|child| (Some(artifact.id), child)));
        all.push(artifact);
    }
    all
}
