//! The policies of roles: those written into them and those attached to them.

use serde_json::{Value, json};

use super::Iam;
use super::document::{self, Purpose};
use super::faults::{limit, no_entity};
use super::input::Input;
use super::model::encoded;
use crate::wire::Fault;

/// The characters of all inline policies of a role together. Source: "IAM and AWS STS quotas".
const LARGEST_INLINE: usize = 10_240;
/// The most policies attached to a role, as far as a quota can be raised.
const MOST_ATTACHED: usize = 25;

impl Iam {
    pub(super) fn put_role_policy(&self, input: &Input) -> Result<Value, Fault> {
        let role = input.role()?;
        let name = input.policy_name()?;
        let text = input.document()?;
        let mut state = self.lock();
        state.role(role)?;
        document::check(text, Purpose::Inline, |_| false)?;
        state.change_role(role, |row| {
            row.inline.insert(name.to_owned(), text.to_owned());
            let size: usize = row.inline.values().map(|text| document::size(text)).sum();
            if size > LARGEST_INLINE {
                return Err(limit(format!(
                    "Maximum policy size of {LARGEST_INLINE} bytes exceeded for role {role}"
                )));
            }
            Ok(())
        })?;
        Ok(json!({}))
    }

    pub(super) fn get_role_policy(&self, input: &Input) -> Result<Value, Fault> {
        let state = self.lock();
        let role = state.role(input.role()?)?;
        let name = input.policy_name()?;
        let text = role.inline.get(name).ok_or_else(|| no_inline(name))?;
        Ok(json!({
            "RoleName": role.name,
            "PolicyName": name,
            "PolicyDocument": encoded(text),
        }))
    }

    pub(super) fn delete_role_policy(&self, input: &Input) -> Result<Value, Fault> {
        let name = input.policy_name()?;
        self.lock().change_role(input.role()?, |role| {
            let removed = role.inline.remove(name);
            removed.map(|_| ()).ok_or_else(|| no_inline(name))
        })?;
        Ok(json!({}))
    }

    pub(super) fn list_role_policies(&self, input: &Input) -> Result<Value, Fault> {
        let state = self.lock();
        let names = state.role(input.role()?)?.inline.keys();
        let names = names.map(|name| name.as_str().into());
        input.page("PolicyNames", names.collect())
    }

    pub(super) fn attach_role_policy(&self, input: &Input) -> Result<Value, Fault> {
        let role = input.role()?;
        let arn = input.policy_arn()?;
        let mut state = self.lock();
        state.role(role)?;
        if let Err(fault) = state.policy(arn) {
            return Err(if fault.code == "NoSuchEntity" {
                no_entity(format!("Policy {arn} does not exist or is not attachable."))
            } else {
                fault
            });
        }
        state.change_role(role, |row| {
            row.attached.insert(arn.to_owned());
            if row.attached.len() > MOST_ATTACHED {
                return Err(limit(format!(
                    "Cannot exceed quota for PoliciesPerRole: {MOST_ATTACHED}"
                )));
            }
            Ok(())
        })?;
        Ok(json!({}))
    }

    pub(super) fn detach_role_policy(&self, input: &Input) -> Result<Value, Fault> {
        let arn = input.policy_arn()?;
        self.lock().change_role(input.role()?, |role| {
            if role.attached.remove(arn) {
                Ok(())
            } else {
                Err(no_entity(format!("Policy {arn} was not found.")))
            }
        })?;
        Ok(json!({}))
    }

    pub(super) fn list_attached(&self, input: &Input) -> Result<Value, Fault> {
        let prefix = input.path_prefix.as_deref().unwrap_or("/");
        let state = self.lock();
        let role = state.role(input.role()?)?;
        let listed = role.attached.iter().filter_map(|arn| {
            let path = arn.split_once(":policy").map(|(_, path)| path)?;
            let name = arn.rsplit('/').next()?;
            let told = json!({ "PolicyName": name, "PolicyArn": arn });
            path.starts_with(prefix).then_some(told)
        });
        input.page("AttachedPolicies", listed.collect())
    }
}

fn no_inline(name: &str) -> Fault {
    no_entity(format!("The role policy with name {name} cannot be found."))
}
