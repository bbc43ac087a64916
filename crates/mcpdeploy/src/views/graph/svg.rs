//! An SVG that stands for itself: light and dark, with names for screen readers.

use std::collections::BTreeMap;

use super::place::{Drawing, MARGIN, NODE_HEIGHT, place};
use super::{GraphNode, GraphView, class, colours, escaped};
use crate::views::style::Theme;
use crate::views::text;
use crate::views::words;

const LEGEND: f64 = 34.0;
const CLASSES: [&str; 8] = [
    "create", "adopt", "update", "replace", "publish", "delete", "forget", "same",
];
/// Names and kinds longer than this are cut; the tooltip has them whole.
const NAME: usize = 42;
const KIND: usize = 56;
const THEME: Theme = Theme {
    color: false,
    unicode: true,
    width: 80,
};

/// The graph as an SVG document.
pub(crate) fn svg(view: &GraphView, title: &str) -> String {
    let drawing = place(view);
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for node in &view.nodes {
        let class = class(node.action);
        *counts
            .entry(
                CLASSES
                    .iter()
                    .position(|c| *c == class)
                    .unwrap_or(CLASSES.len() - 1),
            )
            .or_default() += 1;
    }
    let acts = view.nodes.iter().any(|node| node.action.is_some());
    let legend = if acts { LEGEND } else { 0.0 };
    let (legend_text, legend_width) = legend_of(&counts, drawing.height);
    let width = drawing
        .width
        .max(240.0)
        .max(if acts { legend_width } else { 0.0 });
    let height = drawing.height.max(96.0) + legend;

    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"mcpdeploy-graph\" role=\"img\" \
         aria-labelledby=\"graph-title graph-desc\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\">\n"
    );
    out.push_str(&format!(
        "<title id=\"graph-title\">{}</title>\n",
        escaped(title)
    ));
    out.push_str(&format!(
        "<desc id=\"graph-desc\">{}</desc>\n",
        escaped(&description(view))
    ));
    out.push_str(&style());
    out.push_str(
        "<defs><marker id=\"mcpdeploy-arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" \
         markerHeight=\"7\" orient=\"auto-start-reverse\"><path class=\"head\" d=\"M0 0.8 L8 4 L0 7.2 z\"/></marker></defs>\n",
    );
    out.push_str(&format!(
        "<rect class=\"ground\" width=\"{width:.0}\" height=\"{height:.0}\"/>\n"
    ));
    for points in &drawing.edges {
        out.push_str(&edge(points));
    }
    out.push_str(&nodes(view, &drawing));
    if view.nodes.is_empty() {
        out.push_str(&format!(
            "<text class=\"kind\" x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"middle\">no resources</text>\n",
            width / 2.0,
            height / 2.0
        ));
    }
    if acts {
        out.push_str(&legend_text);
    }
    out.push_str("</svg>\n");
    out
}

fn description(view: &GraphView) -> String {
    let mut out = format!(
        "{} with {} between them. What is needed first stands on the left.",
        words::count(view.nodes.len(), "resource"),
        words::count(view.drawable().count(), "edge")
    );
    for node in view
        .nodes
        .iter()
        .filter(|node| node.action.is_some())
        .take(40)
    {
        out.push_str(&format!(" {}: {}.", node.id, class(node.action)));
    }
    out
}

fn style() -> String {
    let mut light = String::new();
    let mut dark = String::new();
    for class in CLASSES {
        let [border, surface, dark_border, dark_surface] = colours(class);
        light.push_str(&format!(
            ".mcpdeploy-graph .{class} rect{{fill:{surface};stroke:{border}}}.mcpdeploy-graph .{class} .sign{{fill:{border}}}\n"
        ));
        dark.push_str(&format!(
            ".mcpdeploy-graph .{class} rect{{fill:{dark_surface};stroke:{dark_border}}}.mcpdeploy-graph .{class} .sign{{fill:{dark_border}}}\n"
        ));
    }
    format!(
        "<style>\n\
         .mcpdeploy-graph{{font-family:system-ui,-apple-system,\"Segoe UI\",Roboto,\"Helvetica Neue\",Arial,sans-serif}}\n\
         .mcpdeploy-graph .ground{{fill:#ffffff}}\n\
         .mcpdeploy-graph .edge{{fill:none;stroke:#8c959f;stroke-width:1.4}}\n\
         .mcpdeploy-graph .head{{fill:#8c959f}}\n\
         .mcpdeploy-graph rect{{stroke-width:1.4}}\n\
         .mcpdeploy-graph .name{{font-size:14px;font-weight:600;fill:#1f2328}}\n\
         .mcpdeploy-graph .kind{{font-size:10.5px;fill:#59636e}}\n\
         .mcpdeploy-graph .sign{{font-size:15px;font-weight:700}}\n\
         .mcpdeploy-graph .delete .name{{text-decoration:line-through}}\n\
         {light}\
         @media (prefers-color-scheme: dark){{\n\
         .mcpdeploy-graph .ground{{fill:#0d1117}}\n\
         .mcpdeploy-graph .edge{{stroke:#6e7681}}\n\
         .mcpdeploy-graph .head{{fill:#6e7681}}\n\
         .mcpdeploy-graph .name{{fill:#e6edf3}}\n\
         .mcpdeploy-graph .kind{{fill:#9198a1}}\n\
         {dark}}}\n\
         </style>\n"
    )
}

/// A curve from column to column, straight through the columns between.
fn edge(points: &[(f64, f64)]) -> String {
    let Some((&(x, y), rest)) = points.split_first() else {
        return String::new();
    };
    let mut path = format!("M{x:.1} {y:.1}");
    let (mut x, mut y) = (x, y);
    for (index, &(to_x, to_y)) in rest.iter().enumerate() {
        if index % 2 == 0 {
            let middle = f64::midpoint(x, to_x);
            path.push_str(&format!(
                " C{middle:.1} {y:.1} {middle:.1} {to_y:.1} {to_x:.1} {to_y:.1}"
            ));
        } else {
            path.push_str(&format!(" L{to_x:.1} {to_y:.1}"));
        }
        (x, y) = (to_x, to_y);
    }
    format!("<path class=\"edge\" marker-end=\"url(#mcpdeploy-arrow)\" d=\"{path}\"/>\n")
}

fn nodes(view: &GraphView, drawing: &Drawing) -> String {
    let mut out = String::new();
    for (node, spot) in view.nodes.iter().zip(&drawing.nodes) {
        let (x, y, width) = (spot.x, spot.y, spot.width);
        out.push_str(&format!("<g class=\"{}\">", class(node.action)));
        out.push_str(&format!("<title>{}</title>", escaped(&tooltip(node))));
        out.push_str(&format!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{NODE_HEIGHT:.0}\" rx=\"8\"/>"
        ));
        out.push_str(&format!(
            "<text class=\"kind\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            x + 12.0,
            y + 17.0,
            escaped(&text::cut(&node.kind, KIND, &THEME))
        ));
        out.push_str(&format!(
            "<text class=\"name\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            x + 12.0,
            y + 35.0,
            escaped(&text::cut(&node.label, NAME, &THEME))
        ));
        if let Some(action) = node.action {
            out.push_str(&format!(
                "<text class=\"sign\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                x + width - 10.0,
                y + 35.0,
                escaped(words::sign(action, &THEME))
            ));
        }
        out.push_str("</g>\n");
    }
    out
}

fn tooltip(node: &GraphNode) -> String {
    match node.action {
        Some(action) => format!("{}: {}", node.id, words::verb(action)),
        None => node.id.clone(),
    }
}

/// What the colours mean, and how many there are of each; and how wide that is.
fn legend_of(counts: &BTreeMap<usize, usize>, top: f64) -> (String, f64) {
    let mut out = String::new();
    let mut x = MARGIN;
    let y = top + 2.0;
    for (class, count) in counts {
        let class = CLASSES[*class];
        let words = if class == "same" {
            format!("{count} unchanged")
        } else {
            format!("{count} to {class}")
        };
        out.push_str(&format!(
            "<g class=\"{class}\"><rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"14\" height=\"14\" rx=\"4\"/>\
             <text class=\"kind\" x=\"{:.1}\" y=\"{:.1}\">{words}</text></g>\n",
            x + 20.0,
            y + 11.0
        ));
        x += 20.0 + super::layers::as_f64(words.len()) * 6.1 + 18.0;
    }
    (out, x)
}
