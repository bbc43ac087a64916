//! The graph of a plan or a state as a picture: for Graphviz, for Mermaid, and as an SVG of our
//! own drawing.
//!
//! An edge goes from what comes first to what needs it.

mod dot;
mod layers;
mod mermaid;
mod place;
mod svg;

use mcpdeploy_engine::plan::Action;

pub(crate) use dot::dot;
pub(crate) use mermaid::mermaid;
pub(crate) use svg::svg;

/// A graph, whatever it was made from.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct GraphView {
    /// What is in it.
    pub(crate) nodes: Vec<GraphNode>,
    /// By place in `nodes`: what comes first, what needs it.
    pub(crate) edges: Vec<(usize, usize)>,
}

/// A resource in a graph.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GraphNode {
    /// Its address.
    pub(crate) id: String,
    /// Its name.
    pub(crate) label: String,
    /// Its kind.
    pub(crate) kind: String,
    /// What happens to it, if anything.
    pub(crate) action: Option<Action>,
}

impl GraphView {
    /// The edges that can be drawn: between two nodes that are there.
    fn drawable(&self) -> impl Iterator<Item = (usize, usize)> {
        let count = self.nodes.len();
        let edges = self.edges.iter().copied();
        edges.filter(move |(from, to)| from != to && *from < count && *to < count)
    }
}

/// What happens to a node, as a name for classes and colours.
fn class(action: Option<Action>) -> &'static str {
    match action {
        None => "same",
        Some(Action::Create) => "create",
        Some(Action::Adopt) => "adopt",
        Some(Action::Update) => "update",
        Some(Action::Replace { .. }) => "replace",
        Some(Action::Publish) => "publish",
        Some(Action::Delete | Action::DeleteReplaced) => "delete",
        Some(Action::Forget) => "forget",
    }
}

/// The colours of a class: border and surface on light ground, border and surface on dark.
fn colours(class: &str) -> [&'static str; 4] {
    match class {
        "create" => ["#1a7f37", "#e6f6ea", "#56d364", "#12261a"],
        "publish" => ["#0b7285", "#e3f6f9", "#3bc9db", "#0e2429"],
        "update" => ["#9a6700", "#fdf4dc", "#e3b341", "#2b2110"],
        "replace" => ["#bc4c00", "#fdeee2", "#f0883e", "#2d1a0c"],
        "delete" => ["#cf222e", "#fdebec", "#ff7b72", "#2f1416"],
        "adopt" => ["#0969da", "#e6f1fd", "#6cb6ff", "#0f2036"],
        "forget" => ["#8250df", "#f3ecfd", "#bc8cff", "#221833"],
        _ => ["#8c959f", "#f6f8fa", "#6e7681", "#1c2128"],
    }
}

/// Text inside XML. Characters that XML cannot hold at all are left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() && c != '\n' => {}
            '\u{fffe}' | '\u{ffff}' => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests;
