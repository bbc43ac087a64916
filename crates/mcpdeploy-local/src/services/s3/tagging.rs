//! Tags.

use http::StatusCode;
use serde_json::json;

use super::fault::{malformed_xml, marker_not_allowed};
use super::headers::VERSION_ID;
use super::record::{NULL, Object, Tag};
use super::xml::Element;
use super::{S3, Target};
use crate::wire::{self, Call, Fault, Reply};

/// The tags in a document.
pub(super) fn of(root: &Element) -> Result<Vec<Tag>, Fault> {
    let set = root.child("TagSet").ok_or_else(malformed_xml)?;
    set.all("Tag")
        .map(|tag| match (tag.get("Key"), tag.get("Value")) {
            (Some(key), Some(value)) => Ok(Tag {
                key: key.to_owned(),
                value: value.to_owned(),
            }),
            (Some(_) | None, _) => Err(malformed_xml()),
        })
        .collect()
}

/// Checks tags, of which there may be so many.
pub(super) fn checked(tags: Vec<Tag>, most: usize) -> Result<Vec<Tag>, Fault> {
    let invalid = |message: &str| Fault::bad("InvalidTag", message);
    for (index, tag) in tags.iter().enumerate() {
        if tag.key.is_empty() || tag.key.chars().count() > 128 {
            return Err(invalid("The TagKey you have provided is invalid"));
        }
        if tag.value.chars().count() > 256 {
            return Err(invalid("The TagValue you have provided is invalid"));
        }
        if tag.key.starts_with("aws:") {
            return Err(invalid("System tags cannot be added/updated by requester"));
        }
        if tags[..index].iter().any(|other| other.key == tag.key) {
            return Err(invalid("Cannot provide multiple Tags with the same key")
                .field("TagKey", tag.key.as_str()));
        }
    }
    if tags.len() > most {
        let what = if most == 10 { "Object" } else { "Bucket" };
        return Err(Fault::bad(
            "BadRequest",
            format!("{what} tags cannot be greater than {most}"),
        ));
    }
    Ok(tags)
}

impl S3 {
    pub(super) fn get_tagging(&self, call: &Call, at: &Target) -> Result<Reply, Fault> {
        let version = call.query("versionId");
        let (object, data) = self.state().data(&at.bucket, &at.key, version)?;
        let tags = wire::flat(data.tags.iter().map(|tag| json!(tag)));
        let reply = Reply::output(json!({"Tagging": {"TagSet": {"Tag": tags}}}));
        Ok(with_version(reply, &object))
    }

    pub(super) fn put_tagging(&self, call: &Call, at: &Target) -> Result<Reply, Fault> {
        let body = super::body::Upload::read(call)?;
        let root = Element::read(&body.bytes, &["Tagging"])?;
        let tags = checked(of(&root)?, 10)?;
        self.set_tags(call, at, tags, StatusCode::OK)
    }

    pub(super) fn delete_tagging(&self, call: &Call, at: &Target) -> Result<Reply, Fault> {
        self.set_tags(call, at, Vec::new(), StatusCode::NO_CONTENT)
    }

    fn set_tags(
        &self,
        call: &Call,
        at: &Target,
        tags: Vec<Tag>,
        status: StatusCode,
    ) -> Result<Reply, Fault> {
        let mut state = self.state();
        let version = call.query("versionId");
        let (row, object) = state.version(&at.bucket, &at.key, version)?;
        let mut object = object.clone();
        match (&mut object.data, version) {
            (Some(data), _) => data.tags = tags,
            (None, None) => return Err(super::fault::no_such_key(&at.key)),
            (None, Some(_)) => return Err(marker_not_allowed()),
        }
        let reply = with_version(Reply::empty(status), &object);
        state.put_version(&row, object)?;
        Ok(reply)
    }
}

/// With the header that names the version, if it has a name.
fn with_version(reply: Reply, object: &Object) -> Reply {
    match http::HeaderValue::from_str(&object.version) {
        Ok(id) if object.version != NULL => reply.header(VERSION_ID, id),
        Ok(_) | Err(_) => reply,
    }
}
