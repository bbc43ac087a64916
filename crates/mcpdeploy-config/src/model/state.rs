//! `[state]`: where the state is kept, and how it is encrypted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shapes;

/// Where the state is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct State {
    /// The kind of store.
    #[serde(rename = "type")]
    pub store: StateStore,
    /// The bucket of a state in S3; it must be there already.
    #[schemars(regex(pattern = shapes::BUCKET_NAME))]
    pub bucket: Option<String>,
    /// What the keys of a state in S3 begin with; the environment's name follows.
    #[schemars(regex(pattern = shapes::KEY_PREFIX))]
    pub prefix: Option<String>,
    /// The bucket's region; that of [aws] when not given.
    #[schemars(regex(pattern = shapes::REGION))]
    pub region: Option<String>,
    /// The profile that may use the bucket; that of [aws] when not given.
    #[schemars(length(min = 1))]
    pub profile: Option<String>,
    /// A role to assume for the bucket; that of [aws] when neither this nor a profile is given.
    #[schemars(regex(pattern = shapes::ROLE_ARN))]
    pub role_arn: Option<String>,
    /// The address of a service that speaks S3's protocol; that of [aws] when not given.
    #[schemars(regex(pattern = shapes::URL))]
    pub endpoint_url: Option<String>,
    /// A DynamoDB table with the keys "id" and "key", for buckets without conditional writes.
    #[schemars(regex(pattern = shapes::TABLE_NAME))]
    pub lock_table: Option<String>,
    /// How state, journal and saved plans are encrypted; not at all when it is not there.
    pub encryption: Option<Encryption>,
}

/// A kind of store for the state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StateStore {
    /// In .pmcp/deployments, beside the file.
    #[default]
    Local,
    /// In an S3 bucket, for several people and machines.
    S3,
}

/// How state, journal and saved plans are encrypted. Each key that is named opens them alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Encryption {
    /// With the passphrase in MCPDEPLOY_PASSPHRASE.
    pub passphrase: bool,
    /// For these age recipients; the identity of one of them is in MCPDEPLOY_AGE_IDENTITY, itself or as a file's path.
    #[schemars(inner(regex(pattern = shapes::AGE_RECIPIENT)), extend("uniqueItems" = true))]
    pub recipients: Vec<String>,
    /// With a key of AWS KMS: its ARN, id or alias.
    #[schemars(length(min = 1))]
    pub kms_key: Option<String>,
    /// What opens a state that was encrypted otherwise before, or not at all.
    pub fallback: Fallback,
}

/// What opens a state that was encrypted otherwise before. Nothing is encrypted with it any more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Fallback {
    /// Take a state that is not encrypted as well.
    pub plain: bool,
    /// The passphrase in MCPDEPLOY_PASSPHRASE_OLD.
    pub passphrase: bool,
    /// The age identity in MCPDEPLOY_AGE_IDENTITY_OLD.
    pub age: bool,
    /// A key of AWS KMS.
    #[schemars(length(min = 1))]
    pub kms_key: Option<String>,
}
