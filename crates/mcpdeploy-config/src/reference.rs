//! Owns the syntax of references within strings: `${kind.name.output}`, and `$${` for a plain `${`.
//! Knows nothing of what a reference leads to.

use std::ops::Range;

use crate::node::Span;

/// A reference that cannot be read.
#[derive(Debug, PartialEq)]
pub(crate) struct BadReference {
    pub(crate) message: String,
    pub(crate) label: &'static str,
    /// Its place within the string.
    pub(crate) within: Range<usize>,
    pub(crate) help: &'static str,
}

const EXAMPLE: &str = "write ${kind.name.output}, such as ${aws.dynamodb.table.sessions.arn}; for a plain ${ write $${";

/// The references of `text` that cannot be read.
pub(crate) fn bad_references(text: &str) -> Vec<BadReference> {
    let mut bad = Vec::new();
    for (start, escaped) in openings(text) {
        if escaped {
            continue;
        }
        let inner = &text[start + 2..];
        let Some(length) = inner.find('}') else {
            bad.push(BadReference {
                message: "a reference is not closed".to_owned(),
                label: "opened here, without a }",
                within: start..start + 2,
                help: EXAMPLE,
            });
            break;
        };
        let reference = &inner[..length];
        if let Some(label) = flaw(reference) {
            bad.push(BadReference {
                message: "this reference cannot be read".to_owned(),
                label,
                within: start..start + 2 + length + 1,
                help: EXAMPLE,
            });
        }
    }
    bad
}

/// Every `${` of the text, and whether a `$` before makes it plain text.
fn openings(text: &str) -> impl Iterator<Item = (usize, bool)> {
    text.match_indices("${")
        .map(|(start, _)| (start, text[..start].ends_with('$')))
}

fn flaw(reference: &str) -> Option<&'static str> {
    if reference.is_empty() {
        return Some("it is empty");
    }
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !reference.chars().all(letter) {
        return Some("only letters, digits, dots, _ and - can be in it");
    }
    let parts: Vec<&str> = reference.split('.').collect();
    if parts.iter().any(|part| part.is_empty()) {
        return Some("a part between the dots is empty");
    }
    // A kind has two parts at least, then come the name and the output.
    (parts.len() < 4).then_some("the kind, the name or the output is missing")
}

/// Where `within` of a string's value is in the file, if that can be told.
///
/// Escapes make the written string longer than its value, so the same `${` is looked for, by count.
pub(crate) fn place_in_file(file: &str, string: &Span, value: &str, within: &Range<usize>) -> Span {
    let written = file.get(string.clone()).unwrap_or_default();
    let before = value[..within.start].matches("${").count();
    match written.match_indices("${").nth(before) {
        Some((at, _)) if written.matches("${").count() == value.matches("${").count() => {
            let start = string.start + at;
            start..(start + within.len()).min(string.end)
        }
        _ => string.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read() {
        for (text, labels) in [
            ("plain", vec![]),
            ("${aws.dynamodb.table.sessions.arn}", vec![]),
            ("${aws.s3.bucket.data.arn}/*", vec![]),
            ("$${not.a.reference", vec![]),
            ("costs $5 {really}", vec![]),
            ("${aws.iam.role.exec.arn", vec!["opened here, without a }"]),
            ("${}", vec!["it is empty"]),
            (
                "${sessions.arn}",
                vec!["the kind, the name or the output is missing"],
            ),
            (
                "${aws..table.x.arn}",
                vec!["a part between the dots is empty"],
            ),
            (
                "${aws.iam.role.exec arn}",
                vec!["only letters, digits, dots, _ and - can be in it"],
            ),
            (
                "${a.b} and ${c.d}",
                vec!["the kind, the name or the output is missing"; 2],
            ),
        ] {
            let found: Vec<_> = bad_references(text).iter().map(|bad| bad.label).collect();
            assert_eq!(found, labels, "{text}");
        }
    }

    #[test]
    fn the_place_is_found_behind_escapes() {
        let file = r#"x = "a\n${b""#;
        let place = place_in_file(file, &(4..12), "a\n${b", &(2..4));
        assert_eq!(&file[place], "${");
    }
}
