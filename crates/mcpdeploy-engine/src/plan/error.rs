//! What stands in the way of a plan.

use crate::address::Address;
use crate::kind::InputError;
use crate::state::FoldError;
use crate::value::ResolveError;

/// Everything that stands in the way of a plan.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct PlanErrors(pub Vec<PlanError>);

/// One thing that stands in the way of a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are what the messages say")]
pub enum PlanError {
    /// `--target` or `--replace` names nothing.
    #[error("there is no resource {0} in the file or the state")]
    NoSuchResource(Address),
    /// The state has a resource of a kind that this program does not know.
    #[error("{0} in the state is of a kind that this version of mcpdeploy does not know")]
    NoKind(Address),
    /// The kind does not take the inputs once references are resolved.
    #[error("{address}: {}", error.message)]
    Input {
        address: Address,
        origin: Option<String>,
        error: InputError,
    },
    /// A reference leads nowhere.
    #[error("{address}: {error}")]
    Reference {
        address: Address,
        origin: Option<String>,
        error: ResolveError,
    },
    /// A protected resource would go.
    #[error(
        "{address} is protected and would be {}",
        if *replaced { "replaced" } else { "deleted" }
    )]
    Protected { address: Address, replaced: bool },
    /// The new one would have the old one's name while that is still there.
    #[error("{0} cannot be created before its predecessor is deleted: both have the same name")]
    NameClash(Address),
    /// No order does it all.
    #[error("no order of the changes works: {}", list(.0))]
    NoOrder(Vec<Address>),
    /// The findings do not fit the state.
    #[error("what was read does not fit the state")]
    Findings(#[source] FoldError),
}

fn list(addresses: &[Address]) -> String {
    addresses
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
