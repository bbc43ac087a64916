//! Users and their access keys: as much as scripts try. Nothing is enforced by them, but
//! GetCallerIdentity knows whose a key is.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Iam;
use super::faults::{exists, in_use, limit, no_entity};
use super::input::{Input, add_tags};
use super::model::{AccessKey, User, id, random};
use super::state::{State, key};
use crate::cloud::{ACCOUNT, Cloud};
use crate::wire::{Fault, time};

/// The most access keys of a user.
const MOST_KEYS: usize = 2;

impl Iam {
    pub(super) fn create_user(&self, cloud: &Cloud, input: &Input) -> Result<Value, Fault> {
        let name = input.user()?;
        let user = User {
            name: name.to_owned(),
            path: input.new_path()?,
            id: id("AIDA"),
            created: cloud.now(),
            tags: input.tags()?,
            keys: BTreeMap::new(),
        };
        let mut state = self.lock();
        if state.users.contains(&key(name)) {
            return Err(exists(format!("User with name {name} already exists.")));
        }
        let told = user.told();
        state.users.put(&key(name), user)?;
        Ok(json!({ "User": told }))
    }

    /// Without a name, the caller: this account's root.
    pub(super) fn get_user(&self, cloud: &Cloud, input: &Input) -> Result<Value, Fault> {
        let Some(name) = input.maybe_user() else {
            return Ok(json!({ "User": {
                "UserId": ACCOUNT,
                "Arn": format!("arn:aws:iam::{ACCOUNT}:root"),
                "CreateDate": time(cloud.now()),
            }}));
        };
        let state = self.lock();
        Ok(json!({ "User": state.user(name)?.told() }))
    }

    pub(super) fn list_users(&self, input: &Input) -> Result<Value, Fault> {
        let prefix = input.path_prefix.as_deref().unwrap_or("/");
        let state = self.lock();
        let users = state.users.iter().map(|(_, user)| user);
        let listed = users
            .filter(|user| user.path.starts_with(prefix))
            .map(User::told);
        input.page("Users", listed.collect())
    }

    pub(super) fn delete_user(&self, input: &Input) -> Result<Value, Fault> {
        let name = input.user()?;
        let mut state = self.lock();
        if !state.user(name)?.keys.is_empty() {
            return Err(in_use(
                "Cannot delete entity, must delete access keys first.",
            ));
        }
        state.users.remove(&key(name))?;
        Ok(json!({}))
    }

    pub(super) fn tag_user(&self, input: &Input) -> Result<Value, Fault> {
        let tags = input.tags()?;
        change(&mut self.lock(), input.user()?, |user| {
            add_tags(&mut user.tags, tags)
        })?;
        Ok(json!({}))
    }

    pub(super) fn create_access_key(&self, cloud: &Cloud, input: &Input) -> Result<Value, Fault> {
        let name = input.user()?;
        let key = random("AKIA", 16);
        let created = cloud.now();
        let told = json!({ "AccessKey": {
            "UserName": name,
            "AccessKeyId": key,
            "Status": "Active",
            // Nothing checks signatures, so nothing keeps it.
            "SecretAccessKey": random("", 20) + &random("", 20),
            "CreateDate": time(created),
        }});
        change(&mut self.lock(), name, |user| {
            if user.keys.len() >= MOST_KEYS {
                return Err(limit(format!(
                    "Cannot exceed quota for AccessKeysPerUser: {MOST_KEYS}"
                )));
            }
            let active = true;
            user.keys.insert(key, AccessKey { active, created });
            Ok(())
        })?;
        Ok(told)
    }

    pub(super) fn update_access_key(&self, input: &Input) -> Result<Value, Fault> {
        let id = input.access_key()?;
        let active = input.status()? == "Active";
        change(&mut self.lock(), input.user()?, |user| {
            let key = user.keys.get_mut(id).ok_or_else(|| no_key(id))?;
            key.active = active;
            Ok(())
        })?;
        Ok(json!({}))
    }

    pub(super) fn delete_access_key(&self, input: &Input) -> Result<Value, Fault> {
        let id = input.access_key()?;
        change(&mut self.lock(), input.user()?, |user| {
            user.keys.remove(id).map(|_| ()).ok_or_else(|| no_key(id))
        })?;
        Ok(json!({}))
    }

    pub(super) fn list_access_keys(&self, input: &Input) -> Result<Value, Fault> {
        let Some(name) = input.maybe_user() else {
            return input.page("AccessKeyMetadata", Vec::new());
        };
        let state = self.lock();
        let user = state.user(name)?;
        let listed = user.keys.iter().map(|(id, key)| {
            json!({
                "UserName": user.name,
                "AccessKeyId": id,
                "Status": if key.active { "Active" } else { "Inactive" },
                "CreateDate": time(key.created),
            })
        });
        input.page("AccessKeyMetadata", listed.collect())
    }

    /// Whose an access key is: the user's ARN and id.
    pub(crate) fn owner(&self, access_key: &str) -> Option<(String, String)> {
        let state = self.lock();
        let mut users = state.users.iter().map(|(_, user)| user);
        let user = users.find(|user| user.keys.contains_key(access_key))?;
        Some((user.arn(), user.id.clone()))
    }
}

fn change(
    state: &mut State,
    name: &str,
    change: impl FnOnce(&mut User) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut user = state.user(name)?.clone();
    change(&mut user)?;
    state.users.put(&key(name), user)?;
    Ok(())
}

fn no_key(id: &str) -> Fault {
    no_entity(format!("The Access Key with id {id} cannot be found."))
}
