//! Finds resources that depend on each other in a circle.

use std::collections::{BTreeSet, HashMap};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::Node;
use crate::address::Address;

/// One cycle of each set of resources that all depend on each other. Not recursive: a chain may be
/// as long as it likes.
pub(super) fn cycles(nodes: &DiGraph<Node, ()>) -> Vec<Vec<Address>> {
    kosaraju_scc(nodes)
        .into_iter()
        .filter(|component| {
            component.len() > 1
                || component
                    .iter()
                    .any(|&node| nodes.contains_edge(node, node))
        })
        .map(|component| cycle_through(nodes, &component))
        .collect()
}

/// One cycle inside a strongly connected component, each address depending on the next.
fn cycle_through(nodes: &DiGraph<Node, ()>, component: &[NodeIndex]) -> Vec<Address> {
    let members: BTreeSet<NodeIndex> = component.iter().copied().collect();
    let Some(&start) = members.first() else {
        return Vec::new();
    };
    // Walking against the edges, from a node to one of its dependencies in the component, must
    // come back to a node seen before.
    let mut path = vec![start];
    let mut places = HashMap::from([(start, 0)]);
    loop {
        let here = path[path.len() - 1];
        let next = nodes
            .neighbors_directed(here, petgraph::Direction::Incoming)
            .filter(|n| members.contains(n))
            .min();
        let Some(next) = next else { break };
        if let Some(&at) = places.get(&next) {
            path.drain(..at);
            path.push(next);
            break;
        }
        places.insert(next, path.len());
        path.push(next);
    }
    path.iter()
        .map(|&n| nodes[n].resource.address.clone())
        .collect()
}
