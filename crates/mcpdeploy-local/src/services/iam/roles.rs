//! Roles.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Iam;
use super::faults::{exists, in_use, no_entity};
use super::input::{Input, add_tags};
use super::model::{Before, Role, id, tags};
use super::state::key;
use crate::cloud::Cloud;
use crate::wire::Fault;

impl Iam {
    pub(super) fn create_role(&self, cloud: &Cloud, input: &Input) -> Result<Value, Fault> {
        let name = input.role()?;
        let path = input.new_path()?;
        let trust = input.trust()?;
        let description = input.description(1000)?;
        let max_session = input.max_session()?.unwrap_or(3600);
        let boundary = input.boundary()?;
        let tags = input.tags()?;
        let mut state = self.lock();
        if state.roles.contains(&key(name)) {
            return Err(exists(format!("Role with name {name} already exists.")));
        }
        state.check_trust(trust)?;
        if let Some(arn) = boundary {
            state.policy(arn)?;
        }
        let role = Role {
            name: name.to_owned(),
            path,
            id: id("AROA"),
            created: cloud.now(),
            trust: trust.to_owned(),
            trust_before: None,
            description: description.filter(|text| !text.is_empty()),
            max_session,
            boundary: boundary.map(str::to_owned),
            tags,
            inline: BTreeMap::new(),
            attached: BTreeSet::new(),
        };
        let mut told = role.told();
        // What was used is not told of something new.
        if let Value::Object(fields) = &mut told {
            fields.remove("RoleLastUsed");
        }
        state.roles.put(&key(name), role)?;
        Ok(json!({ "Role": told }))
    }

    pub(super) fn get_role(&self, input: &Input) -> Result<Value, Fault> {
        let state = self.lock();
        Ok(json!({ "Role": state.role(input.role()?)?.told() }))
    }

    pub(super) fn list_roles(&self, input: &Input) -> Result<Value, Fault> {
        let prefix = input.path_prefix.as_deref().unwrap_or("/");
        let state = self.lock();
        let roles = state.roles.iter().map(|(_, role)| role);
        let listed = roles
            .filter(|role| role.path.starts_with(prefix))
            .map(Role::listed);
        input.page("Roles", listed.collect())
    }

    pub(super) fn update_role(&self, input: &Input) -> Result<Value, Fault> {
        let description = input.description(1000)?;
        let max_session = input.max_session()?;
        self.lock().change_role(input.role()?, |role| {
            if let Some(text) = description {
                role.description = Some(text).filter(|text| !text.is_empty());
            }
            if let Some(seconds) = max_session {
                role.max_session = seconds;
            }
            Ok(())
        })?;
        Ok(json!({}))
    }

    /// The older operation, which answers with the role.
    pub(super) fn update_role_description(&self, input: &Input) -> Result<Value, Fault> {
        let description = input.description(1000)?.unwrap_or_default();
        let told = self.lock().change_role(input.role()?, |role| {
            role.description = Some(description).filter(|text| !text.is_empty());
            Ok(role.told())
        })?;
        Ok(json!({ "Role": told }))
    }

    pub(super) fn update_trust(&self, cloud: &Cloud, input: &Input) -> Result<Value, Fault> {
        let name = input.role()?;
        let trust = input.document()?;
        let mut state = self.lock();
        state.role(name)?;
        state.check_trust(trust)?;
        state.change_role(name, |role| {
            let before = std::mem::replace(&mut role.trust, trust.to_owned());
            role.trust_before = Some(Before {
                trust: before,
                until: cloud.now() + cloud.switches().iam_propagation,
            });
            Ok(())
        })?;
        Ok(json!({}))
    }

    pub(super) fn delete_role(&self, input: &Input) -> Result<Value, Fault> {
        let name = input.role()?;
        let mut state = self.lock();
        let role = state.role(name)?;
        if !role.attached.is_empty() {
            return Err(in_use(
                "Cannot delete entity, must detach all policies first.",
            ));
        }
        if !role.inline.is_empty() {
            return Err(in_use("Cannot delete entity, must delete policies first."));
        }
        state.roles.remove(&key(name))?;
        Ok(json!({}))
    }

    pub(super) fn tag_role(&self, input: &Input) -> Result<Value, Fault> {
        let tags = input.tags()?;
        self.lock()
            .change_role(input.role()?, |role| add_tags(&mut role.tags, tags))?;
        Ok(json!({}))
    }

    pub(super) fn untag_role(&self, input: &Input) -> Result<Value, Fault> {
        let keys = input.tag_keys.as_deref().unwrap_or_default();
        self.lock().change_role(input.role()?, |role| {
            role.tags.retain(|key, _| !keys.contains(key));
            Ok(())
        })?;
        Ok(json!({}))
    }

    pub(super) fn list_role_tags(&self, input: &Input) -> Result<Value, Fault> {
        let state = self.lock();
        let Value::Array(list) = tags(&state.role(input.role()?)?.tags) else {
            return input.page("Tags", Vec::new());
        };
        input.page("Tags", list)
    }

    pub(super) fn put_boundary(&self, input: &Input) -> Result<Value, Fault> {
        let boundary = input.boundary()?.map(str::to_owned);
        let mut state = self.lock();
        state.role(input.role()?)?;
        if let Some(arn) = &boundary {
            state.policy(arn)?;
        }
        state.change_role(input.role()?, |role| {
            role.boundary = boundary;
            Ok(())
        })?;
        Ok(json!({}))
    }

    pub(super) fn delete_boundary(&self, input: &Input) -> Result<Value, Fault> {
        let name = input.role()?;
        self.lock().change_role(name, |role| {
            if role.boundary.take().is_none() {
                return Err(no_entity(format!(
                    "The role with name {name} does not have a permissions boundary."
                )));
            }
            Ok(())
        })?;
        Ok(json!({}))
    }
}
