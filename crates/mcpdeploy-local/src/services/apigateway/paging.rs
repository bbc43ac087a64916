//! Lists by pages: `maxResults` and `nextToken`.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Value, json};

use super::faults::bad;
use crate::wire::{Call, Fault};

/// How many items a page has when nothing is asked for.
const PAGE: usize = 100;

/// The page that a call asks for of `items`, which come in the order of their keys. The token is the
/// last key of the page before, so that a deletion in between skips nothing.
pub(super) fn page<'a, T: Serialize + 'a>(
    call: &Call,
    items: impl Iterator<Item = (&'a str, T)>,
) -> Result<Value, Fault> {
    let wrong = || bad("Invalid value specified for the nextToken parameter");
    let most: usize = match call.query("maxResults").filter(|text| !text.is_empty()) {
        None => PAGE,
        Some(text) => text
            .parse()
            .ok()
            .filter(|most| *most > 0)
            .ok_or_else(|| bad("Invalid value specified for the maxResults parameter"))?,
    };
    let after = match call.query("nextToken").filter(|text| !text.is_empty()) {
        None => String::new(),
        Some(token) => {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).map_err(|_| wrong())?;
            String::from_utf8(bytes).map_err(|_| wrong())?
        }
    };
    let mut rest = items.filter(|(key, _)| after.as_str() < *key).peekable();
    let mut page = Vec::new();
    let mut last = "";
    while page.len() < most
        && let Some((key, item)) = rest.next()
    {
        last = key;
        page.push(json!(item));
    }
    let next = rest.peek().map(|_| BASE64_URL_SAFE_NO_PAD.encode(last));
    Ok(json!({ "items": page, "nextToken": next }))
}
