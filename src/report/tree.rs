//! The tree of artifacts as lines of text: what is in what, where, of which format, how large, and whose.

use std::fmt::Write as _;

use super::text::size;
use super::{ArtifactLine, Report};

/// Columns that the place and the name of an artifact have, before what it is.
const NAME: usize = 64;

/// One line an artifact, in preorder, each level two columns further in.
pub fn lines(report: &Report) -> Vec<String> {
    let mut depths: Vec<usize> = Vec::with_capacity(report.artifacts.len());
    let mut lines = Vec::with_capacity(report.artifacts.len());
    for artifact in &report.artifacts {
        let above = artifact.parent.and_then(|parent| depths.get(parent));
        let depth = above.map_or(0, |depth| depth.saturating_add(1));
        depths.push(depth);
        lines.push(line(artifact, depth));
    }
    lines
}

fn line(artifact: &ArtifactLine, depth: usize) -> String {
    let place = artifact.span.as_ref().map_or_else(String::new, |span| format!("{:#x} ", span.start));
    let name = match (artifact.parent, artifact.name.as_str()) {
        (None, _) => "image",
        (_, "") if artifact.span.is_none() => "content",
        (_, name) => name,
    };
    let head = format!("{:indent$}{place}{name}", "", indent = depth.saturating_mul(2));
    let what = artifact.format.unwrap_or(artifact.context);
    let mut text = format!("{:NAME$}  {what}, {}", head.trim_end(), size(artifact.size));
    for one in artifact.attributions.iter().filter(|one| !matches!(one.role, "mentioned" | "depends-on")) {
        let component = one.component.as_deref().unwrap_or(one.role);
        let version = one.version.as_deref().map_or_else(String::new, |version| format!(" {version}"));
        let _ = write!(text, "; {} {component}{version} ({})", one.supplier, one.confidence);
    }
    text
}
