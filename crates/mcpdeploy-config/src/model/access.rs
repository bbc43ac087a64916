//! `[iam]`: what the server may do in AWS.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shapes;

/// What the server may do in AWS, beyond writing its own logs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Iam {
    /// DynamoDB tables that it uses.
    pub tables: Vec<IamTable>,
    /// S3 buckets whose objects it uses.
    pub buckets: Vec<IamBucket>,
    /// Policy statements, as IAM knows them.
    pub statements: Vec<IamStatement>,
}

/// A DynamoDB table that the server uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IamTable {
    /// The table's name, in the account and region of the deployment.
    #[schemars(regex(pattern = shapes::TABLE))]
    pub name: String,
    /// What it does with the items.
    #[schemars(length(min = 1))]
    pub actions: Vec<Access>,
    /// Whether it uses the table's indexes too.
    #[serde(default)]
    pub include_indexes: bool,
}

/// An S3 bucket whose objects the server uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IamBucket {
    /// The bucket's name.
    #[schemars(regex(pattern = shapes::BUCKET))]
    pub name: String,
    /// What it does with the objects.
    #[schemars(length(min = 1))]
    pub actions: Vec<Access>,
}

/// Reading, writing, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Get, query, scan, list.
    Read,
    /// Put, update, delete.
    Write,
    /// Both.
    ReadWrite,
}

/// A policy statement, as IAM knows it. Allow `*` on `*` is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IamStatement {
    /// Whether it allows or denies.
    pub effect: Effect,
    /// The actions, such as "sqs:SendMessage"; * stands for any letters.
    #[schemars(length(min = 1), inner(regex(pattern = shapes::ACTION)))]
    pub actions: Vec<String>,
    /// The ARNs that it is about, or "*".
    #[schemars(length(min = 1), inner(regex(pattern = shapes::ARN_OR_STAR)))]
    pub resources: Vec<String>,
}

/// Whether a statement allows or denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Effect {
    /// It allows.
    Allow,
    /// It denies, whatever others allow.
    Deny,
}
