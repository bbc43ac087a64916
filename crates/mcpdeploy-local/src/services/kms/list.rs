//! Listing keys, and lists in pages.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{At, State, validation};
use crate::wire::{Fault, Reply};

/// A part of a list. Its marker is how many entries came before.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Page {
    limit: Option<usize>,
    marker: Option<String>,
}

impl Page {
    /// The entries of this page, called `name`.
    pub(super) fn answer(&self, name: &str, entries: Vec<Value>) -> Result<Reply, Fault> {
        let limit = self.limit.unwrap_or(100);
        if !(1..=1000).contains(&limit) {
            return Err(validation(format!(
                "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must have value between 1 and 1000"
            )));
        }
        let from: usize = match &self.marker {
            None => 0,
            Some(marker) => marker
                .parse()
                .map_err(|_| Fault::bad("InvalidMarkerException", "Invalid marker"))?,
        };
        let end = from.saturating_add(limit);
        let more = end < entries.len();
        let page: Vec<Value> = entries.into_iter().skip(from).take(limit).collect();
        let mut out = json!({ "Truncated": more });
        out[name] = json!(page);
        if more {
            out["NextMarker"] = json!(end.to_string());
        }
        Ok(Reply::output(out))
    }
}

impl State {
    pub(super) fn list_keys(&self, at: &At, page: &Page) -> Result<Reply, Fault> {
        let prefix = format!("{}/", at.region);
        let keys = self.keys.under(&prefix);
        let keys = keys.map(|(_, key)| json!({"KeyId": key.id, "KeyArn": key.arn()}));
        page.answer("Keys", keys.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Content;

    #[test]
    fn pages() {
        let page = |limit, marker: Option<&str>| {
            let page = Page {
                limit: Some(limit),
                marker: marker.map(str::to_owned),
            };
            match page.answer("Keys", vec![json!(1), json!(2), json!(3)]) {
                Ok(reply) => match reply.content {
                    Content::Output(output) => output.to_string(),
                    other @ (Content::Raw(_) | Content::Empty) => panic!("{other:?}"),
                },
                Err(fault) => fault.code,
            }
        };
        assert_eq!(
            page(2, None),
            r#"{"Truncated":true,"Keys":[1,2],"NextMarker":"2"}"#
        );
        assert_eq!(page(2, Some("2")), r#"{"Truncated":false,"Keys":[3]}"#);
        assert_eq!(page(0, None), "ValidationException");
        assert_eq!(page(2, Some("x")), "InvalidMarkerException");
    }
}
