//! `aws.s3.bucket`: a bucket of S3.
//!
//! Facts, from the S3 API reference and user guide:
//! - names are unique across all accounts of a partition;
//! - in us-east-1 there is no location constraint, and creating a bucket that one owns already
//!   succeeds; elsewhere it is `BucketAlreadyOwnedByYou`;
//! - CreateBucket takes tags since 2025; not every emulator keeps them, so they are put once more;
//! - new buckets block public access and encrypt (SSE-S3) unless told otherwise;
//! - a bucket is deleted only when no object, version or delete marker is left in it.

mod settings;

use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, Tag,
};
use mcpdeploy_engine::address::{Address, PhysicalId};
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, FaultClass, Identity, Kind, KindError, Observed, Op, Permission, Placement,
    Tags, Who,
};
use mcpdeploy_engine::value::Ref;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::settings::{all_blocked, configure, empty, expiration};
use crate::clients::Clients;
use crate::fault::{Fault, fresh};
use crate::ids::{BucketArn, BucketName, partition};
use crate::tags;

/// The region whose buckets have no location constraint.
const CLASSIC: &str = "us-east-1";

/// A bucket. Never public.
#[derive(Debug)]
pub enum Bucket {}

/// What one can ask of a bucket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BucketInputs {
    /// Its name: 3 to 63 lowercase letters, digits, dots and hyphens.
    pub name: BucketName,
    /// Whether deleting it deletes everything in it; otherwise only an empty bucket is deleted.
    #[serde(default)]
    pub force_destroy: bool,
    /// Whether overwritten and deleted objects are kept as versions.
    #[serde(default)]
    pub versioning: bool,
    /// After how many days objects, and versions no longer current, are deleted; never when not
    /// set.
    #[serde(default)]
    pub expiration_days: Option<u32>,
    /// Always true: buckets of ours are never public. Here so that a block that somebody lifted is
    /// seen and put back.
    #[serde(default = "yes")]
    pub block_public_access: bool,
    /// Its tags.
    #[serde(default)]
    pub tags: Tags,
}

fn yes() -> bool {
    true
}

impl BucketInputs {
    /// A bucket of that name, and nothing else.
    #[must_use]
    pub fn new(name: impl Into<BucketName>) -> Self {
        Self {
            name: name.into(),
            force_destroy: false,
            versioning: false,
            expiration_days: None,
            block_public_access: true,
            tags: Tags::new(),
        }
    }
}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BucketOutputs {
    /// Its ARN.
    pub arn: BucketArn,
    /// Its name.
    pub name: BucketName,
}

impl Bucket {
    /// Refers to the ARN of the bucket at `address`.
    #[must_use]
    pub fn arn(address: &Address) -> Ref<BucketArn> {
        Ref::new(address, "/arn")
    }

    /// Refers to the name of the bucket at `address`.
    #[must_use]
    pub fn name(address: &Address) -> Ref<BucketName> {
        Ref::new(address, "/name")
    }
}

impl Kind for Bucket {
    const NAME: &'static str = "aws.s3.bucket";
    const REPLACE_ON: &'static [&'static str] = &["/name"];
    const TAGGABLE: bool = true;
    const TYPICAL_MS: u32 = 800;

    type Clients = Clients;
    type Inputs = BucketInputs;
    type Outputs = BucketOutputs;

    fn identity(inputs: &Self::Inputs) -> Identity {
        Identity::Name(inputs.name.to_string())
    }

    fn validate(inputs: &Self::Inputs) -> Result<(), (String, String)> {
        let wrong = |at: &str, message: String| Err((at.to_owned(), message));
        if !is_name(inputs.name.as_str()) {
            return wrong(
                "/name",
                format!(
                    "`{}` is no bucket's name: 3 to 63 lowercase letters, digits, dots and hyphens, the first and last a letter or digit",
                    inputs.name
                ),
            );
        }
        if inputs.expiration_days == Some(0) {
            return wrong(
                "/expiration_days",
                "objects expire after 1 day at the earliest".to_owned(),
            );
        }
        if !inputs.block_public_access {
            return wrong(
                "/block_public_access",
                "a bucket cannot be made public here".to_owned(),
            );
        }
        tags::validate(&inputs.tags)
    }

    fn permissions(op: Op, inputs: &Self::Inputs, placement: &Placement) -> Vec<Permission> {
        let arn = format!(
            "arn:{}:s3:::{}",
            partition(placement.region_or_any()),
            inputs.name
        );
        let put = [
            "s3:PutBucketPublicAccessBlock",
            "s3:PutBucketTagging",
            "s3:PutBucketVersioning",
            "s3:PutLifecycleConfiguration",
        ];
        match op {
            Op::Read => Permission::all(
                &[
                    "s3:GetBucketPublicAccessBlock",
                    "s3:GetBucketTagging",
                    "s3:GetBucketVersioning",
                    "s3:GetLifecycleConfiguration",
                ],
                &arn,
            ),
            Op::Create => {
                let create = ["s3:CreateBucket", "s3:ListBucket", "s3:TagResource"];
                Permission::all(&[&create[..], &put[..]].concat(), &arn)
            }
            Op::Update => Permission::all(&put, &arn),
            Op::Delete if inputs.force_destroy => {
                let mut all = Permission::all(&["s3:DeleteBucket", "s3:ListBucketVersions"], &arn);
                all.extend(Permission::all(
                    &["s3:DeleteObject", "s3:DeleteObjectVersion"],
                    &format!("{arn}/*"),
                ));
                all
            }
            Op::Delete => Permission::all(&["s3:DeleteBucket"], &arn),
        }
    }

    async fn read(
        cx: &Cx<'_, Clients>,
        who: Who<'_, Self::Inputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        let name = who.id.map_or(who.inputs.name.as_str(), PhysicalId::as_str);
        let s3 = cx.clients.s3();
        let (versioning, lifecycle, block, tagging) = tokio::join!(
            s3.get_bucket_versioning().bucket(name).send(),
            s3.get_bucket_lifecycle_configuration().bucket(name).send(),
            s3.get_public_access_block().bucket(name).send(),
            s3.get_bucket_tagging().bucket(name).send(),
        );
        let Some(versioning) = versioning.found("s3", "GetBucketVersioning", name)? else {
            return Ok(None);
        };
        let lifecycle = lifecycle.found("s3", "GetBucketLifecycleConfiguration", name)?;
        let block = block.found("s3", "GetPublicAccessBlock", name)?;
        let tagging = tagging.found("s3", "GetBucketTagging", name)?;
        let tags = tagging.map(|answer| {
            tags::from_pairs(answer.tag_set.iter().map(|tag| (tag.key(), tag.value())))
        });
        Ok(Some(Observed {
            id: PhysicalId::new(name),
            inputs: BucketInputs {
                name: BucketName::new(name),
                // A wish of ours that S3 knows nothing of.
                force_destroy: who.inputs.force_destroy,
                versioning: versioning.status == Some(BucketVersioningStatus::Enabled),
                expiration_days: lifecycle.and_then(|answer| expiration(answer.rules())),
                block_public_access: block
                    .and_then(|answer| answer.public_access_block_configuration)
                    .is_some_and(|block| block == all_blocked()),
                tags: tags.unwrap_or_default(),
            },
            outputs: outputs(cx, name),
            unobserved: &["/force_destroy"],
        }))
    }

    async fn create(cx: &Cx<'_, Clients>, want: &Self::Inputs) -> Result<Created<Self>, KindError> {
        let s3 = cx.clients.s3();
        let region = cx.clients.region();
        let name = want.name.as_str();
        let mut config = CreateBucketConfiguration::builder().set_tags(to_list(&want.tags)?);
        if region == CLASSIC {
            let there = s3.head_bucket().bucket(name).send().await;
            if there.found("s3", "HeadBucket", name)?.is_some() {
                return Err(KindError::new(
                    FaultClass::Exists,
                    "you own a bucket of that name already",
                )
                .on(name)
                .hint("choose another name, remove it, or `mcpdeploy import` it"));
            }
        } else {
            config = config.location_constraint(BucketLocationConstraint::from(region));
        }
        s3.create_bucket()
            .bucket(name)
            .set_create_bucket_configuration(
                (region != CLASSIC || !want.tags.is_empty()).then(|| config.build()),
            )
            .send()
            .await
            .fault("s3", "CreateBucket", name)?;
        Ok(Created::with(name, outputs(cx, name)))
    }

    async fn configure(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        delta: &Delta<'_>,
    ) -> Result<(), KindError> {
        fresh(delta, configure(cx, id.as_str(), want, delta).await)
    }

    async fn settle(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
        _: Option<Self::Outputs>,
    ) -> Result<Self::Outputs, KindError> {
        Ok(outputs(cx, id.as_str()))
    }

    async fn delete(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        had: &Self::Inputs,
    ) -> Result<(), KindError> {
        let name = id.as_str();
        if had.force_destroy {
            empty(cx, name).await?;
        }
        let result = cx
            .clients
            .s3()
            .delete_bucket()
            .bucket(name)
            .send()
            .await
            .removed("s3", "DeleteBucket", name);
        result.map_err(|error| match error.code.as_deref() {
            Some("BucketNotEmpty") => error.hint(
                "empty the bucket, or set `force_destroy = true` on it, apply, and then delete it",
            ),
            _ => error,
        })
    }
}

fn outputs(cx: &Cx<'_, Clients>, name: &str) -> BucketOutputs {
    BucketOutputs {
        arn: BucketArn::new(format!(
            "arn:{}:s3:::{name}",
            partition(cx.clients.region())
        )),
        name: BucketName::new(name),
    }
}

fn to_list(tags: &Tags) -> Result<Option<Vec<Tag>>, KindError> {
    if tags.is_empty() {
        return Ok(None);
    }
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build().map_err(built))
        .collect::<Result<Vec<_>, _>>()
        .map(Some)
}

/// A request that the SDK would not build.
fn built(error: aws_sdk_s3::error::BuildError) -> KindError {
    KindError::fatal(error.to_string())
}

fn is_name(name: &str) -> bool {
    let end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    (3..=63).contains(&name.len())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '-')
        && end(name.chars().next())
        && end(name.chars().next_back())
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["abc", "a.b-c", "mcp-artifacts-123456789012-eu-central-1"] {
            assert!(is_name(name), "{name}");
        }
        let long = "x".repeat(64);
        for name in [
            "ab",
            "Abc",
            "a_b",
            "-ab",
            "ab-",
            "a..b",
            "192.168.1.1",
            long.as_str(),
        ] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn a_bucket_is_never_public() {
        let mut inputs = BucketInputs::new("abc");
        assert!(Bucket::validate(&inputs).is_ok());
        inputs.block_public_access = false;
        assert_eq!(
            Bucket::validate(&inputs).unwrap_err().0,
            "/block_public_access"
        );
    }
}
