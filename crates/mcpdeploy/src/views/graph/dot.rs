//! For Graphviz.

use super::{GraphView, class, colours, escaped};

/// The graph in Graphviz' language.
pub(crate) fn dot(view: &GraphView, title: &str) -> String {
    let quoted = title
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace(['\n', '\r'], " ");
    let mut out = format!("digraph \"{quoted}\" {{\n");
    out.push_str("  rankdir=LR;\n  nodesep=0.25;\n  ranksep=0.7;\n");
    out.push_str("  node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica\", fontsize=12, margin=\"0.15,0.08\"];\n");
    out.push_str("  edge [color=\"#8c959f\", arrowsize=0.7];\n");
    for (index, node) in view.nodes.iter().enumerate() {
        let [border, surface, _, _] = colours(class(node.action));
        out.push_str(&format!(
            "  n{index} [label=<<font point-size=\"9\">{}</font><br/>{}>, tooltip=\"{}\", color=\"{border}\", fillcolor=\"{surface}\"];\n",
            escaped(&node.kind),
            escaped(&node.label),
            escaped(&node.id),
        ));
    }
    for (from, to) in view.drawable() {
        out.push_str(&format!("  n{from} -> n{to};\n"));
    }
    out.push_str("}\n");
    out
}
