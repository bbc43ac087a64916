//! Which node stands in which column, and in which order: ranks by the longest path, then a few
//! sweeps that move each node to the middle of its neighbours.
//!
//! Edges longer than one column are given a knot in every column between, so that all edges lead
//! from one column to the next.

/// Sweeps of ordering. More than these change little.
const SWEEPS: usize = 12;

/// The nodes and knots of a graph in columns.
#[derive(Debug, Default)]
pub(super) struct Layers {
    /// The column of each node and knot; nodes come first, by their own index.
    pub(super) rank: Vec<usize>,
    /// The nodes and knots of each column, from top to bottom.
    pub(super) columns: Vec<Vec<usize>>,
    /// What each is connected to in the column before.
    pub(super) before: Vec<Vec<usize>>,
    /// What each is connected to in the column after.
    pub(super) after: Vec<Vec<usize>>,
    /// The way of each edge: from its node over knots to its node.
    pub(super) ways: Vec<Vec<usize>>,
}

impl Layers {
    /// Lays out `count` nodes. Edges to themselves and edges that would close a circle count as
    /// turned round or not at all, so that any input ends.
    pub(super) fn new(count: usize, edges: &[(usize, usize)]) -> Self {
        let forward = acyclic(count, edges);
        let rank = ranks(count, &forward);
        let mut layers = Self {
            before: vec![Vec::new(); count],
            after: vec![Vec::new(); count],
            rank,
            ..Self::default()
        };
        for (edge, &(from, to)) in forward.iter().enumerate() {
            let mut way = vec![from];
            for column in layers.rank[from] + 1..layers.rank[to] {
                let knot = layers.rank.len();
                layers.rank.push(column);
                layers.before.push(Vec::new());
                layers.after.push(Vec::new());
                layers.connect(way[way.len() - 1], knot);
                way.push(knot);
            }
            layers.connect(way[way.len() - 1], to);
            way.push(to);
            // One that was turned round to break a circle is drawn as it was given.
            if edges.get(edge).is_some_and(|given| *given == (to, from)) {
                way.reverse();
            }
            layers.ways.push(way);
        }
        let last = layers.rank.iter().max().map_or(0, |last| last + 1);
        layers.columns = vec![Vec::new(); last];
        for (node, rank) in layers.rank.iter().enumerate() {
            layers.columns[*rank].push(node);
        }
        layers.order();
        layers
    }

    fn connect(&mut self, from: usize, to: usize) {
        self.after[from].push(to);
        self.before[to].push(from);
    }

    /// Sweeps right and left; the order with the fewest crossings stays.
    fn order(&mut self) {
        let mut place = vec![0; self.rank.len()];
        let mut best = self.columns.clone();
        let mut least = self.crossings(&mut place);
        for sweep in 0..SWEEPS {
            if least == 0 {
                break;
            }
            let rightwards = sweep % 2 == 0;
            let columns = self.columns.len();
            for step in 1..columns {
                let column = if rightwards { step } else { columns - 1 - step };
                let neighbours = if rightwards {
                    &self.before
                } else {
                    &self.after
                };
                let fixed = if rightwards { column - 1 } else { column + 1 };
                for (at, node) in self.columns[fixed].iter().enumerate() {
                    place[*node] = at;
                }
                let mut keyed: Vec<(f64, usize)> = self.columns[column]
                    .iter()
                    .enumerate()
                    .map(|(at, &node)| {
                        (
                            middle(&neighbours[node], &place).unwrap_or(as_f64(at)),
                            node,
                        )
                    })
                    .collect();
                keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
                self.columns[column] = keyed.into_iter().map(|(_, node)| node).collect();
            }
            let crossings = self.crossings(&mut place);
            if crossings < least {
                least = crossings;
                best.clone_from(&self.columns);
            }
        }
        self.columns = best;
    }

    fn crossings(&self, place: &mut [usize]) -> usize {
        let mut all = 0;
        for column in &self.columns {
            for (at, node) in column.iter().enumerate() {
                place[*node] = at;
            }
        }
        for (index, column) in self.columns.iter().enumerate() {
            let next = self.columns.get(index + 1).map_or(0, Vec::len);
            // The ends in the next column, in the order of their beginnings: what is out of order
            // crosses. Counted with a binary indexed tree.
            let mut tree = vec![0_usize; next + 1];
            let mut seen = 0;
            for node in column {
                let mut ends: Vec<usize> = self.after[*node].iter().map(|to| place[*to]).collect();
                ends.sort_unstable();
                for end in &ends {
                    let mut not_above = 0;
                    let mut at = end + 1;
                    while at > 0 {
                        not_above += tree[at];
                        at &= at - 1;
                    }
                    all += seen - not_above;
                }
                for end in ends {
                    seen += 1;
                    let mut at = end + 1;
                    while at < tree.len() {
                        tree[at] += 1;
                        at += at & at.wrapping_neg();
                    }
                }
            }
        }
        all
    }
}

/// The mean place of the neighbours.
fn middle(neighbours: &[usize], place: &[usize]) -> Option<f64> {
    if neighbours.is_empty() {
        return None;
    }
    let sum: usize = neighbours.iter().map(|node| place[*node]).sum();
    Some(as_f64(sum) / as_f64(neighbours.len()))
}

#[expect(clippy::cast_precision_loss, reason = "places on a drawing")]
pub(super) fn as_f64(number: usize) -> f64 {
    number as f64
}

/// The edges without circles: those that lead back are turned round. One entry for each edge that
/// can be drawn, in the order given; edges to themselves and to nowhere are left out.
fn acyclic(count: usize, edges: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); count];
    for &(from, to) in edges {
        next[from].push(to);
    }
    // The order in which a depth-first walk leaves nodes, turned round, is one without circles.
    let mut left = vec![usize::MAX; count];
    let mut leaving = 0;
    let mut entered = vec![false; count];
    for start in 0..count {
        let mut path: Vec<(usize, usize)> = Vec::new();
        if !std::mem::replace(&mut entered[start], true) {
            path.push((start, 0));
        }
        while let Some((node, at)) = path.last_mut() {
            match next[*node].get(*at) {
                Some(&to) => {
                    *at += 1;
                    if !std::mem::replace(&mut entered[to], true) {
                        path.push((to, 0));
                    }
                }
                None => {
                    left[*node] = leaving;
                    leaving += 1;
                    path.pop();
                }
            }
        }
    }
    let straight = |&(from, to): &(usize, usize)| {
        if left[from] > left[to] {
            (from, to)
        } else {
            (to, from)
        }
    };
    edges.iter().map(straight).collect()
}

/// The column of each node: behind all that come before it, and what begins a path right before
/// what it leads to.
fn ranks(count: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut waiting = vec![0_usize; count];
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); count];
    for &(from, to) in edges {
        waiting[to] += 1;
        next[from].push(to);
    }
    let begins: Vec<bool> = waiting.iter().map(|waits| *waits == 0).collect();
    let mut rank = vec![0_usize; count];
    let mut free: Vec<usize> = (0..count).filter(|node| begins[*node]).collect();
    while let Some(node) = free.pop() {
        for &to in &next[node] {
            rank[to] = rank[to].max(rank[node] + 1);
            waiting[to] -= 1;
            if waiting[to] == 0 {
                free.push(to);
            }
        }
    }
    for node in (0..count).filter(|node| begins[*node]) {
        if let Some(nearest) = next[node].iter().map(|to| rank[*to]).min() {
            rank[node] = nearest.saturating_sub(1);
        }
    }
    rank
}
