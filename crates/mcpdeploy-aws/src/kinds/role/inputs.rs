//! What one can ask of a role.

use std::collections::{BTreeMap, BTreeSet};

use mcpdeploy_engine::kind::Tags;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{PolicyArn, RoleName};
use crate::policy::PolicyDocument;
use crate::tags;

/// What CreateRole sets when nothing is said, in seconds.
pub(super) const DEFAULT_SESSION: u32 = 3600;

/// What one can ask of a role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleInputs {
    /// Its name: 1 to 64 letters, digits and `+=,.@-_`.
    pub name: RoleName,
    /// Its path, beginning and ending with `/`.
    #[serde(default = "root")]
    pub path: String,
    /// What it is for, at most 1000 characters.
    #[serde(default)]
    pub description: String,
    /// Who may assume it.
    pub assume_role_policy: PolicyDocument,
    /// The policies written into it, by name.
    #[serde(default)]
    pub inline_policies: BTreeMap<String, PolicyDocument>,
    /// The ARNs of managed policies attached to it.
    #[serde(default)]
    pub managed_policies: BTreeSet<PolicyArn>,
    /// How long a session lasts at most, in seconds: 3600 to 43200.
    #[serde(default = "default_session")]
    pub max_session_seconds: u32,
    /// The ARN of the managed policy that bounds what it may do.
    #[serde(default)]
    pub permissions_boundary: Option<PolicyArn>,
    /// Its tags.
    #[serde(default)]
    pub tags: Tags,
}

fn root() -> String {
    "/".to_owned()
}

fn default_session() -> u32 {
    DEFAULT_SESSION
}

impl RoleInputs {
    /// A role of that name with that trust policy, and nothing else.
    #[must_use]
    pub fn new(name: impl Into<RoleName>, assume_role_policy: PolicyDocument) -> Self {
        Self {
            name: name.into(),
            path: root(),
            description: String::new(),
            assume_role_policy,
            inline_policies: BTreeMap::new(),
            managed_policies: BTreeSet::new(),
            max_session_seconds: DEFAULT_SESSION,
            permissions_boundary: None,
            tags: Tags::new(),
        }
    }

    pub(super) fn validate(&self) -> Result<(), (String, String)> {
        let wrong = |at: &str, message: String| Err((at.to_owned(), message));
        if !is_name(self.name.as_str(), 64) {
            return wrong(
                "/name",
                format!(
                    "`{}` is no role's name: 1 to 64 letters, digits and `+=,.@-_`",
                    self.name
                ),
            );
        }
        if !self.path.starts_with('/') || !self.path.ends_with('/') {
            return wrong(
                "/path",
                format!("the path `{}` must begin and end with `/`", self.path),
            );
        }
        if self.description.chars().count() > 1000 {
            return wrong(
                "/description",
                "the description has more than 1000 characters".to_owned(),
            );
        }
        if !(3600..=43200).contains(&self.max_session_seconds) {
            return wrong(
                "/max_session_seconds",
                format!(
                    "a session lasts 3600 to 43200 seconds at most, not {}",
                    self.max_session_seconds
                ),
            );
        }
        if let Some(name) = self.inline_policies.keys().find(|name| !is_name(name, 128)) {
            return wrong(
                "/inline_policies",
                format!("`{name}` is no policy's name: 1 to 128 letters, digits and `+=,.@-_`"),
            );
        }
        tags::validate(&self.tags)
    }
}

fn is_name(name: &str, most: usize) -> bool {
    !name.is_empty()
        && name.len() <= most
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+=,.@-_".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role() -> RoleInputs {
        RoleInputs::new("x", PolicyDocument::trust_service("lambda.amazonaws.com"))
    }

    #[test]
    fn defaults_are_iams() {
        let json = serde_json::json!({
            "name": "x",
            "assume_role_policy": role().assume_role_policy,
        });
        assert_eq!(serde_json::from_value::<RoleInputs>(json).unwrap(), role());
    }

    #[test]
    fn impossible_roles_are_refused() {
        assert!(role().validate().is_ok());
        let check = |change: &dyn Fn(&mut RoleInputs), at: &str| {
            let mut inputs = role();
            change(&mut inputs);
            assert_eq!(inputs.validate().unwrap_err().0, at);
        };
        check(&|role| role.name = "a b".into(), "/name");
        check(&|role| role.name = "x".repeat(65).into(), "/name");
        check(&|role| role.path = "app".into(), "/path");
        check(
            &|role| role.max_session_seconds = 60,
            "/max_session_seconds",
        );
        check(
            &|role| {
                role.inline_policies
                    .insert("a/b".into(), role.assume_role_policy.clone());
            },
            "/inline_policies",
        );
    }
}
