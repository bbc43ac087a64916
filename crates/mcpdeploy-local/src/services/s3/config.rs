//! The documents that configure a bucket: kept as they are, and given back.

use http::{HeaderValue, StatusCode};

use super::bucket::Config;
use super::fault::{malformed_xml, not_found};
use super::tagging;
use super::xml::Element;
use super::{S3, Target};
use crate::wire::{Call, Content, Fault, Reply, full};

/// A document and what S3 says when there is none.
#[derive(Debug)]
pub(super) struct Kind {
    /// Its name in the query.
    name: &'static str,
    /// The element that it is.
    root: &'static str,
    absent: Absent,
    /// Whether somebody who puts one gets what it promises, or at least can do without.
    kept: bool,
}

#[derive(Debug, Clone, Copy)]
enum Absent {
    /// A fault with status 404.
    Fault(&'static str, &'static str),
    /// A document without content.
    Empty,
    /// This content.
    Default(&'static str),
}

/// Source: the operations `GetBucket…` in the API reference.
const KINDS: &[Kind] = &[
    Kind {
        name: "tagging",
        root: "Tagging",
        absent: Absent::Fault("NoSuchTagSet", "The TagSet does not exist"),
        kept: true,
    },
    Kind {
        name: "publicAccessBlock",
        root: "PublicAccessBlockConfiguration",
        absent: Absent::Fault(
            "NoSuchPublicAccessBlockConfiguration",
            "The public access block configuration was not found",
        ),
        kept: true,
    },
    Kind {
        name: "ownershipControls",
        root: "OwnershipControls",
        absent: Absent::Fault(
            "OwnershipControlsNotFoundError",
            "The bucket ownership controls were not found",
        ),
        kept: true,
    },
    Kind {
        name: "encryption",
        root: "ServerSideEncryptionConfiguration",
        absent: Absent::Default(ENCRYPTION),
        kept: true,
    },
    Kind {
        name: "lifecycle",
        root: "LifecycleConfiguration",
        absent: Absent::Fault(
            "NoSuchLifecycleConfiguration",
            "The lifecycle configuration does not exist",
        ),
        kept: true,
    },
    Kind {
        name: "cors",
        root: "CORSConfiguration",
        absent: Absent::Fault(
            "NoSuchCORSConfiguration",
            "The CORS configuration does not exist",
        ),
        kept: true,
    },
    Kind {
        name: "website",
        root: "WebsiteConfiguration",
        absent: Absent::Fault(
            "NoSuchWebsiteConfiguration",
            "The specified bucket does not have a website configuration",
        ),
        kept: false,
    },
    Kind {
        name: "replication",
        root: "ReplicationConfiguration",
        absent: Absent::Fault(
            "ReplicationConfigurationNotFoundError",
            "The replication configuration was not found",
        ),
        kept: false,
    },
    Kind {
        name: "object-lock",
        root: "ObjectLockConfiguration",
        absent: Absent::Fault(
            "ObjectLockConfigurationNotFoundError",
            "Object Lock configuration does not exist for this bucket",
        ),
        kept: false,
    },
    Kind {
        name: "logging",
        root: "BucketLoggingStatus",
        absent: Absent::Empty,
        kept: false,
    },
    Kind {
        name: "notification",
        root: "NotificationConfiguration",
        absent: Absent::Empty,
        kept: false,
    },
    Kind {
        name: "accelerate",
        root: "AccelerateConfiguration",
        absent: Absent::Empty,
        kept: false,
    },
    Kind {
        name: "requestPayment",
        root: "RequestPaymentConfiguration",
        absent: Absent::Default(
            "<RequestPaymentConfiguration><Payer>BucketOwner</Payer></RequestPaymentConfiguration>",
        ),
        kept: false,
    },
];

const ENCRYPTION: &str = "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>\
    <SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault>\
    <BucketKeyEnabled>false</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>";

/// What every new bucket has since April 2023.
const BLOCKED: &str = "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls>\
    <IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy>\
    <RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>";

/// Which document a request is about.
pub(super) fn of(call: &Call) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| call.query(kind.name).is_some())
}

/// The documents of a new bucket.
pub(super) fn defaults(ownership: Option<&str>) -> Result<Config, Fault> {
    let owner = ownership.unwrap_or("BucketOwnerEnforced");
    let valid = [
        "BucketOwnerEnforced",
        "BucketOwnerPreferred",
        "ObjectWriter",
    ];
    if !valid.contains(&owner) {
        return Err(super::fault::invalid_argument(
            "Invalid x-amz-object-ownership header",
            "x-amz-object-ownership",
            owner,
        ));
    }
    let rule = Element::with("Rule", vec![Element::leaf("ObjectOwnership", owner)]);
    let controls = Element::with("OwnershipControls", vec![rule]);
    let block = Element::read(BLOCKED.as_bytes(), &["PublicAccessBlockConfiguration"])?;
    Ok(Config::from([
        ("ownershipControls".to_owned(), controls.document()),
        ("publicAccessBlock".to_owned(), block.document()),
    ]))
}

impl S3 {
    pub(super) fn get_config(&self, call: &Call, at: &Target) -> Result<Reply, Fault> {
        let state = self.state();
        let bucket = state.bucket(&at.bucket)?;
        let kind = of(call).ok_or_else(malformed_xml)?;
        if let Some(document) = bucket.config.get(kind.name) {
            return Ok(raw(document.clone(), "application/xml"));
        }
        let document = match kind.absent {
            Absent::Fault(code, message) => {
                return Err(not_found(code, message).field("BucketName", at.bucket.as_str()));
            }
            Absent::Empty => Element::leaf(kind.root, ""),
            Absent::Default(text) => Element::read(text.as_bytes(), &[kind.root])?,
        };
        Ok(raw(document.document(), "application/xml"))
    }

    pub(super) fn put_config(&self, call: &Call, at: &Target) -> Result<Reply, Fault> {
        // What a modern SDK sends along must fit here as well.
        let body = super::body::Upload::read(call)?;
        let mut state = self.state();
        state.bucket(&at.bucket)?;
        let kind = of(call).ok_or_else(malformed_xml)?;
        let mut root = Element::read(&body.bytes, &[kind.root])?;
        if !kind.kept {
            // Switching off what is not there is fine.
            if root.children.is_empty() {
                return Ok(Reply::empty(StatusCode::OK));
            }
            return Err(Fault::absent(format!("the {} of buckets", kind.name)));
        }
        match kind.name {
            "tagging" => check_tags(&root)?,
            "lifecycle" => complete_lifecycle(&mut root)?,
            _ if root.children.is_empty() => return Err(malformed_xml()),
            _ => {}
        }
        let document = root.document();
        state.change_bucket(&at.bucket, |bucket| {
            bucket.config.insert(kind.name.to_owned(), document)
        })?;
        let status = if kind.name == "tagging" {
            StatusCode::NO_CONTENT
        } else {
            StatusCode::OK
        };
        Ok(Reply::empty(status))
    }

    pub(super) fn delete_config(&self, call: &Call, at: &Target) -> Result<Reply, Fault> {
        let kind = of(call).ok_or_else(malformed_xml)?;
        self.state()
            .change_bucket(&at.bucket, |bucket| bucket.config.remove(kind.name))?;
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    }
}

/// Text as it is.
pub(super) fn raw(text: String, content_type: &'static str) -> Reply {
    let mut reply = Reply::with_status(StatusCode::OK, Content::Raw(full(text)));
    let content_type = HeaderValue::from_static(content_type);
    reply
        .headers
        .insert(http::header::CONTENT_TYPE, content_type);
    reply
}

/// Checks a bucket's tags.
pub(super) fn check_tags(root: &Element) -> Result<(), Fault> {
    tagging::checked(tagging::of(root)?, 50).map(|_| ())
}

/// Checks rules, and gives an id to those without.
fn complete_lifecycle(root: &mut Element) -> Result<(), Fault> {
    if root.children.is_empty() {
        return Err(malformed_xml());
    }
    for rule in &mut root.children {
        let status = rule.get("Status");
        let acts = [
            "Expiration",
            "Transition",
            "NoncurrentVersionExpiration",
            "NoncurrentVersionTransition",
            "AbortIncompleteMultipartUpload",
        ];
        if rule.name != "Rule" || !matches!(status, Some("Enabled" | "Disabled")) {
            return Err(malformed_xml());
        }
        if !acts.iter().any(|name| rule.child(name).is_some()) {
            return Err(super::fault::invalid_request(
                "At least one action needs to be specified in a rule",
            ));
        }
        if rule.get("ID").unwrap_or_default().is_empty() {
            rule.children.retain(|child| child.name != "ID");
            let id = uuid::Uuid::new_v4().to_string();
            rule.children.insert(0, Element::leaf("ID", &id));
        }
    }
    Ok(())
}
