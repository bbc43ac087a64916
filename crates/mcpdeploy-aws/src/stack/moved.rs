//! What a renamed server's resources were called before.

use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::kind::Kind;

use super::address;
use crate::kinds::{Api, Dashboard, Function, Integration, LogGroup, Version};

/// The resources that are named after the server: (from, to). Under their new addresses they are
/// changed in place where that is possible (the API keeps its URL) and replaced where it is not.
pub(super) fn after_rename(old: &str, new: &str) -> Vec<(Address, Address)> {
    fn pair<K: Kind>(old: &str, new: &str) -> Option<(Address, Address)> {
        let from = Address::new(K::NAME, old).ok()?;
        Some((from, address::<K>(new)))
    }
    [
        pair::<LogGroup>(old, new),
        pair::<LogGroup>(&format!("{old}-access"), &format!("{new}-access")),
        pair::<LogGroup>(&format!("{old}-login"), &format!("{new}-login")),
        pair::<Function>(old, new),
        pair::<Function>(&format!("{old}-login"), &format!("{new}-login")),
        pair::<Version>(old, new),
        pair::<Api>(old, new),
        pair::<Integration>(old, new),
        pair::<Integration>(&format!("{old}-login"), &format!("{new}-login")),
        pair::<Dashboard>(old, new),
    ]
    .into_iter()
    .flatten()
    .collect()
}
