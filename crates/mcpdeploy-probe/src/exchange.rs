//! What was sent and received, for people who look into a failure. Nothing secret is in it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much of a body is kept, in characters.
const KEPT: usize = 4000;

/// Headers whose values are secrets, in lower case.
const SECRET: [&str; 4] = ["authorization", "cookie", "set-cookie", "mcp-session-id"];

/// One request and what came back. Tokens, cookies and session ids are masked; long bodies are cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Exchange {
    /// The method and the URL, e.g. `POST https://…/mcp`.
    pub request: String,
    /// The headers that were sent.
    pub sent_headers: Vec<(String, String)>,
    /// The body that was sent; empty when there was none.
    pub sent: String,
    /// The status; none when there was no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The headers that were received.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub received_headers: Vec<(String, String)>,
    /// The body that was received, or why there was no answer.
    pub received: String,
    /// How long it took, in microseconds.
    pub duration_us: u64,
}

/// The headers with secrets masked.
pub(crate) fn masked(headers: &[(String, String)]) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let secret = SECRET.contains(&name.to_ascii_lowercase().as_str());
            let value = if secret { "…" } else { value.as_str() };
            (name.clone(), value.to_owned())
        })
        .collect()
}

/// A body as it is kept: without `secrets`, and not longer than people read.
pub(crate) fn kept(body: &str, secrets: &[&str]) -> String {
    let mut text = body.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, "…");
    }
    match text.char_indices().nth(KEPT) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// The beginning of a body in one line, for a sentence.
pub(crate) fn beginning(body: &str) -> String {
    let line = body.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(200) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_wherever_they_stand() {
        let headers = vec![
            ("Authorization".to_owned(), "Bearer s3cret".to_owned()),
            ("accept".to_owned(), "text/html".to_owned()),
        ];
        assert_eq!(masked(&headers)[0].1, "…");
        assert_eq!(masked(&headers)[1].1, "text/html");
        assert_eq!(kept("you sent s3cret", &["s3cret", ""]), "you sent …");
        assert_eq!(kept(&"ä".repeat(5000), &[]).chars().count(), KEPT + 1);
        assert_eq!(beginning("a\n  b"), "a b");
    }
}
