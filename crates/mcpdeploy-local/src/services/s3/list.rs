//! Listing objects.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::fault::invalid_argument;
use super::record::{Data, Object};
use super::{S3, State, Target, acl};
use crate::wire::{self, Call, Fault, Reply};

/// What stays as it is in a URL-encoded key.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b'/');

/// What is asked for.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) prefix: String,
    pub(super) delimiter: String,
    pub(super) most: usize,
    /// Whether keys are to be URL-encoded.
    pub(super) encoded: bool,
}

/// One page of a list.
#[derive(Debug)]
pub(super) struct Page<T> {
    pub(super) entries: Vec<T>,
    pub(super) prefixes: Vec<String>,
    /// The last key or common prefix, when there is more.
    pub(super) last: Option<String>,
}

impl Wanted {
    pub(super) fn read(call: &Call, most: &str) -> Result<Self, Fault> {
        let text = |name: &str| call.query(name).unwrap_or_default().to_owned();
        let number = text(most);
        let limit = match number.parse::<usize>() {
            Ok(number) => number.min(1000),
            Err(_) if number.is_empty() => 1000,
            Err(_) => {
                return Err(invalid_argument(
                    "Provided max-keys not an integer or within integer range",
                    most,
                    &number,
                ));
            }
        };
        let encoded = match call.query("encoding-type") {
            None => false,
            Some("url") => true,
            Some(other) => {
                return Err(invalid_argument(
                    "Invalid Encoding Method specified in Request",
                    "encoding-type",
                    other,
                ));
            }
        };
        Ok(Self {
            prefix: text("prefix"),
            delimiter: text("delimiter"),
            most: limit,
            encoded,
        })
    }

    /// A key as it is to be written.
    pub(super) fn write(&self, key: &str) -> String {
        if self.encoded {
            utf8_percent_encode(key, PLAIN).to_string()
        } else {
            key.to_owned()
        }
    }

    /// The part that a key shares with others up to the delimiter.
    pub(super) fn common<'a>(&self, key: &'a str) -> Option<&'a str> {
        if self.delimiter.is_empty() {
            return None;
        }
        let rest = key.strip_prefix(self.prefix.as_str())?;
        let end = rest.find(self.delimiter.as_str())?;
        key.get(..self.prefix.len() + end + self.delimiter.len())
    }

    /// A page of entries that come in the order of their keys.
    pub(super) fn page<T>(
        &self,
        entries: impl Iterator<Item = (String, T)>,
        after: Option<&str>,
    ) -> Page<T> {
        let mut page = Page {
            entries: Vec::new(),
            prefixes: Vec::new(),
            last: None,
        };
        let mut last: Option<String> = None;
        for (key, entry) in entries.filter(|(key, _)| key.starts_with(&self.prefix)) {
            let common = self.common(&key).map(str::to_owned);
            let name = common.clone().unwrap_or_else(|| key.clone());
            if after.is_some_and(|after| name.as_str() <= after) {
                continue;
            }
            if common.is_some() && common.as_ref() == page.prefixes.last() {
                continue;
            }
            if page.entries.len() + page.prefixes.len() == self.most {
                page.last = last;
                break;
            }
            last = Some(name);
            match common {
                Some(prefix) => page.prefixes.push(prefix),
                None => page.entries.push(entry),
            }
        }
        page
    }

    pub(super) fn write_prefixes(&self, prefixes: &[String]) -> Value {
        let prefixes = prefixes.iter().map(|p| json!({"Prefix": self.write(p)}));
        wire::flat(prefixes)
    }
}

impl State {
    /// Every object of a bucket as it is now, by its key.
    fn current<'a>(
        &'a self,
        bucket: &'a str,
    ) -> impl Iterator<Item = (String, (String, &'a Object, &'a Data))> {
        let rows = format!("{bucket}/");
        let start = rows.len();
        let mut before: Option<String> = None;
        self.objects
            .under(&rows)
            .filter_map(move |(row, object)| {
                let key = row[start..].rsplit_once('\u{0}').map_or("", |(key, _)| key);
                let newest = before.as_deref() != Some(key);
                before = Some(key.to_owned());
                let data = object.data.as_ref().filter(|_| newest)?;
                Some((key.to_owned(), (key.to_owned(), object, data)))
            })
            .collect::<Vec<_>>()
            .into_iter()
    }
}

impl S3 {
    pub(super) fn list_objects(&self, call: &Call, at: &Target) -> Result<Reply, Fault> {
        let wanted = Wanted::read(call, "max-keys")?;
        let marker = call.query("marker").filter(|marker| !marker.is_empty());
        let state = self.state();
        state.bucket(&at.bucket)?;
        let page = wanted.page(state.current(&at.bucket), marker);
        // Without a delimiter, the last key is the next marker.
        let next = page
            .last
            .as_deref()
            .filter(|_| !wanted.delimiter.is_empty());
        Ok(Reply::output(json!({"ListBucketResult": {
            "Name": at.bucket,
            "Prefix": wanted.write(&wanted.prefix),
            "Marker": wanted.write(marker.unwrap_or_default()),
            "NextMarker": next.map(|next| wanted.write(next)),
            "MaxKeys": wanted.most,
            "Delimiter": given(&wanted, &wanted.delimiter),
            "EncodingType": wanted.encoded.then_some("url"),
            "IsTruncated": page.last.is_some(),
            "Contents": contents(&wanted, &page.entries, true),
            "CommonPrefixes": wanted.write_prefixes(&page.prefixes),
        }})))
    }

    pub(super) fn list_objects_v2(&self, call: &Call, at: &Target) -> Result<Reply, Fault> {
        let wanted = Wanted::read(call, "max-keys")?;
        let token = call.query("continuation-token");
        let start = call.query("start-after").filter(|start| !start.is_empty());
        let continued = token.map(read_token).transpose()?;
        let after = continued.as_deref().or(start);
        let state = self.state();
        state.bucket(&at.bucket)?;
        let page = wanted.page(state.current(&at.bucket), after);
        let next = page.last.as_ref();
        let owners = call.query("fetch-owner") == Some("true");
        Ok(Reply::output(json!({"ListBucketResult": {
            "Name": at.bucket,
            "Prefix": wanted.write(&wanted.prefix),
            "StartAfter": start.map(|start| wanted.write(start)),
            "ContinuationToken": token,
            "NextContinuationToken": next.map(|last| BASE64_URL_SAFE_NO_PAD.encode(last)),
            "KeyCount": page.entries.len() + page.prefixes.len(),
            "MaxKeys": wanted.most,
            "Delimiter": given(&wanted, &wanted.delimiter),
            "EncodingType": wanted.encoded.then_some("url"),
            "IsTruncated": page.last.is_some(),
            "Contents": contents(&wanted, &page.entries, owners),
            "CommonPrefixes": wanted.write_prefixes(&page.prefixes),
        }})))
    }
}

fn read_token(token: &str) -> Result<String, Fault> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| {
        invalid_argument(
            "The continuation token provided is incorrect",
            "continuation-token",
            token,
        )
    })
}

pub(super) fn given(wanted: &Wanted, text: &str) -> Option<String> {
    (!text.is_empty()).then(|| wanted.write(text))
}

fn contents(wanted: &Wanted, entries: &[(String, &Object, &Data)], owners: bool) -> Value {
    let entries = entries.iter().map(|(key, object, data)| {
        json!({
            "Key": wanted.write(key),
            "LastModified": wire::time(object.modified),
            "ETag": format!("\"{}\"", data.etag),
            "ChecksumAlgorithm": data.checksum.as_ref().map(|c| c.algorithm.name()),
            "ChecksumType": data.checksum.as_ref().map(super::checksum::Checksum::kind),
            "Size": data.size,
            "Owner": owners.then(acl::owner),
            "StorageClass": data.about.class.as_deref().unwrap_or("STANDARD"),
        })
    });
    wire::flat(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(
        prefix: &str,
        delimiter: &str,
        most: usize,
        after: Option<&str>,
    ) -> (Vec<&'static str>, Vec<String>, Option<String>) {
        let wanted = Wanted {
            prefix: prefix.to_owned(),
            delimiter: delimiter.to_owned(),
            most,
            encoded: false,
        };
        let keys = ["a", "b/1", "b/2", "b/c/3", "d", "e/1"];
        let keys = keys.into_iter().map(|key| (key.to_owned(), key));
        let page = wanted.page(keys, after);
        (page.entries, page.prefixes, page.last)
    }

    #[test]
    fn pages() {
        let some = |text: &str| Some(text.to_owned());
        let list = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        for (asked, entries, prefixes, last) in [
            (
                ("", "", 9, None),
                vec!["a", "b/1", "b/2", "b/c/3", "d", "e/1"],
                list(&[]),
                None,
            ),
            (
                ("b/", "", 9, None),
                vec!["b/1", "b/2", "b/c/3"],
                list(&[]),
                None,
            ),
            (
                ("", "/", 9, None),
                vec!["a", "d"],
                list(&["b/", "e/"]),
                None,
            ),
            (
                ("b/", "/", 9, None),
                vec!["b/1", "b/2"],
                list(&["b/c/"]),
                None,
            ),
            (("", "/", 2, None), vec!["a"], list(&["b/"]), some("b/")),
            (("", "/", 2, Some("b/")), vec!["d"], list(&["e/"]), None),
            (
                ("", "", 2, Some("b/1")),
                vec!["b/2", "b/c/3"],
                list(&[]),
                some("b/c/3"),
            ),
            (("", "", 0, None), vec![], list(&[]), None),
            (("x", "", 9, None), vec![], list(&[]), None),
        ] {
            let (prefix, delimiter, most, after) = asked;
            let found = page(prefix, delimiter, most, after);
            assert_eq!(found, (entries, prefixes, last), "{asked:?}");
        }
    }

    #[test]
    fn keys_are_encoded() {
        let wanted = Wanted {
            prefix: String::new(),
            delimiter: String::new(),
            most: 1,
            encoded: true,
        };
        assert_eq!(wanted.write("a b/ü+.txt"), "a%20b/%C3%BC%2B.txt");
    }
}
