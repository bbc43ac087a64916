//! `aws.s3.object`: an artifact in a bucket, e.g. a zip that is too large to send to Lambda inline.
//!
//! Facts, from the S3 API reference:
//! - PutObject takes up to 5 GB in one call and overwrites what is there;
//! - an ETag is no digest of the content in general, so the artifact's own digest is kept in the
//!   object's metadata, which HeadObject tells;
//! - since December 2020 reads after writes are consistent.

use aws_sdk_s3::primitives::ByteStream;
use mcpdeploy_engine::address::{Address, PhysicalId};
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, Identity, Kind, KindError, Observed, Op, Permission, Placement, Who,
};
use mcpdeploy_engine::value::{Input, Ref};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::artifacts::CodeSha256;
use crate::clients::{Clients, upload_timeouts};
use crate::fault::Fault;
use crate::ids::{BucketName, ObjectKey, partition};

/// The key of the digest in the object's metadata.
const DIGEST: &str = "mcpdeploy-sha256";

/// An object in a bucket.
#[derive(Debug)]
pub enum Object {}

/// What one can ask of an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectInputs {
    /// The bucket it lies in.
    pub bucket: Input<BucketName>,
    /// Its key. Put the digest into it: then a new artifact is a new object, and who refers to the
    /// key changes with it.
    pub key: ObjectKey,
    /// The digest of the artifact: SHA-256 in Base64.
    pub source: CodeSha256,
}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectOutputs {
    /// The bucket it lies in.
    pub bucket: BucketName,
    /// Its key.
    pub key: ObjectKey,
    /// Its entity tag, as S3 gives it.
    pub etag: String,
    /// Its version, in a bucket with versioning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
}

impl Object {
    /// Refers to the bucket of the object at `address`.
    #[must_use]
    pub fn bucket(address: &Address) -> Ref<BucketName> {
        Ref::new(address, "/bucket")
    }

    /// Refers to the key of the object at `address`.
    #[must_use]
    pub fn key(address: &Address) -> Ref<ObjectKey> {
        Ref::new(address, "/key")
    }
}

impl Kind for Object {
    const NAME: &'static str = "aws.s3.object";
    const REPLACE_ON: &'static [&'static str] = &["/bucket", "/key"];
    const VOLATILE: &'static [(&'static str, &'static str)] =
        &[("/source", "/etag"), ("/source", "/version_id")];
    const TYPICAL_MS: u32 = 2000;

    type Clients = Clients;
    type Inputs = ObjectInputs;
    type Outputs = ObjectOutputs;

    fn identity(inputs: &Self::Inputs) -> Identity {
        Identity::InParent {
            parent: inputs.bucket.get().to_string(),
            key: inputs.key.to_string(),
        }
    }

    fn validate(inputs: &Self::Inputs) -> Result<(), (String, String)> {
        if inputs.key.as_str().is_empty() || inputs.key.as_str().len() > 1024 {
            return Err(("/key".to_owned(), "a key has 1 to 1024 bytes".to_owned()));
        }
        inputs
            .source
            .to_hex()
            .map(|_| ())
            .map_err(|message| ("/source".to_owned(), message))
    }

    fn permissions(op: Op, inputs: &Self::Inputs, placement: &Placement) -> Vec<Permission> {
        let bucket = inputs.bucket.known().map_or("*", BucketName::as_str);
        let bucket = format!("arn:{}:s3:::{bucket}", partition(placement.region_or_any()));
        let object = format!("{bucket}/{}", inputs.key);
        match op {
            // Without s3:ListBucket, S3 says "forbidden" of what is not there.
            Op::Read => vec![
                Permission::new("s3:GetObject", object),
                Permission::new("s3:ListBucket", bucket),
            ],
            Op::Create | Op::Update => Permission::all(&["s3:GetObject", "s3:PutObject"], &object),
            Op::Delete => vec![Permission::new("s3:DeleteObject", object)],
        }
    }

    async fn read(
        cx: &Cx<'_, Clients>,
        who: Who<'_, Self::Inputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        let id = match who.id {
            Some(id) => id.clone(),
            None => id(who.inputs),
        };
        let (bucket, key) = parts(&id)?;
        let answer = cx
            .clients
            .s3()
            .head_object()
            .bucket(bucket)
            .key(key)
            .send()
            .await
            .found("s3", "HeadObject", &id)?;
        Ok(answer.map(|answer| Observed {
            inputs: ObjectInputs {
                bucket: BucketName::new(bucket).into(),
                key: ObjectKey::new(key),
                // Written by somebody else when there is none: a difference.
                source: CodeSha256::new(
                    answer
                        .metadata()
                        .and_then(|metadata| metadata.get(DIGEST))
                        .map_or("", String::as_str),
                ),
            },
            outputs: ObjectOutputs {
                bucket: BucketName::new(bucket),
                key: ObjectKey::new(key),
                etag: answer.e_tag.unwrap_or_default(),
                version_id: version(answer.version_id),
            },
            id: id.clone(),
            unobserved: &[],
        }))
    }

    async fn create(cx: &Cx<'_, Clients>, want: &Self::Inputs) -> Result<Created<Self>, KindError> {
        let outputs = put(cx, want).await?;
        Ok(Created::with(id(want).as_str(), outputs))
    }

    async fn configure(
        cx: &Cx<'_, Clients>,
        _: &PhysicalId,
        want: &Self::Inputs,
        delta: &Delta<'_>,
    ) -> Result<(), KindError> {
        if delta.updates("/source") {
            put(cx, want).await?;
        }
        Ok(())
    }

    async fn settle(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        so_far: Option<Self::Outputs>,
    ) -> Result<Self::Outputs, KindError> {
        let who = Who {
            id: Some(id),
            inputs: want,
            others: &[],
        };
        // An update leaves the outputs of before in `so_far`: they are asked for again, unless
        // they come from the creation just now, which cannot be told apart.
        match (Self::read(cx, who).await?, so_far) {
            (Some(found), _) => Ok(found.outputs),
            (None, Some(outputs)) => Ok(outputs),
            (None, None) => Err(KindError::fatal("the object is gone again").on(id.as_str())),
        }
    }

    async fn delete(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
    ) -> Result<(), KindError> {
        let (bucket, key) = parts(id)?;
        cx.clients
            .s3()
            .delete_object()
            .bucket(bucket)
            .key(key)
            .send()
            .await
            .removed("s3", "DeleteObject", id)
    }
}

async fn put(cx: &Cx<'_, Clients>, want: &ObjectInputs) -> Result<ObjectOutputs, KindError> {
    let bytes = cx.clients.artifacts.bytes(&want.source).await?;
    let bucket = want.bucket.get();
    cx.phase("uploading");
    let answer = cx
        .clients
        .s3()
        .put_object()
        .bucket(bucket)
        .key(&want.key)
        .metadata(DIGEST, want.source.as_str())
        .content_type("application/zip")
        .body(ByteStream::from(bytes))
        .customize()
        .config_override(aws_sdk_s3::config::Builder::new().timeout_config(upload_timeouts()))
        .send()
        .await
        .fault("s3", "PutObject", id(want))?;
    Ok(ObjectOutputs {
        bucket: bucket.clone(),
        key: want.key.clone(),
        etag: answer.e_tag.unwrap_or_default(),
        version_id: version(answer.version_id),
    })
}

/// `<bucket>/<key>`: a bucket's name has no slash.
fn id(inputs: &ObjectInputs) -> PhysicalId {
    PhysicalId::new(format!("{}/{}", inputs.bucket.get(), inputs.key))
}

fn parts(id: &PhysicalId) -> Result<(&str, &str), KindError> {
    id.as_str()
        .split_once('/')
        .ok_or_else(|| KindError::fatal("the id of an object is <bucket>/<key>").on(id.as_str()))
}

/// Emulators say `null` where S3 says nothing.
fn version(id: Option<String>) -> Option<String> {
    id.filter(|id| id != "null")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_parts_at_its_first_slash() {
        let inputs = ObjectInputs {
            bucket: BucketName::new("b").into(),
            key: "code/x.zip".into(),
            source: CodeSha256::of(b""),
        };
        assert!(Object::validate(&inputs).is_ok());
        assert_eq!(parts(&id(&inputs)).unwrap(), ("b", "code/x.zip"));
        assert!(parts(&PhysicalId::new("b")).is_err());
    }
}
