//! Tags, as services take and give them.

use std::collections::HashMap;

use mcpdeploy_engine::kind::Tags;

/// Tags of this prefix are AWS's own (e.g. of CloudFormation): nobody else can set or remove them.
const RESERVED: &str = "aws:";

/// The tags that a service gave as a map, without AWS's own.
#[must_use]
pub fn from_map(map: Option<&HashMap<String, String>>) -> Tags {
    from_pairs(map.into_iter().flatten())
}

/// The tags that a service gave as a list, without AWS's own.
pub fn from_pairs(pairs: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>) -> Tags {
    pairs
        .into_iter()
        .map(|(key, value)| (key.into(), value.into()))
        .filter(|(key, _)| !key.starts_with(RESERVED))
        .collect()
}

/// The tags as a map for the SDK.
#[must_use]
pub fn to_map(tags: &Tags) -> HashMap<String, String> {
    tags.iter().map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// What must be set and what removed to get from one set of tags to another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagChanges {
    /// To set, over what is there.
    pub set: Tags,
    /// Keys to remove.
    pub remove: Vec<String>,
}

/// The changes that make `have` (as just read) into `want`.
#[must_use]
pub fn changes(have: &Tags, want: &Tags) -> TagChanges {
    TagChanges {
        set: want
            .iter()
            .filter(|(key, value)| have.get(*key) != Some(value))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
        remove: have
            .keys()
            .filter(|key| !want.contains_key(*key))
            .cloned()
            .collect(),
    }
}

/// Finds tags that AWS takes nowhere; the pointer is that of `inputs.tags`.
///
/// # Errors
/// The JSON pointer of the mistake and a sentence about it.
pub fn validate(tags: &Tags) -> Result<(), (String, String)> {
    let wrong = |message: String| Err(("/tags".to_owned(), message));
    // Most services take 50; our owner tags are among them.
    if tags.len() > 50 {
        return wrong(format!("{} tags: AWS takes at most 50", tags.len()));
    }
    for (key, value) in tags {
        if key.is_empty() || key.chars().count() > 128 {
            return wrong(format!("the tag key `{key}` must have 1 to 128 characters"));
        }
        if key.starts_with(RESERVED) {
            return wrong(format!(
                "the tag key `{key}` begins with `aws:`, which AWS keeps to itself"
            ));
        }
        if value.chars().count() > 256 {
            return wrong(format!(
                "the value of the tag `{key}` has more than 256 characters"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        from_pairs(pairs.iter().copied())
    }

    #[test]
    fn only_what_differs_changes() {
        let have = tags(&[("same", "1"), ("other", "1"), ("gone", "1"), ("aws:x", "1")]);
        let want = tags(&[("same", "1"), ("other", "2"), ("new", "")]);
        assert_eq!(
            changes(&have, &want),
            TagChanges {
                set: tags(&[("other", "2"), ("new", "")]),
                remove: vec!["gone".to_owned()],
            }
        );
    }

    #[test]
    fn impossible_tags_are_refused() {
        assert!(validate(&tags(&[("mcpdeploy:address", "aws.s3.bucket.x")])).is_ok());
        assert!(validate(&Tags::from([("aws:x".to_owned(), String::new())])).is_err());
        assert!(validate(&tags(&[("", "x")])).is_err());
        assert!(validate(&tags(&[("x", &"x".repeat(257))])).is_err());
    }
}
