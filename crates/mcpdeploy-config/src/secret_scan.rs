//! Finds what can only be the value of a secret, so that it is neither accepted nor shown.
//!
//! Knows the marks that well-known issuers put before their tokens, and no more: a password
//! that looks like a word cannot be told from one.

use crate::node::Span;

/// A mark, and how many token characters follow it at least.
const MARKS: &[(&str, usize)] = &[
    ("sk-", 20),
    ("sk_live_", 16),
    ("rk_live_", 16),
    ("whsec_", 16),
    ("ghp_", 30),
    ("gho_", 30),
    ("ghs_", 30),
    ("github_pat_", 30),
    ("glpat-", 16),
    ("xoxb-", 20),
    ("xoxp-", 20),
    ("npm_", 30),
    ("AIza", 30),
    ("AKIA", 16),
    ("AGE-SECRET-KEY-1", 20),
    ("-----BEGIN", 0),
];

/// The places of everything in `text` that looks like a secret, in order.
pub(crate) fn secrets_in(text: &str) -> Vec<Span> {
    let mut found = Vec::new();
    for (mark, least) in MARKS {
        for (start, _) in text.match_indices(mark) {
            if *least == 0 {
                if let Some(end) = private_key(&text[start..]) {
                    found.push(start..start + end);
                }
                continue;
            }
            let begins = text[..start]
                .chars()
                .next_back()
                .is_none_or(|c| !is_token(c));
            let rest = &text[start + mark.len()..];
            let length = rest.find(|c| !is_token(c)).unwrap_or(rest.len());
            if begins && length >= *least && has_digit_or_case(&rest[..length]) {
                found.push(start..start + mark.len() + length);
            }
        }
    }
    found.sort_by_key(|span| span.start);
    found
}

fn private_key(text: &str) -> Option<usize> {
    let head = text.get(..text.len().min(60)).unwrap_or_default();
    if !head.contains("PRIVATE KEY-----") {
        return None;
    }
    let close = "PRIVATE KEY-----";
    let second = text.match_indices(close).nth(1);
    Some(second.map_or(text.len(), |(at, _)| at + close.len()))
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

/// Tokens are random: words with hyphens are not.
fn has_digit_or_case(token: &str) -> bool {
    token.bytes().any(|b| b.is_ascii_digit())
        || (token.bytes().any(|b| b.is_ascii_uppercase())
            && token.bytes().any(|b| b.is_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_and_words_are_not() {
        // Put together here, so that no scanner takes this file for a leak.
        let openai = format!("sk-{}", "proj-4f9Qx81".repeat(3));
        let aws = format!("AKIA{}", "IOSFODNN7EXAMPLE");
        for (text, found) in [
            (openai.as_str(), true),
            (aws.as_str(), true),
            (
                "the key of the risk-assessment-and-management-service",
                false,
            ),
            ("sk-learn-and-other-words-that-are-long", false),
            (
                "arn:aws:secretsmanager:us-east-1:123456789012:secret:x-a1b2c3",
                false,
            ),
            ("The API key of OpenAI", false),
        ] {
            assert_eq!(!secrets_in(text).is_empty(), found, "{text}");
        }
    }
}
