//! What callers send: names, paths, tags, and pages.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use super::faults::{invalid, limit, violation};
use crate::wire::{Call, Fault};

/// The most tags that a role, a policy or a user can have.
const MOST_TAGS: usize = 50;

/// The members that this service's operations have; each takes some. All are texts, as the query
/// protocol has them.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    role_name: Option<String>,
    user_name: Option<String>,
    policy_name: Option<String>,
    policy_arn: Option<String>,
    policy_document: Option<String>,
    assume_role_policy_document: Option<String>,
    access_key_id: Option<String>,
    version_id: Option<String>,
    permissions_boundary: Option<String>,
    status: Option<String>,
    pub(super) path: Option<String>,
    pub(super) path_prefix: Option<String>,
    pub(super) description: Option<String>,
    pub(super) scope: Option<String>,
    only_attached: Option<String>,
    set_as_default: Option<String>,
    max_session_duration: Option<String>,
    tags: Option<Vec<Tag>>,
    pub(super) tag_keys: Option<Vec<String>>,
    marker: Option<String>,
    max_items: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

impl Input {
    pub(super) fn read(call: &Call) -> Result<Self, Fault> {
        call.typed()
    }

    pub(super) fn role(&self) -> Result<&str, Fault> {
        name(self.role_name.as_deref(), "roleName", 64)
    }

    pub(super) fn user(&self) -> Result<&str, Fault> {
        name(self.user_name.as_deref(), "userName", 64)
    }

    /// The user's name where it may be left out.
    pub(super) fn maybe_user(&self) -> Option<&str> {
        self.user_name.as_deref()
    }

    pub(super) fn policy_name(&self) -> Result<&str, Fault> {
        name(self.policy_name.as_deref(), "policyName", 128)
    }

    pub(super) fn policy_arn(&self) -> Result<&str, Fault> {
        arn(given(self.policy_arn.as_deref(), "policyArn")?)
    }

    pub(super) fn boundary(&self) -> Result<Option<&str>, Fault> {
        self.permissions_boundary.as_deref().map(arn).transpose()
    }

    pub(super) fn document(&self) -> Result<&str, Fault> {
        given(self.policy_document.as_deref(), "policyDocument")
    }

    pub(super) fn trust(&self) -> Result<&str, Fault> {
        given(
            self.assume_role_policy_document.as_deref(),
            "assumeRolePolicyDocument",
        )
    }

    pub(super) fn access_key(&self) -> Result<&str, Fault> {
        given(self.access_key_id.as_deref(), "accessKeyId")
    }

    pub(super) fn version_id(&self) -> Result<&str, Fault> {
        let id = given(self.version_id.as_deref(), "versionId")?;
        let number = id.strip_prefix('v');
        if number.is_some_and(|number| number.parse::<u32>().is_ok_and(|n| n > 0)) {
            return Ok(id);
        }
        Err(violation(
            id,
            "versionId",
            "Member must satisfy regular expression pattern: v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?",
        ))
    }

    pub(super) fn status(&self) -> Result<&str, Fault> {
        match given(self.status.as_deref(), "status")? {
            status @ ("Active" | "Inactive") => Ok(status),
            other => Err(violation(
                other,
                "status",
                "Member must satisfy enum value set: [Active, Inactive]",
            )),
        }
    }

    pub(super) fn set_as_default(&self) -> bool {
        self.set_as_default.as_deref() == Some("true")
    }

    pub(super) fn only_attached(&self) -> bool {
        self.only_attached.as_deref() == Some("true")
    }

    /// The path of something new.
    pub(super) fn new_path(&self) -> Result<String, Fault> {
        let path = self.path.as_deref().unwrap_or("/");
        let fits = path.len() <= 512
            && path.starts_with('/')
            && path.ends_with('/')
            && path.chars().all(|c| c.is_ascii_graphic())
            && !path.contains("//");
        if fits {
            return Ok(path.to_owned());
        }
        Err(invalid(
            "The specified value for path is invalid. It must begin and end with / and contain \
             only alphanumeric characters and/or / characters.",
        ))
    }

    /// How long a session of a role may be, in seconds.
    pub(super) fn max_session(&self) -> Result<Option<u32>, Fault> {
        let at = "maxSessionDuration";
        let Some(text) = &self.max_session_duration else {
            return Ok(None);
        };
        match text.parse::<u32>() {
            Ok(seconds @ 3600..=43200) => Ok(Some(seconds)),
            Ok(seconds) if seconds > 43200 => Err(violation(
                text,
                at,
                "Member must have value less than or equal to 43200",
            )),
            Ok(_) | Err(_) => Err(violation(
                text,
                at,
                "Member must have value greater than or equal to 3600",
            )),
        }
    }

    /// A description of at most `most` characters.
    pub(super) fn description(&self, most: usize) -> Result<Option<String>, Fault> {
        let Some(text) = &self.description else {
            return Ok(None);
        };
        if text.chars().count() > most {
            let constraint = format!("Member must have length less than or equal to {most}");
            return Err(violation(text, "description", &constraint));
        }
        Ok(Some(text.clone()))
    }

    /// The tags, by key.
    pub(super) fn tags(&self) -> Result<BTreeMap<String, String>, Fault> {
        let tags = self.tags.as_deref().unwrap_or_default();
        let mut keys = BTreeSet::new();
        for tag in tags {
            let fits = |text: &str| {
                let fits = |c: char| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c);
                text.chars().all(fits)
            };
            if tag.key.is_empty() || tag.key.chars().count() > 128 || !fits(&tag.key) {
                return Err(violation(
                    &tag.key,
                    "tags.1.member.key",
                    "Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+ \
                     and have length less than or equal to 128",
                ));
            }
            if tag.value.chars().count() > 256 || !fits(&tag.value) {
                return Err(violation(
                    &tag.value,
                    "tags.1.member.value",
                    "Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]* \
                     and have length less than or equal to 256",
                ));
            }
            if !keys.insert(tag.key.to_lowercase()) {
                return Err(Fault::bad(
                    "InvalidInput",
                    "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
                ));
            }
        }
        if tags.len() > MOST_TAGS {
            return Err(too_many_tags());
        }
        Ok(tags
            .iter()
            .map(|tag| (tag.key.clone(), tag.value.clone()))
            .collect())
    }

    /// A page of a list as this service answers it.
    pub(super) fn page(&self, list: &str, items: Vec<Value>) -> Result<Value, Fault> {
        let from = match &self.marker {
            None => 0,
            Some(marker) => marker
                .parse::<usize>()
                .map_err(|_| invalid("Invalid Marker."))?,
        };
        let most = match self.max_items.as_deref().map(str::parse::<usize>) {
            None => 100,
            Some(Ok(most)) if (1..=1000).contains(&most) => most,
            Some(_) => {
                return Err(violation(
                    self.max_items.as_deref().unwrap_or_default(),
                    "maxItems",
                    "Member must have value between 1 and 1000",
                ));
            }
        };
        let total = items.len();
        let page: Vec<Value> = items.into_iter().skip(from).take(most).collect();
        let next = from + page.len();
        let truncated = next < total;
        let mut output = json!({ "IsTruncated": truncated });
        output[list] = page.into();
        if truncated {
            output["Marker"] = next.to_string().into();
        }
        Ok(output)
    }
}

/// Tags together with those that were there.
pub(super) fn add_tags(
    to: &mut BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
) -> Result<(), Fault> {
    for (key, value) in tags {
        // Keys are the same without regard to case; the last spelling stays.
        to.retain(|there, _| there.to_lowercase() != key.to_lowercase());
        to.insert(key, value);
    }
    if to.len() > MOST_TAGS {
        return Err(too_many_tags());
    }
    Ok(())
}

fn too_many_tags() -> Fault {
    limit(format!(
        "The number of tags has reached the maximum limit of {MOST_TAGS}."
    ))
}

fn given<'a>(value: Option<&'a str>, at: &str) -> Result<&'a str, Fault> {
    match value {
        Some(value) if !value.is_empty() => Ok(value),
        Some(value) => Err(violation(
            value,
            at,
            "Member must have length greater than or equal to 1",
        )),
        None => Err(invalid(format!(
            "1 validation error detected: Value null at '{at}' failed to satisfy constraint: Member must not be null"
        ))),
    }
}

fn name<'a>(value: Option<&'a str>, at: &str, most: usize) -> Result<&'a str, Fault> {
    let value = given(value, at)?;
    if value.len() > most {
        let constraint = format!("Member must have length less than or equal to {most}");
        return Err(violation(value, at, &constraint));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if !value.chars().all(fits) {
        return Err(invalid(format!(
            "The specified value for {at} is invalid. It must contain only alphanumeric \
             characters and/or the following: +=,.@_-"
        )));
    }
    Ok(value)
}

fn arn(value: &str) -> Result<&str, Fault> {
    if value.len() < 20 || !value.starts_with("arn:") || value.split(':').count() < 6 {
        return Err(invalid(format!(
            "ARN {value} is not valid. Invalid ARN: {value}"
        )));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(value: Value) -> Input {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn names_paths_and_durations() {
        assert_eq!(input(json!({"RoleName": "a.b@c"})).role().unwrap(), "a.b@c");
        for bad in ["", "a b", "a/b", &"n".repeat(65)] {
            let fault = input(json!({ "RoleName": bad })).role().unwrap_err();
            assert_eq!(fault.code, "ValidationError");
            assert!(fault.message.contains("roleName"));
        }
        for (path, fits) in [
            ("/", true),
            ("/a/b/", true),
            ("a/", false),
            ("/a", false),
            ("//", false),
        ] {
            assert_eq!(
                input(json!({ "Path": path })).new_path().is_ok(),
                fits,
                "{path}"
            );
        }
        for (seconds, fits) in [
            ("3599", false),
            ("3600", true),
            ("43200", true),
            ("43201", false),
        ] {
            let read = input(json!({ "MaxSessionDuration": seconds }));
            assert_eq!(read.max_session().is_ok(), fits, "{seconds}");
        }
    }

    #[test]
    fn tags_are_unique_without_regard_to_case() {
        let twice = json!({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]});
        assert_eq!(input(twice).tags().unwrap_err().code, "InvalidInput");
        let mut there = BTreeMap::from([("A".to_owned(), "1".to_owned())]);
        add_tags(
            &mut there,
            BTreeMap::from([("a".to_owned(), "2".to_owned())]),
        )
        .unwrap();
        assert_eq!(
            there.into_iter().collect::<Vec<_>>(),
            [("a".into(), "2".into())]
        );
    }

    #[test]
    fn pages_say_whether_more_follows() {
        let items = || vec![json!(1), json!(2), json!(3)];
        let first = input(json!({"MaxItems": "2"})).page("L", items()).unwrap();
        assert_eq!(
            first,
            json!({"IsTruncated": true, "L": [1, 2], "Marker": "2"})
        );
        let last = input(json!({"Marker": "2"})).page("L", items()).unwrap();
        assert_eq!(last, json!({"IsTruncated": false, "L": [3]}));
    }
}
