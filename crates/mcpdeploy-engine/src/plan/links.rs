//! Which step comes before which: a small graph of numbers.

use std::collections::{BTreeSet, HashSet};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::DiGraph;

/// Steps by number, and which ones wait for each.
pub(super) struct Links {
    next: Vec<Vec<u32>>,
    previous: Vec<Vec<u32>>,
}

/// A walk over all that can be reached, one link at a time.
struct Walk<'a> {
    links: &'a [Vec<u32>],
    /// Where it is, and how many of the links there it has taken.
    way: Vec<(u32, usize)>,
    seen: HashSet<u32>,
}

impl<'a> Walk<'a> {
    fn new(links: &'a [Vec<u32>], from: u32) -> Self {
        Self {
            links,
            way: vec![(from, 0)],
            seen: HashSet::from([from]),
        }
    }
}

impl Iterator for Walk<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        loop {
            let (at, taken) = self.way.last_mut()?;
            let Some(&next) = self.links[*at as usize].get(*taken) else {
                self.way.pop();
                continue;
            };
            *taken += 1;
            if self.seen.insert(next) {
                self.way.push((next, 0));
            }
            return Some(next);
        }
    }
}

impl Links {
    pub(super) fn new(count: usize, pairs: &[(u32, u32)]) -> Self {
        let mut links = Self {
            next: vec![Vec::new(); count],
            previous: vec![Vec::new(); count],
        };
        for &(before, after) in pairs {
            links.add(before, after);
        }
        links
    }

    pub(super) fn add(&mut self, before: u32, after: u32) {
        self.next[before as usize].push(after);
        self.previous[after as usize].push(before);
    }

    /// Whether `to` must come after `from` already.
    pub(super) fn leads(&self, from: u32, to: u32) -> bool {
        // From both ends in turn, until one of them has nowhere left to go: behind a deletion there
        // may be a long row of others, but then nothing comes before the change that it waits for.
        let mut down = Walk::new(&self.next, from);
        let mut up = Walk::new(&self.previous, to);
        if from == to {
            return true;
        }
        while let (Some(after), Some(before)) = (down.next(), up.next()) {
            if up.seen.contains(&after) || down.seen.contains(&before) {
                return true;
            }
        }
        false
    }

    /// All pairs, each as (before, after).
    pub(super) fn pairs(&self) -> impl Iterator<Item = (u32, u32)> {
        (0..)
            .zip(&self.next)
            .flat_map(|(before, next)| next.iter().map(move |&after| (before, after)))
    }

    /// The steps in order as far as there is one, the lower number first among equals; and the
    /// place of each in it.
    pub(super) fn in_order(&self) -> (Vec<u32>, Vec<u32>) {
        let mut waiting = vec![0_u32; self.next.len()];
        for (_, after) in self.pairs() {
            waiting[after as usize] += 1;
        }
        let mut free: BTreeSet<u32> = (0..)
            .zip(&waiting)
            .filter(|(_, waits)| **waits == 0)
            .map(|(step, _)| step)
            .collect();
        let mut place = vec![u32::MAX; self.next.len()];
        let mut sequence = Vec::with_capacity(self.next.len());
        while let Some(step) = free.pop_first() {
            place[step as usize] = u32::try_from(sequence.len()).unwrap_or(u32::MAX);
            sequence.push(step);
            for &after in &self.next[step as usize] {
                waiting[after as usize] -= 1;
                if waiting[after as usize] == 0 {
                    free.insert(after);
                }
            }
        }
        (sequence, place)
    }

    /// The steps that wait for themselves by way of others.
    pub(super) fn circles(&self) -> Vec<u32> {
        let graph: DiGraph<(), (), u32> = DiGraph::from_edges(self.pairs());
        kosaraju_scc(&graph)
            .into_iter()
            .filter(|component| component.len() > 1)
            .flatten()
            .filter_map(|node| u32::try_from(node.index()).ok())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_circles() {
        let mut links = Links::new(4, &[(2, 0), (0, 1)]);
        assert_eq!(links.in_order().0, [2, 0, 1, 3]);
        assert!(links.leads(2, 1));
        assert!(!links.leads(1, 2));
        assert!(links.leads(3, 3));
        assert!(!links.leads(2, 3));
        assert!(links.circles().is_empty());
        links.add(1, 2);
        links.add(1, 3);
        let mut circles = links.circles();
        circles.sort_unstable();
        assert_eq!(circles, [0, 1, 2]);
        assert!(links.in_order().0.is_empty());
    }
}
