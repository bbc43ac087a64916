//! Access control lists, of which buckets have but one: the owner may do everything.

use http::StatusCode;
use serde_json::{Value, json};

use super::config::raw;
use super::{S3, Target};
use crate::wire::{Call, Fault, Reply};

/// The owner's canonical id: 64 hexadecimal digits.
const OWNER: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The owner of everything.
pub(super) fn owner() -> Value {
    json!({ "ID": OWNER })
}

pub(super) fn not_supported() -> Fault {
    Fault::bad(
        "AccessControlListNotSupported",
        "The bucket does not allow ACLs",
    )
}

impl S3 {
    pub(super) fn bucket_acl(&self, at: &Target) -> Result<Reply, Fault> {
        self.state().bucket(&at.bucket)?;
        Ok(owners())
    }

    pub(super) fn object_acl(&self, call: &Call, at: &Target) -> Result<Reply, Fault> {
        self.state()
            .data(&at.bucket, &at.key, call.query("versionId"))?;
        Ok(owners())
    }

    /// Puts the list of a bucket or an object: only the one that is there already.
    pub(super) fn put_acl(&self, call: &Call, at: &Target) -> Result<Reply, Fault> {
        let state = self.state();
        state.bucket(&at.bucket)?;
        if !at.key.is_empty() {
            state.data(&at.bucket, &at.key, call.query("versionId"))?;
        }
        match call.header("x-amz-acl") {
            Some("private" | "bucket-owner-full-control") => Ok(Reply::empty(StatusCode::OK)),
            Some(_) | None => Err(not_supported()),
        }
    }
}

fn owners() -> Reply {
    raw(
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <AccessControlPolicy xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Owner><ID>{OWNER}</ID></Owner>\
             <AccessControlList><Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
             xsi:type=\"CanonicalUser\"><ID>{OWNER}</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant>\
             </AccessControlList></AccessControlPolicy>"
        ),
        "application/xml",
    )
}
