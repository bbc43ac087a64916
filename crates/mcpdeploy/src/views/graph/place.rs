//! Where everything stands on the drawing, in pixels.

use super::GraphView;
use super::layers::{Layers, as_f64};
use crate::views::text;

pub(super) const NODE_HEIGHT: f64 = 46.0;
pub(super) const MARGIN: f64 = 24.0;
const GAP_DOWN: f64 = 16.0;
const KNOT_HEIGHT: f64 = 10.0;
/// The room between two columns: a little more where many edges pass.
const GAP_ACROSS: f64 = 56.0;
const GAP_FOR_MANY: f64 = 120.0;
const SWEEPS: usize = 8;

/// A box on the drawing.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Spot {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
}

/// The whole drawing.
#[derive(Debug, Default)]
pub(super) struct Drawing {
    /// One for each node.
    pub(super) nodes: Vec<Spot>,
    /// The points of each edge: pairs of where it enters and leaves a column.
    pub(super) edges: Vec<Vec<(f64, f64)>>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// How wide a node is drawn: by its longer line of text.
fn node_width(label: &str, kind: &str) -> f64 {
    // The name may stand beside the sign of its action.
    let name = as_f64(text::width(label)) * 8.2 + 20.0;
    let kind = as_f64(text::width(kind)) * 6.1;
    (name.max(kind) + 28.0).clamp(110.0, 380.0)
}

/// Finds a place for everything.
pub(super) fn place(view: &GraphView) -> Drawing {
    let count = view.nodes.len();
    let mut edges: Vec<(usize, usize)> = view.drawable().collect();
    edges.sort_unstable();
    edges.dedup();
    let mut linked = vec![false; count];
    for (from, to) in &edges {
        linked[*from] = true;
        linked[*to] = true;
    }
    // Nodes without edges would make one endless column: they stand in rows below.
    let joined: Vec<usize> = (0..count).filter(|node| linked[*node]).collect();
    let alone: Vec<usize> = (0..count).filter(|node| !linked[*node]).collect();
    let mut within = vec![usize::MAX; count];
    for (index, node) in joined.iter().enumerate() {
        within[*node] = index;
    }
    let inner: Vec<(usize, usize)> = edges
        .iter()
        .map(|(from, to)| (within[*from], within[*to]))
        .collect();
    let layers = Layers::new(joined.len(), &inner);
    let widths: Vec<f64> = view
        .nodes
        .iter()
        .map(|node| node_width(&node.label, &node.kind))
        .collect();

    let mut drawing = Drawing {
        nodes: vec![Spot::default(); count],
        ..Drawing::default()
    };
    let heights = down(&layers, joined.len());
    let mut x = MARGIN;
    let mut across: Vec<(f64, f64)> = Vec::new();
    for column in &layers.columns {
        let own = column
            .iter()
            .filter_map(|node| joined.get(*node))
            .map(|node| widths[*node]);
        let width = own.fold(0.0, f64::max);
        across.push((x, width));
        let leaving: usize = column.iter().map(|node| layers.after[*node].len()).sum();
        x += width + (GAP_ACROSS + as_f64(leaving) * 1.5).min(GAP_FOR_MANY);
    }
    for (index, &node) in joined.iter().enumerate() {
        let (x, width) = across[layers.rank[index]];
        drawing.nodes[node] = Spot {
            x,
            y: heights[index] - NODE_HEIGHT / 2.0,
            width,
        };
    }
    for way in &layers.ways {
        drawing.edges.push(points(way, &layers, &across, &heights));
    }
    let bottom = drawing
        .nodes
        .iter()
        .enumerate()
        .filter(|(node, _)| linked[*node]);
    let bottom = bottom
        .map(|(_, spot)| spot.y + NODE_HEIGHT + GAP_DOWN)
        .fold(MARGIN, f64::max);
    let knots = heights.iter().map(|y| y + GAP_DOWN).fold(MARGIN, f64::max);
    alone_below(&alone, &widths, bottom.max(knots), &mut drawing);

    let right = drawing
        .nodes
        .iter()
        .map(|spot| spot.x + spot.width)
        .fold(0.0, f64::max);
    let low = drawing
        .nodes
        .iter()
        .map(|spot| spot.y + NODE_HEIGHT)
        .fold(0.0, f64::max);
    drawing.width = right + MARGIN;
    drawing.height = low.max(if joined.is_empty() { 0.0 } else { knots }) + MARGIN;
    drawing
}

/// The points of an edge: out of a box at its right side, through each knot's column, into a box
/// at its left side. One that was turned round goes the other way.
fn points(
    way: &[usize],
    layers: &Layers,
    across: &[(f64, f64)],
    heights: &[f64],
) -> Vec<(f64, f64)> {
    let back =
        way.first().map(|node| layers.rank[*node]) > way.last().map(|node| layers.rank[*node]);
    let mut points = Vec::new();
    for (at, node) in way.iter().enumerate() {
        let (x, width) = across[layers.rank[*node]];
        let (near, far) = if back { (x + width, x) } else { (x, x + width) };
        if at > 0 {
            points.push((near, heights[*node]));
        }
        if at + 1 < way.len() {
            points.push((far, heights[*node]));
        }
    }
    points
}

/// The middle of every node and knot, from the top: near its neighbours, never over another.
fn down(layers: &Layers, nodes: usize) -> Vec<f64> {
    let height = |node: usize| {
        if node < nodes {
            NODE_HEIGHT
        } else {
            KNOT_HEIGHT
        }
    };
    let mut y = vec![0.0; layers.rank.len()];
    for column in &layers.columns {
        let mut at = 0.0;
        for &node in column {
            y[node] = at + height(node) / 2.0;
            at += height(node) + GAP_DOWN;
        }
    }
    for sweep in 0..SWEEPS {
        let last = layers.columns.len();
        for step in 0..last {
            let column = &layers.columns[if sweep % 2 == 0 {
                step
            } else {
                last - 1 - step
            }];
            let wanted: Vec<f64> = column
                .iter()
                .map(|&node| {
                    let neighbours = layers.before[node].iter().chain(&layers.after[node]);
                    let (sum, count) =
                        neighbours.fold((0.0, 0), |(sum, count), n| (sum + y[*n], count + 1));
                    if count == 0 {
                        y[node]
                    } else {
                        sum / as_f64(count)
                    }
                })
                .collect();
            let apart: Vec<f64> = column
                .windows(2)
                .map(|pair| (height(pair[0]) + height(pair[1])) / 2.0 + GAP_DOWN)
                .collect();
            for (node, at) in column.iter().zip(spread(&wanted, &apart)) {
                y[*node] = at;
            }
        }
    }
    let top = (0..y.len())
        .map(|node| y[node] - height(node) / 2.0)
        .fold(f64::INFINITY, f64::min);
    y.iter().map(|at| at - top + MARGIN).collect()
}

/// The places nearest to the wanted ones (by least squares) that keep the order and the distances:
/// those that are in each other's way are pooled.
fn spread(wanted: &[f64], apart: &[f64]) -> Vec<f64> {
    let mut offsets = vec![0.0];
    for gap in apart {
        offsets.push(offsets[offsets.len() - 1] + gap);
    }
    // (mean, size) of each pool
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for (at, offset) in wanted.iter().zip(&offsets) {
        let mut pool = (at - offset, 1);
        while let Some(&(mean, size)) = pools.last() {
            if mean <= pool.0 {
                break;
            }
            pools.pop();
            let both = size + pool.1;
            pool = (
                (mean * as_f64(size) + pool.0 * as_f64(pool.1)) / as_f64(both),
                both,
            );
        }
        pools.push(pool);
    }
    let means = pools
        .into_iter()
        .flat_map(|(mean, size)| std::iter::repeat_n(mean, size));
    means
        .zip(&offsets)
        .map(|(mean, offset)| mean + offset)
        .collect()
}

/// Nodes without edges, in rows as long as the rest is wide.
fn alone_below(alone: &[usize], widths: &[f64], top: f64, drawing: &mut Drawing) {
    let Some(width) = alone.iter().map(|node| widths[*node]).reduce(f64::max) else {
        return;
    };
    let drawn = drawing
        .nodes
        .iter()
        .map(|spot| spot.x + spot.width)
        .fold(0.0, f64::max);
    let square = (as_f64(alone.len()) * (width + GAP_DOWN) * (NODE_HEIGHT + GAP_DOWN) * 1.6).sqrt();
    let (mut x, mut y) = (MARGIN, top);
    for &node in alone {
        if x > MARGIN && x + width > drawn.max(square).max(400.0) {
            (x, y) = (MARGIN, y + NODE_HEIGHT + GAP_DOWN);
        }
        drawing.nodes[node] = Spot { x, y, width };
        x += width + GAP_DOWN;
    }
}
