//! Buckets.

use std::collections::BTreeMap;

use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::fault::{malformed_xml, not_found};
use super::record::{Bucket, Versioning};
use super::xml::Element;
use super::{S3, Target, config};
use crate::cloud::ACCOUNT;
use crate::wire::{self, Call, Fault, Reply};

/// The region that buckets are in when nothing is said.
const CLASSIC: &str = "us-east-1";

impl S3 {
    pub(super) fn list_buckets(&self, call: &Call) -> Result<Reply, Fault> {
        let prefix = call.query("prefix").unwrap_or_default();
        let region = call.query("bucket-region");
        let state = self.state();
        let buckets: Vec<_> = state
            .buckets
            .under(prefix)
            .filter(|(_, bucket)| region.is_none_or(|region| bucket.region == region))
            .map(|(name, bucket)| {
                json!({
                    "Name": name,
                    "CreationDate": wire::time(bucket.created),
                    "BucketRegion": bucket.region,
                })
            })
            .collect();
        Ok(Reply::output(json!({"ListAllMyBucketsResult": {
            "Owner": super::acl::owner(),
            "Buckets": {"Bucket": wire::flat(buckets)},
        }})))
    }

    pub(super) fn create_bucket(&self, call: &Call, at: &Target) -> Result<Reply, Fault> {
        let name = at.bucket.as_str();
        if !is_name(name) {
            return Err(
                Fault::bad("InvalidBucketName", "The specified bucket is not valid.")
                    .field("BucketName", name),
            );
        }
        if call.header("x-amz-bucket-object-lock-enabled") == Some("true") {
            return Err(Fault::absent("object lock"));
        }
        if !["private", ""].contains(&call.header("x-amz-acl").unwrap_or_default()) {
            return Err(Fault::bad(
                "InvalidBucketAclWithObjectOwnership",
                "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
            ));
        }
        let mut config = config::defaults(call.header("x-amz-object-ownership"))?;
        let mut region = None;
        if !call.body.is_empty() {
            let root = Element::read(&call.body, &["CreateBucketConfiguration"])?;
            region = root.get("LocationConstraint").map(str::to_owned);
            if let Some(tags) = root.child("Tags").filter(|tags| !tags.children.is_empty()) {
                let set = Element::with("TagSet", tags.children.clone());
                let tagging = Element::with("Tagging", vec![set]);
                config::check_tags(&tagging)?;
                config.insert("tagging".to_owned(), tagging.document());
            }
            if root.child("Bucket").is_some() || root.child("Location").is_some() {
                return Err(Fault::absent("directory buckets"));
            }
        }
        let region = location(region.as_deref(), &call.region)?;
        let mut state = self.state();
        if let Some(there) = state.buckets.get(name) {
            // In the oldest region only, making one's own bucket again is no fault.
            if there.region == CLASSIC && region == CLASSIC {
                return Ok(made(name));
            }
            return Err(Fault::new(
                StatusCode::CONFLICT,
                "BucketAlreadyOwnedByYou",
                "Your previous request to create the named bucket succeeded and you already own it.",
            )
            .field("BucketName", name));
        }
        let bucket = Bucket {
            region,
            created: at.now,
            versioning: None,
            policy: None,
            config,
        };
        state.buckets.put(name, bucket)?;
        Ok(made(name))
    }

    pub(super) fn head_bucket(&self, at: &Target) -> Result<Reply, Fault> {
        let state = self.state();
        let bucket = state.bucket(&at.bucket)?;
        let mut reply = Reply::empty(StatusCode::OK);
        if let Ok(region) = HeaderValue::from_str(&bucket.region) {
            reply.headers.insert("x-amz-bucket-region", region);
        }
        Ok(reply)
    }

    pub(super) fn delete_bucket(&self, at: &Target) -> Result<Reply, Fault> {
        let mut state = self.state();
        let bucket = state.bucket(&at.bucket)?;
        let rows = format!("{}/", at.bucket);
        if state.objects.under(&rows).next().is_some() {
            let versions = if bucket.versioning.is_some() {
                ". You must delete all versions in the bucket."
            } else {
                ""
            };
            return Err(Fault::new(
                StatusCode::CONFLICT,
                "BucketNotEmpty",
                format!("The bucket you tried to delete is not empty{versions}"),
            )
            .field("BucketName", at.bucket.as_str()));
        }
        // Uploads that were not completed go with their bucket.
        let (mut files, mut changes) = (Vec::new(), Vec::new());
        for (row, upload) in state.uploads.under(&rows) {
            files.extend(upload.parts.values().map(|part| part.file.clone()));
            changes.push((row.to_owned(), None));
        }
        state.uploads.write(changes)?;
        state.buckets.remove(&at.bucket)?;
        drop(state);
        self.remove_files(&files);
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    }

    pub(super) fn bucket_location(&self, at: &Target) -> Result<Reply, Fault> {
        let state = self.state();
        let region = state.bucket(&at.bucket)?.region.as_str();
        // The oldest region has no name here.
        let region = if region == CLASSIC { "" } else { region };
        Ok(Reply::output(json!({ "LocationConstraint": region })))
    }

    pub(super) fn get_versioning(&self, at: &Target) -> Result<Reply, Fault> {
        let state = self.state();
        let status = state.bucket(&at.bucket)?.versioning.map(|v| match v {
            Versioning::Enabled => "Enabled",
            Versioning::Suspended => "Suspended",
        });
        Ok(Reply::output(
            json!({"VersioningConfiguration": {"Status": status}}),
        ))
    }

    pub(super) fn put_versioning(&self, call: &Call, at: &Target) -> Result<Reply, Fault> {
        let root = Element::read(&call.body, &["VersioningConfiguration"])?;
        if root.get("MfaDelete") == Some("Enabled") {
            return Err(Fault::absent("deletion by multi-factor authentication"));
        }
        let versioning = match root.get("Status") {
            Some("Enabled") => Versioning::Enabled,
            Some("Suspended") => Versioning::Suspended,
            Some(_) | None => return Err(malformed_xml()),
        };
        let mut state = self.state();
        state.change_bucket(&at.bucket, |bucket| bucket.versioning = Some(versioning))?;
        Ok(Reply::empty(StatusCode::OK))
    }

    pub(super) fn get_policy(&self, at: &Target) -> Result<Reply, Fault> {
        let state = self.state();
        match &state.bucket(&at.bucket)?.policy {
            Some(policy) => Ok(config::raw(policy.clone(), "application/json")),
            None => Err(no_policy(&at.bucket)),
        }
    }

    pub(super) fn put_policy(&self, call: &Call, at: &Target) -> Result<Reply, Fault> {
        let malformed = |message: &str| Fault::bad("MalformedPolicy", message);
        let policy: serde_json::Value = serde_json::from_slice(&call.body)
            .map_err(|_| malformed("Policies must be valid JSON and the first byte must be '{'"))?;
        if !policy.is_object() {
            return Err(malformed(
                "Policies must be valid JSON and the first byte must be '{'",
            ));
        }
        if policy.get("Statement").is_none() {
            return Err(malformed("Missing required field Statement"));
        }
        let text = String::from_utf8_lossy(&call.body).into_owned();
        let mut state = self.state();
        state.change_bucket(&at.bucket, |bucket| bucket.policy = Some(text))?;
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    }

    pub(super) fn delete_policy(&self, at: &Target) -> Result<Reply, Fault> {
        let mut state = self.state();
        state.change_bucket(&at.bucket, |bucket| bucket.policy = None)?;
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    }

    /// Nothing here is public, whatever a policy says: everybody is the owner.
    pub(super) fn policy_status(&self, at: &Target) -> Result<Reply, Fault> {
        let state = self.state();
        if state.bucket(&at.bucket)?.policy.is_none() {
            return Err(no_policy(&at.bucket));
        }
        Ok(Reply::output(
            json!({"PolicyStatus": {"IsPublic": "FALSE"}}),
        ))
    }
}

fn no_policy(bucket: &str) -> Fault {
    not_found("NoSuchBucketPolicy", "The bucket policy does not exist").field("BucketName", bucket)
}

fn made(name: &str) -> Reply {
    let mut reply = Reply::empty(StatusCode::OK);
    if let Ok(location) = HeaderValue::from_str(&format!("/{name}")) {
        reply.headers.insert(http::header::LOCATION, location);
    }
    let arn = HeaderValue::from_str(&format!("arn:aws:s3:::{name}"));
    if let Ok(arn) = arn {
        reply.headers.insert("x-amz-bucket-arn", arn);
    }
    reply
}

/// The region of a new bucket.
fn location(constraint: Option<&str>, region: &str) -> Result<String, Fault> {
    match constraint.filter(|constraint| !constraint.is_empty()) {
        None if region == CLASSIC => Ok(CLASSIC.to_owned()),
        None => Err(Fault::bad(
            "IllegalLocationConstraintException",
            "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.",
        )),
        // An old name, and never the name of the oldest region.
        Some("EU") => Ok("eu-west-1".to_owned()),
        Some(CLASSIC) => Err(Fault::bad(
            "InvalidLocationConstraint",
            "The specified location-constraint is not valid",
        )
        .field("LocationConstraint", CLASSIC)),
        Some(wanted) if region == CLASSIC || wanted == region => Ok(wanted.to_owned()),
        Some(wanted) => Err(Fault::bad(
            "IllegalLocationConstraintException",
            format!(
                "The {wanted} location constraint is incompatible for the region specific endpoint this request was sent to."
            ),
        )),
    }
}

/// Source: "Bucket naming rules" in the user guide.
fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '-';
    let end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    (3..=63).contains(&name.len())
        && name.chars().all(fits)
        && end(name.chars().next())
        && end(name.chars().next_back())
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
        && !name.starts_with("xn--")
        && !name.ends_with("-s3alias")
}

/// What a bucket belongs to; for those who check it (`x-amz-expected-bucket-owner`).
pub(super) fn check_owner(call: &Call) -> Result<(), Fault> {
    match call.header("x-amz-expected-bucket-owner") {
        Some(owner) if owner != ACCOUNT => Err(Fault::new(
            StatusCode::FORBIDDEN,
            "AccessDenied",
            "Access Denied",
        )),
        Some(_) | None => Ok(()),
    }
}

/// The documents of a new bucket.
pub(super) type Config = BTreeMap<String, String>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["abc", "a.b-c", "mcp-artifacts-000000000000-eu-central-1"] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "ab",
            "Abc",
            "a_b",
            "-ab",
            "ab-",
            "a..b",
            "192.168.1.1",
            "xn--abc",
        ] {
            assert!(!is_name(name), "{name}");
        }
        assert!(!is_name(&"x".repeat(64)));
    }

    #[test]
    fn locations() {
        for (constraint, region, wanted) in [
            (None, "us-east-1", Ok("us-east-1")),
            (None, "eu-west-1", Err("IllegalLocationConstraintException")),
            (Some("eu-west-1"), "eu-west-1", Ok("eu-west-1")),
            (Some("eu-west-1"), "us-east-1", Ok("eu-west-1")),
            (
                Some("eu-west-1"),
                "eu-west-2",
                Err("IllegalLocationConstraintException"),
            ),
            (
                Some("us-east-1"),
                "us-east-1",
                Err("InvalidLocationConstraint"),
            ),
        ] {
            let found = location(constraint, region).map_err(|fault| fault.code);
            let wanted = wanted.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(found, wanted, "{constraint:?} {region}");
        }
    }
}
