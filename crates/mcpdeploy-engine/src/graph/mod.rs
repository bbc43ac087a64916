//! The graph of what is wanted: resources and the edges that their references make.

mod cycles;
mod error;

pub use error::{GraphError, GraphErrors};

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use serde_json::{Map, Value};

use crate::address::Address;
use crate::kind::{DynKind, Registry};
use crate::resource::{Desired, Resource};
use crate::value::{self, Reference};

use cycles::cycles;

/// For so many references that lead nowhere, what was meant is looked for: each time, that is a look
/// at every address, and nobody reads more of it at once.
const MOST_SUGGESTED: usize = 50;

/// A checked graph: every kind is known, inputs are normalised, references lead somewhere, and
/// there is no cycle. An edge goes from a dependency to its dependent.
pub struct Graph {
    pub(crate) nodes: DiGraph<Node, ()>,
    by_address: HashMap<Address, NodeIndex>,
    order: Vec<NodeIndex>,
    /// Outputs of the deployment, with references in them.
    pub outputs: Map<String, Value>,
    /// Resources that have another address now.
    pub moved: Vec<(Address, Address)>,
    /// The deployment's name.
    pub deployment: String,
    /// The environment's name.
    pub environment: String,
}

/// A resource in the graph.
pub struct Node {
    /// As wanted, its inputs normalised.
    pub resource: Resource,
    /// Its kind.
    pub kind: Arc<dyn DynKind>,
}

impl Graph {
    /// Checks what is wanted and finds the edges.
    ///
    /// # Errors
    /// All mistakes at once.
    pub fn build(desired: Desired, registry: &Registry) -> Result<Self, GraphErrors> {
        let mut errors = Vec::new();
        let mut nodes = DiGraph::with_capacity(desired.resources.len(), desired.resources.len());
        let mut by_address = HashMap::with_capacity(desired.resources.len());
        let mut origins = HashMap::new();

        for mut resource in desired.resources {
            let address = resource.address.clone();
            let Some(kind) = registry.get(address.kind().as_str()) else {
                errors.push(GraphError::UnknownKind {
                    address,
                    origin: resource.origin,
                });
                continue;
            };
            match kind.normalize(std::mem::take(&mut resource.inputs)) {
                Ok(inputs) => resource.inputs = inputs,
                Err(error) => {
                    errors.push(GraphError::Input {
                        address,
                        origin: resource.origin,
                        error,
                    });
                    continue;
                }
            }
            origins.insert(address.clone(), resource.origin.clone());
            let node = nodes.add_node(Node {
                resource,
                kind: Arc::clone(kind),
            });
            if by_address.insert(address.clone(), node).is_some() {
                errors.push(GraphError::Duplicate(address));
            }
        }

        // Those are reported already, and not again by whoever refers to them.
        let refused: HashSet<Address> = errors
            .iter()
            .filter_map(GraphError::address)
            .cloned()
            .collect();
        let mut suggested = 0;
        let mut edges = Vec::new();
        for node in nodes.node_indices() {
            let resource: &Resource = &nodes[node].resource;
            let mut dependencies = BTreeSet::new();
            let walked = value::walk(&resource.inputs, &mut |reference: Reference| {
                dependencies.insert((reference.address.clone(), Some(reference)));
            });
            if let Err(error) = walked {
                errors.push(GraphError::Reference {
                    address: resource.address.clone(),
                    error,
                });
            }
            dependencies.extend(resource.depends_on.iter().map(|a| (a.clone(), None)));
            let mut seen = BTreeSet::new();
            for (dependency, reference) in dependencies {
                match by_address.get(&dependency) {
                    Some(&from) => {
                        let kind: &dyn DynKind = &*nodes[from].kind;
                        if let Some(reference) = reference
                            && let Some(names) = kind.output_names()
                            && !names.iter().any(|name| names_output(&reference, name))
                        {
                            errors.push(GraphError::NoSuchOutput {
                                address: resource.address.clone(),
                                origin: resource.origin.clone(),
                                to: reference,
                                names: names.to_vec(),
                            });
                        }
                        if seen.insert(from) {
                            edges.push((from, node));
                        }
                    }
                    None if refused.contains(&dependency) => {}
                    None => {
                        suggested += 1;
                        errors.push(GraphError::Dangling {
                            address: resource.address.clone(),
                            origin: resource.origin.clone(),
                            to: reference.map_or_else(
                                || dependency.to_string(),
                                |reference| reference.to_string(),
                            ),
                            suggestion: (suggested <= MOST_SUGGESTED)
                                .then(|| nearest(&dependency, by_address.keys()))
                                .flatten(),
                        });
                    }
                }
            }
        }
        for (from, to) in edges {
            nodes.add_edge(from, to, ());
        }

        let order = stable_order(&nodes);
        if order.len() < nodes.node_count() {
            errors.extend(cycles(&nodes).into_iter().map(GraphError::Cycle));
        }
        if !errors.is_empty() {
            return Err(GraphErrors(errors));
        }

        Ok(Self {
            nodes,
            by_address,
            order,
            outputs: desired.outputs,
            moved: desired.moved,
            deployment: desired.deployment,
            environment: desired.environment,
        })
    }

    /// The resources, dependencies first, otherwise in the order in which they are written.
    pub fn in_order(&self) -> impl DoubleEndedIterator<Item = &Node> {
        self.order.iter().map(|&node| &self.nodes[node])
    }

    /// The resource at that address.
    #[must_use]
    pub fn get(&self, address: &Address) -> Option<&Node> {
        self.by_address.get(address).map(|&node| &self.nodes[node])
    }

    /// What the resource depends on directly, sorted.
    #[must_use]
    pub fn dependencies(&self, address: &Address) -> Vec<Address> {
        self.neighbours(address, petgraph::Direction::Incoming)
    }

    /// What depends on the resource directly, sorted.
    #[must_use]
    pub fn dependents(&self, address: &Address) -> Vec<Address> {
        self.neighbours(address, petgraph::Direction::Outgoing)
    }

    fn neighbours(&self, address: &Address, direction: petgraph::Direction) -> Vec<Address> {
        let Some(&node) = self.by_address.get(address) else {
            return Vec::new();
        };
        let mut found: Vec<Address> = self
            .nodes
            .neighbors_directed(node, direction)
            .map(|other| self.nodes[other].resource.address.clone())
            .collect();
        found.sort();
        found
    }

    /// A digest of all that is wanted: equal for equal graphs, whatever the order of keys.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut digest = crate::digest::Digest::new();
        for node in self.in_order() {
            let resource = &node.resource;
            digest.add(&resource.inputs);
            digest.add(&serde_json::json!([
                resource.address,
                resource.depends_on,
                resource.lifecycle,
                resource.placement,
            ]));
        }
        digest.add_map(&self.outputs);
        digest.finish()
    }

    /// How many resources there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

/// Whether the reference is to the output of that name, or into it.
fn names_output(reference: &Reference, name: &str) -> bool {
    reference
        .pointer
        .strip_prefix('/')
        .and_then(|rest| rest.strip_prefix(name))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Dependencies first; among those that are free, the one written first (Kahn's algorithm).
fn stable_order(nodes: &DiGraph<Node, ()>) -> Vec<NodeIndex> {
    let mut waiting: Vec<usize> = nodes
        .node_indices()
        .map(|n| {
            nodes
                .edges_directed(n, petgraph::Direction::Incoming)
                .count()
        })
        .collect();
    let mut free: BTreeSet<NodeIndex> = nodes
        .node_indices()
        .filter(|n| waiting[n.index()] == 0)
        .collect();
    let mut order = Vec::with_capacity(nodes.node_count());
    while let Some(node) = free.pop_first() {
        order.push(node);
        for edge in nodes.edges(node) {
            let count = &mut waiting[edge.target().index()];
            *count -= 1;
            if *count == 0 {
                free.insert(edge.target());
            }
        }
    }
    order
}

fn nearest<'a>(wanted: &Address, all: impl Iterator<Item = &'a Address>) -> Option<Address> {
    all.map(|address| {
        (
            strsim::jaro_winkler(wanted.as_str(), address.as_str()),
            address,
        )
    })
    .filter(|(score, _)| *score > 0.85)
    .max_by(|a, b| a.0.total_cmp(&b.0))
    .map(|(_, address)| address.clone())
}
