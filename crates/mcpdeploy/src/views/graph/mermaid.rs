//! For Mermaid: what pull requests and wikis draw.

use std::collections::BTreeSet;

use super::{GraphView, class, colours};

/// The graph as a Mermaid flowchart.
pub(crate) fn mermaid(view: &GraphView) -> String {
    let mut out = String::from("flowchart LR\n");
    for (index, node) in view.nodes.iter().enumerate() {
        out.push_str(&format!(
            "  n{index}[\"{}<br/><b>{}</b>\"]:::{}\n",
            entities(&node.kind),
            entities(&node.label),
            class(node.action)
        ));
    }
    for (from, to) in view.drawable() {
        out.push_str(&format!("  n{from} --> n{to}\n"));
    }
    let classes: BTreeSet<&str> = view.nodes.iter().map(|node| class(node.action)).collect();
    for class in classes {
        let [border, surface, _, _] = colours(class);
        out.push_str(&format!(
            "  classDef {class} fill:{surface},stroke:{border},color:#1f2328\n"
        ));
    }
    out
}

/// Mermaid reads entities as `#name;`. Whatever could end or change a label becomes one.
fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ' | '/' | ':') => {
                out.push(c)
            }
            c if c.is_control() => out.push(' '),
            c => out.push_str(&format!("#{};", u32::from(c))),
        }
    }
    out
}
