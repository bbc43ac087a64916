//! Owns what the shapes cannot say: how keys agree with each other, what AWS forbids, and which
//! features are yet to come. Each rule reads the tree itself, so that one mistake hides no other.

mod access;
mod bridge;
mod files;
mod login;
mod moved;
mod notes;
mod planned;
mod resources;
mod secrets;
mod server;
mod state;
mod tags;
mod tokens;
mod variables;

pub use notes::Note;
pub(crate) use notes::notes;
pub(crate) use resources::resources;
pub(crate) use server::{foreign_target, missing as missing_server};

use crate::mistake::Mistake;
use crate::node::Node;

/// Collects the mistakes of one environment's view, but for those of its `[[resources]]`.
pub(crate) fn check(view: &Node, mistakes: &mut Vec<Mistake>) {
    server::check(view, mistakes);
    bridge::check(view, mistakes);
    variables::check(view, mistakes);
    secrets::check(view, mistakes);
    login::check(view, mistakes);
    access::check(view, mistakes);
    files::check(view, mistakes);
    state::check(view, mistakes);
    tags::check(view, mistakes);
    moved::check(view, mistakes);
    tokens::check(view, mistakes);
    planned::check(view, mistakes);
}

/// Whether the view deploys a server (and not only resources).
pub(crate) fn has_server(view: &Node) -> bool {
    view.at("target.type").and_then(Node::str) != Some("resources")
}
