//! Expressions: conditions, filters, key conditions, projections and updates.
//!
//! Source: "Expressions in DynamoDB" in the developer guide. Faults name the expression by the
//! parameter that it came in, as the service's do.

mod condition;
mod key;
mod lex;
mod names;
mod parse;
mod path;
mod update;

pub(super) use condition::Condition;
pub(super) use key::KeyCondition;
pub(super) use names::Names;
pub(super) use parse::{condition, projection, update};
pub(super) use path::{Path, project};
pub(super) use update::Update;

use super::validation;
use crate::wire::Fault;

/// The parameter that an expression came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parameter {
    Condition,
    Filter,
    KeyCondition,
    Projection,
    Update,
}

impl Parameter {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Condition => "ConditionExpression",
            Self::Filter => "FilterExpression",
            Self::KeyCondition => "KeyConditionExpression",
            Self::Projection => "ProjectionExpression",
            Self::Update => "UpdateExpression",
        }
    }

    /// What is wrong with the expression.
    fn invalid(self, message: impl AsRef<str>) -> Fault {
        validation(format!("Invalid {}: {}", self.name(), message.as_ref()))
    }
}
