//! What is set on a bucket after its creation, and emptying it.

use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketVersioningStatus, Delete, ExpirationStatus,
    LifecycleExpiration, LifecycleRule, LifecycleRuleFilter, NoncurrentVersionExpiration,
    ObjectIdentifier, PublicAccessBlockConfiguration, Tagging, VersioningConfiguration,
};
use mcpdeploy_engine::kind::{Cx, Delta, KindError};

use super::{BucketInputs, built, to_list};
use crate::clients::Clients;
use crate::fault::Fault;

/// The one lifecycle rule that is ours.
const RULE: &str = "mcpdeploy-expiration";

pub(super) async fn configure(
    cx: &Cx<'_, Clients>,
    name: &str,
    want: &BucketInputs,
    delta: &Delta<'_>,
) -> Result<(), KindError> {
    let s3 = cx.clients.s3();
    // First of all: whatever fails after it, the bucket is known to be ours.
    if delta.touches("/tags") {
        let tagging = Tagging::builder()
            .set_tag_set(Some(to_list(&want.tags)?.unwrap_or_default()))
            .build()
            .map_err(built)?;
        s3.put_bucket_tagging()
            .bucket(name)
            .tagging(tagging)
            .send()
            .await
            .fault("s3", "PutBucketTagging", name)?;
    }
    if delta.touches("/block_public_access") {
        s3.put_public_access_block()
            .bucket(name)
            .public_access_block_configuration(all_blocked())
            .send()
            .await
            .fault("s3", "PutPublicAccessBlock", name)?;
    }
    if delta.updates("/versioning") || delta.is_created() && want.versioning {
        let status = if want.versioning {
            BucketVersioningStatus::Enabled
        } else {
            BucketVersioningStatus::Suspended
        };
        s3.put_bucket_versioning()
            .bucket(name)
            .versioning_configuration(VersioningConfiguration::builder().status(status).build())
            .send()
            .await
            .fault("s3", "PutBucketVersioning", name)?;
    }
    if delta.updates("/expiration_days") || delta.is_created() && want.expiration_days.is_some() {
        configure_lifecycle(cx, name, want).await?;
    }
    Ok(())
}

async fn configure_lifecycle(
    cx: &Cx<'_, Clients>,
    name: &str,
    want: &BucketInputs,
) -> Result<(), KindError> {
    let s3 = cx.clients.s3();
    let Some(days) = want.expiration_days else {
        return s3
            .delete_bucket_lifecycle()
            .bucket(name)
            .send()
            .await
            .removed("s3", "DeleteBucketLifecycle", name);
    };
    let days = i32::try_from(days).unwrap_or(i32::MAX);
    let rule = LifecycleRule::builder()
        .id(RULE)
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("").build())
        .expiration(LifecycleExpiration::builder().days(days).build())
        .noncurrent_version_expiration(
            NoncurrentVersionExpiration::builder()
                .noncurrent_days(days)
                .build(),
        )
        .build()
        .map_err(built)?;
    let lifecycle = BucketLifecycleConfiguration::builder()
        .rules(rule)
        .build()
        .map_err(built)?;
    s3.put_bucket_lifecycle_configuration()
        .bucket(name)
        .lifecycle_configuration(lifecycle)
        .send()
        .await
        .fault("s3", "PutBucketLifecycleConfiguration", name)
        .map(|_| ())
}

/// Deletes every object, version and delete marker.
pub(super) async fn empty(cx: &Cx<'_, Clients>, name: &str) -> Result<(), KindError> {
    let s3 = cx.clients.s3();
    loop {
        let page = s3.list_object_versions().bucket(name).send().await.found(
            "s3",
            "ListObjectVersions",
            name,
        )?;
        let Some(page) = page else {
            return Ok(());
        };
        let versions = page.versions().iter().map(|v| (v.key(), v.version_id()));
        let markers = page
            .delete_markers()
            .iter()
            .map(|m| (m.key(), m.version_id()));
        let objects = versions
            .chain(markers)
            .map(|(key, version)| {
                ObjectIdentifier::builder()
                    .key(key.unwrap_or_default())
                    .set_version_id(version.map(str::to_owned))
                    .build()
                    .map_err(built)
            })
            .collect::<Result<Vec<_>, _>>()?;
        if objects.is_empty() {
            return Ok(());
        }
        cx.phase("emptying the bucket");
        let delete = Delete::builder()
            .set_objects(Some(objects))
            .quiet(true)
            .build()
            .map_err(built)?;
        let answer = s3
            .delete_objects()
            .bucket(name)
            .delete(delete)
            .send()
            .await
            .fault("s3", "DeleteObjects", name)?;
        // Without this, an object that cannot be deleted would be tried for ever.
        if let Some(error) = answer.errors().first() {
            let key = error.key().unwrap_or_default();
            return Err(KindError::fatal(format!(
                "cannot delete the object `{key}`: {}",
                error
                    .message()
                    .or(error.code())
                    .unwrap_or("no reason given")
            ))
            .on(name));
        }
    }
}

/// The days of the rule that is ours; of any other rule S3 may have, nothing is known here.
pub(super) fn expiration(rules: &[LifecycleRule]) -> Option<u32> {
    rules
        .iter()
        .find(|rule| rule.id() == Some(RULE) && rule.status() == &ExpirationStatus::Enabled)
        .and_then(|rule| rule.expiration()?.days())
        .and_then(|days| u32::try_from(days).ok())
}

pub(super) fn all_blocked() -> PublicAccessBlockConfiguration {
    PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .ignore_public_acls(true)
        .block_public_policy(true)
        .restrict_public_buckets(true)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_rule_counts() {
        let rule = |id: &str, days: i32| {
            LifecycleRule::builder()
                .id(id)
                .status(ExpirationStatus::Enabled)
                .expiration(LifecycleExpiration::builder().days(days).build())
                .build()
                .unwrap()
        };
        assert_eq!(expiration(&[rule("x", 1), rule(RULE, 30)]), Some(30));
        assert_eq!(expiration(&[rule("x", 1)]), None);
    }
}
