//! Managed policies: a customer's with their versions, and AWS's to read.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Iam;
use super::document::{self, Purpose};
use super::faults::{exists, in_use, limit, no_entity, violation};
use super::input::{Input, add_tags};
use super::managed;
use super::model::{Policy, PolicyVersion, id, tags};
use super::state::Found;
use crate::cloud::Cloud;
use crate::wire::Fault;

/// The characters of a managed policy. Source: "IAM and AWS STS quotas".
const LARGEST: usize = 6144;
/// The versions of a managed policy. Source: "IAM and AWS STS quotas".
const MOST_VERSIONS: usize = 5;

impl Iam {
    pub(super) fn create_policy(&self, cloud: &Cloud, input: &Input) -> Result<Value, Fault> {
        let name = input.policy_name()?;
        let text = input.document()?;
        let now = cloud.now();
        let policy = Policy {
            name: name.to_owned(),
            path: input.new_path()?,
            id: id("ANPA"),
            description: input.description(1000)?.filter(|text| !text.is_empty()),
            created: now,
            updated: now,
            versions: BTreeMap::from([(1, version(cloud, text))]),
            default: 1,
            last: 1,
            tags: input.tags()?,
        };
        check(text)?;
        let mut state = self.lock();
        let taken = state
            .policies
            .iter()
            .any(|(_, there)| there.name.eq_ignore_ascii_case(name));
        if taken {
            return Err(exists(format!(
                "A policy called {name} already exists. Duplicate names are not allowed."
            )));
        }
        let told = tagged(policy.told(0, 0), &policy);
        state.policies.put(&policy.arn(), policy)?;
        Ok(json!({ "Policy": told }))
    }

    pub(super) fn get_policy(&self, input: &Input) -> Result<Value, Fault> {
        let arn = input.policy_arn()?;
        let state = self.lock();
        let (attached, boundary) = state.uses(arn);
        let told = match state.policy(arn)? {
            Found::Aws(policy) => policy.told(attached, boundary),
            Found::Customer(policy) => tagged(policy.told(attached, boundary), policy),
        };
        Ok(json!({ "Policy": told }))
    }

    pub(super) fn list_policies(&self, input: &Input) -> Result<Value, Fault> {
        let prefix = input.path_prefix.as_deref().unwrap_or("/");
        let (aws, local) = match input.scope.as_deref() {
            None | Some("All") => (true, true),
            Some("AWS") => (true, false),
            Some("Local") => (false, true),
            Some(other) => {
                return Err(violation(
                    other,
                    "scope",
                    "Member must satisfy enum value set: [All, AWS, Local]",
                ));
            }
        };
        let state = self.lock();
        let mut listed = Vec::new();
        let mut take = |path: &str, arn: &str, told: &dyn Fn(usize, usize) -> Value| {
            let (attached, boundary) = state.uses(arn);
            if path.starts_with(prefix) && (attached > 0 || !input.only_attached()) {
                listed.push(told(attached, boundary));
            }
        };
        if local {
            for (arn, policy) in state.policies.iter() {
                take(&policy.path, arn, &|a, b| policy.told(a, b));
            }
        }
        if aws {
            for policy in managed::all() {
                take(&policy.path(), &policy.arn(), &|a, b| policy.told(a, b));
            }
        }
        input.page("Policies", listed)
    }

    pub(super) fn delete_policy(&self, input: &Input) -> Result<Value, Fault> {
        let arn = input.policy_arn()?;
        let mut state = self.lock();
        let policy = state.customer(arn)?;
        let (attached, boundary) = state.uses(arn);
        if attached + boundary > 0 {
            return Err(in_use("Cannot delete a policy attached to entities."));
        }
        if policy.versions.len() > 1 {
            return Err(in_use(
                "This policy has more than one version. Before you delete a policy, you must \
                 delete the policy's versions. The default version is deleted with the policy.",
            ));
        }
        state.policies.remove(arn)?;
        Ok(json!({}))
    }

    pub(super) fn create_policy_version(
        &self,
        cloud: &Cloud,
        input: &Input,
    ) -> Result<Value, Fault> {
        let arn = input.policy_arn()?;
        let text = input.document()?;
        let mut state = self.lock();
        state.customer(arn)?;
        check(text)?;
        let told = state.change_policy(arn, |policy| {
            if policy.versions.len() >= MOST_VERSIONS {
                return Err(limit(format!(
                    "A managed policy can have up to {MOST_VERSIONS} versions. Before you create \
                     a new version, you must delete an existing version."
                )));
            }
            policy.last += 1;
            policy.versions.insert(policy.last, version(cloud, text));
            if input.set_as_default() {
                policy.default = policy.last;
            }
            policy.updated = cloud.now();
            Ok(policy.version(policy.last, false))
        })?;
        Ok(json!({ "PolicyVersion": told }))
    }

    pub(super) fn get_policy_version(&self, input: &Input) -> Result<Value, Fault> {
        let arn = input.policy_arn()?;
        let version = input.version_id()?;
        let state = self.lock();
        let told = match state.policy(arn)? {
            Found::Aws(policy) if policy.version_id() != version => None,
            Found::Aws(policy) => {
                let told = policy.version(true);
                Some(told.ok_or_else(|| Fault::absent(format!("the document of {arn}")))?)
            }
            Found::Customer(policy) => policy.version(number(version), true),
        };
        let told = told.ok_or_else(|| no_version(arn, version))?;
        Ok(json!({ "PolicyVersion": told }))
    }

    pub(super) fn list_policy_versions(&self, input: &Input) -> Result<Value, Fault> {
        let state = self.lock();
        let versions = match state.policy(input.policy_arn()?)? {
            Found::Aws(policy) => policy.version(false).into_iter().collect(),
            Found::Customer(policy) => {
                let numbers = policy.versions.keys().rev();
                numbers
                    .filter_map(|number| policy.version(*number, false))
                    .collect()
            }
        };
        input.page("Versions", versions)
    }

    pub(super) fn set_default_version(&self, cloud: &Cloud, input: &Input) -> Result<Value, Fault> {
        let arn = input.policy_arn()?;
        let version = input.version_id()?;
        self.lock().change_policy(arn, |policy| {
            if !policy.versions.contains_key(&number(version)) {
                return Err(no_version(arn, version));
            }
            policy.default = number(version);
            policy.updated = cloud.now();
            Ok(())
        })?;
        Ok(json!({}))
    }

    pub(super) fn delete_policy_version(&self, input: &Input) -> Result<Value, Fault> {
        let arn = input.policy_arn()?;
        let version = input.version_id()?;
        self.lock().change_policy(arn, |policy| {
            if policy.default == number(version) {
                return Err(in_use("Cannot delete the default version of a policy."));
            }
            let removed = policy.versions.remove(&number(version));
            removed.map(|_| ()).ok_or_else(|| no_version(arn, version))
        })?;
        Ok(json!({}))
    }

    pub(super) fn list_entities(&self, input: &Input) -> Result<Value, Fault> {
        let arn = input.policy_arn()?;
        let state = self.lock();
        state.policy(arn)?;
        let roles = state.roles.iter().map(|(_, role)| role);
        let listed = roles
            .filter(|role| role.attached.contains(arn))
            .map(|role| json!({ "RoleName": role.name, "RoleId": role.id }));
        let mut output = input.page("PolicyRoles", listed.collect())?;
        output["PolicyGroups"] = json!([]);
        output["PolicyUsers"] = json!([]);
        Ok(output)
    }

    pub(super) fn tag_policy(&self, input: &Input) -> Result<Value, Fault> {
        let tags = input.tags()?;
        self.lock().change_policy(input.policy_arn()?, |policy| {
            add_tags(&mut policy.tags, tags)
        })?;
        Ok(json!({}))
    }

    pub(super) fn untag_policy(&self, input: &Input) -> Result<Value, Fault> {
        let keys = input.tag_keys.as_deref().unwrap_or_default();
        self.lock().change_policy(input.policy_arn()?, |policy| {
            policy.tags.retain(|key, _| !keys.contains(key));
            Ok(())
        })?;
        Ok(json!({}))
    }

    pub(super) fn list_policy_tags(&self, input: &Input) -> Result<Value, Fault> {
        let state = self.lock();
        let list = match state.policy(input.policy_arn()?)? {
            Found::Aws(_) => Value::Null,
            Found::Customer(policy) => tags(&policy.tags),
        };
        let list = list.as_array().cloned().unwrap_or_default();
        input.page("Tags", list)
    }
}

fn check(text: &str) -> Result<(), Fault> {
    document::check(text, Purpose::Managed, |_| false)?;
    if document::size(text) > LARGEST {
        return Err(limit(format!(
            "Cannot exceed quota for PolicySize: {LARGEST}"
        )));
    }
    Ok(())
}

fn version(cloud: &Cloud, text: &str) -> PolicyVersion {
    PolicyVersion {
        document: text.to_owned(),
        created: cloud.now(),
    }
}

/// `v2` is 2; what is no version of this cloud is 0, which there never is.
fn number(version: &str) -> u32 {
    let number = version.strip_prefix('v').and_then(|text| text.parse().ok());
    number.unwrap_or_default()
}

fn no_version(arn: &str, version: &str) -> Fault {
    no_entity(format!(
        "Policy {arn} version {version} does not exist or is not attachable."
    ))
}

fn tagged(mut told: Value, policy: &Policy) -> Value {
    if !policy.tags.is_empty() {
        told["Tags"] = tags(&policy.tags);
    }
    told
}
