//! Mistakes in what is wanted.

use std::fmt;

use crate::address::Address;
use crate::kind::InputError;
use crate::value::{Reference, ResolveError};

/// Everything that is wrong with what is wanted.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the resources do not fit together: {}", list(.0))]
pub struct GraphErrors(pub Vec<GraphError>);

fn list(errors: &[GraphError]) -> String {
    errors
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

/// One mistake in what is wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are what the messages say")]
pub enum GraphError {
    /// No kind of that name.
    #[error("{address}: there is no kind `{}`", address.kind())]
    UnknownKind {
        address: Address,
        origin: Option<String>,
    },
    /// Two resources with one address.
    #[error("{0} is there twice")]
    Duplicate(Address),
    /// The kind does not take these inputs.
    #[error("{address}: {}{}", error.message, At(&error.pointer))]
    Input {
        address: Address,
        origin: Option<String>,
        error: InputError,
    },
    /// A reference is malformed.
    #[error("{address}: {error}")]
    Reference {
        address: Address,
        error: ResolveError,
    },
    /// A reference or dependency to a resource that is not there.
    #[error(
        "{address} refers to `{to}`, which is not there{}",
        Suggest(suggestion)
    )]
    Dangling {
        address: Address,
        origin: Option<String>,
        to: String,
        suggestion: Option<Address>,
    },
    /// A reference to an output that the kind does not have.
    #[error(
        "{address} refers to `{}` of {}, which has only {}",
        to.pointer.trim_start_matches('/'), to.address, names.join(", ")
    )]
    NoSuchOutput {
        address: Address,
        origin: Option<String>,
        to: Reference,
        names: Vec<String>,
    },
    /// Resources that depend on each other in a circle.
    #[error("a cycle: {}", Arrows(.0))]
    Cycle(Vec<Address>),
}

impl GraphError {
    /// The resource that has the mistake.
    #[must_use]
    pub fn address(&self) -> Option<&Address> {
        match self {
            Self::UnknownKind { address, .. }
            | Self::Duplicate(address)
            | Self::Input { address, .. }
            | Self::Reference { address, .. }
            | Self::NoSuchOutput { address, .. }
            | Self::Dangling { address, .. } => Some(address),
            Self::Cycle(addresses) => addresses.first(),
        }
    }
}

struct At<'a>(&'a str);
impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            Ok(())
        } else {
            write!(
                f,
                " (at `{}`)",
                self.0.trim_start_matches('/').replace('/', ".")
            )
        }
    }
}

struct Suggest<'a>(&'a Option<Address>);
impl fmt::Display for Suggest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(address) => write!(f, "; did you mean `{address}`?"),
            None => Ok(()),
        }
    }
}

struct Arrows<'a>(&'a [Address]);
impl fmt::Display for Arrows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, address) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" → ")?;
            }
            write!(f, "{address}")?;
        }
        Ok(())
    }
}
