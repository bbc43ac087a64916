//! `GetObjectAttributes`.

use serde_json::{Map, Value, json};

use super::fault::invalid_argument;
use super::headers::{Headers, VERSION_ID, http_date};
use super::record::NULL;
use super::{S3, Target};
use crate::wire::{Call, Fault, Reply};

impl S3 {
    pub(super) fn object_attributes(&self, call: &Call, at: &Target) -> Result<Reply, Fault> {
        let version = call.query("versionId");
        let (object, data) = self.state().data(&at.bucket, &at.key, version)?;
        let mut out = Map::new();
        // One header with all of them, or one each.
        let wanted = call.headers.get_all("x-amz-object-attributes");
        let wanted: Vec<&str> = wanted
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .collect();
        for name in wanted {
            let value = match name {
                "ETag" => json!(data.etag),
                "ObjectSize" => json!(data.size),
                "StorageClass" => json!(data.about.class.as_deref().unwrap_or("STANDARD")),
                "Checksum" => match &data.checksum {
                    None => Value::Null,
                    Some(checksum) => {
                        let member = format!("Checksum{}", checksum.algorithm.name());
                        // Without the number of parts, here and only here.
                        let value = checksum.value.split('-').next();
                        let mut members = Map::from_iter([(member, json!(value))]);
                        members.insert("ChecksumType".to_owned(), json!(checksum.kind()));
                        Value::Object(members)
                    }
                },
                "ObjectParts" => match data.parts {
                    None => Value::Null,
                    Some(parts) => json!({ "PartsCount": parts }),
                },
                other => {
                    return Err(invalid_argument(
                        "Invalid attribute name specified.",
                        "x-amz-object-attributes",
                        other,
                    ));
                }
            };
            out.insert(name.to_owned(), value);
        }
        let mut reply = Reply::output(json!({ "GetObjectAttributesResponse": out }));
        let mut headers = Headers::default();
        headers.set("last-modified", http_date(object.modified));
        if object.version != NULL {
            headers.set(VERSION_ID.as_str(), &object.version);
        }
        reply.headers = headers.0;
        Ok(reply)
    }
}
