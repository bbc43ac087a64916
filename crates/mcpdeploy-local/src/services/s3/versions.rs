//! Listing versions.

use serde_json::{Value, json};

use super::fault::invalid_argument;
use super::list::{Wanted, given};
use super::record::Object;
use super::{S3, Target, acl};
use crate::wire::{self, Call, Fault, Reply};

/// A version and whether it is the newest of its key.
struct Entry<'a> {
    key: String,
    object: &'a Object,
    latest: bool,
}

impl S3 {
    pub(super) fn list_versions(&self, call: &Call, at: &Target) -> Result<Reply, Fault> {
        let wanted = Wanted::read(call, "max-keys")?;
        let key_marker = call.query("key-marker").filter(|m| !m.is_empty());
        let id_marker = call.query("version-id-marker").filter(|m| !m.is_empty());
        if id_marker.is_some() && key_marker.is_none() {
            return Err(invalid_argument(
                "A version-id marker cannot be specified without a key marker.",
                "version-id-marker",
                id_marker.unwrap_or_default(),
            ));
        }
        let state = self.state();
        state.bucket(&at.bucket)?;
        let rows = format!("{}/", at.bucket);
        let mut before: Option<String> = None;
        let entries = state.objects.under(&rows).map(|(row, object)| {
            let key = row[rows.len()..]
                .rsplit_once('\u{0}')
                .map_or("", |(key, _)| key);
            let latest = before.as_deref() != Some(key);
            before = Some(key.to_owned());
            Entry {
                key: key.to_owned(),
                object,
                latest,
            }
        });
        let (mut found, mut prefixes) = (Vec::new(), Vec::new());
        let (mut last, mut truncated) = (None, false);
        // Within the marked key, versions count again from behind the marked one.
        let mut behind_id = id_marker.is_none();
        for entry in entries.filter(|entry| entry.key.starts_with(&wanted.prefix)) {
            let common = wanted.common(&entry.key).map(str::to_owned);
            let name = common.as_deref().unwrap_or(&entry.key);
            match key_marker {
                Some(marker) if name < marker => continue,
                Some(marker) if name == marker => {
                    if behind_id && id_marker.is_some() && common.is_none() {
                        // Falls through to being listed.
                    } else {
                        behind_id |= id_marker == Some(entry.object.version.as_str());
                        continue;
                    }
                }
                Some(_) | None => {}
            }
            if common.is_some() && common.as_ref() == prefixes.last() {
                continue;
            }
            if found.len() + prefixes.len() == wanted.most {
                truncated = true;
                break;
            }
            let id = common.is_none().then(|| entry.object.version.clone());
            last = Some((name.to_owned(), id));
            match common {
                Some(prefix) => prefixes.push(prefix),
                None => found.push(entry),
            }
        }
        let next = last.filter(|_| truncated);
        let (next_key, next_id) = next.map_or((None, None), |(key, id)| (Some(key), id));
        let listed = |markers: bool| {
            let entries = found
                .iter()
                .filter(|entry| entry.object.data.is_none() == markers)
                .map(|entry| write(&wanted, entry));
            wire::flat(entries)
        };
        Ok(Reply::output(json!({"ListVersionsResult": {
            "Name": at.bucket,
            "Prefix": wanted.write(&wanted.prefix),
            "KeyMarker": wanted.write(key_marker.unwrap_or_default()),
            "VersionIdMarker": id_marker.unwrap_or_default(),
            "NextKeyMarker": next_key.map(|key| wanted.write(&key)),
            "NextVersionIdMarker": next_id,
            "MaxKeys": wanted.most,
            "Delimiter": given(&wanted, &wanted.delimiter),
            "EncodingType": wanted.encoded.then_some("url"),
            "IsTruncated": truncated,
            "Version": listed(false),
            "DeleteMarker": listed(true),
            "CommonPrefixes": wanted.write_prefixes(&prefixes),
        }})))
    }
}

fn write(wanted: &Wanted, entry: &Entry<'_>) -> Value {
    let mut out = json!({
        "Key": wanted.write(&entry.key),
        "VersionId": entry.object.version,
        "IsLatest": entry.latest,
        "LastModified": wire::time(entry.object.modified),
    });
    if let Some(data) = &entry.object.data {
        out["ETag"] = json!(format!("\"{}\"", data.etag));
        out["Size"] = json!(data.size);
        out["StorageClass"] = json!(data.about.class.as_deref().unwrap_or("STANDARD"));
    }
    out["Owner"] = acl::owner();
    out
}
