//! The rows of IAM, and how they are found and changed. Names are unique without regard to case.

use super::document::{self, Purpose};
use super::faults::{limit, no_entity, no_policy, no_role};
use super::managed;
use super::model::{Policy, Role, User};
use crate::cloud::ACCOUNT;
use crate::storage::{Collection, ReadError, Storage};
use crate::wire::Fault;

/// All roles, customer's policies and users.
#[derive(Debug)]
pub(super) struct State {
    pub(super) roles: Collection<Role>,
    pub(super) policies: Collection<Policy>,
    pub(super) users: Collection<User>,
}

/// A managed policy: AWS's or a customer's.
#[derive(Debug, Clone)]
pub(super) enum Found<'a> {
    Aws(managed::Managed),
    Customer(&'a Policy),
}

/// The key of a name.
pub(super) fn key(name: &str) -> String {
    name.to_lowercase()
}

impl State {
    pub(super) fn open(storage: &Storage) -> Result<Self, ReadError> {
        Ok(Self {
            roles: storage.collection("iam.roles")?,
            policies: storage.collection("iam.policies")?,
            users: storage.collection("iam.users")?,
        })
    }

    pub(super) fn role(&self, name: &str) -> Result<&Role, Fault> {
        self.roles.get(&key(name)).ok_or_else(|| no_role(name))
    }

    /// The role of a whole ARN.
    pub(super) fn role_by_arn(&self, arn: &str) -> Option<&Role> {
        let name = arn.rsplit('/').next()?;
        self.roles.get(&key(name)).filter(|role| role.arn() == arn)
    }

    /// Changes a role; nothing changes when `change` fails or it cannot be kept.
    pub(super) fn change_role<R>(
        &mut self,
        name: &str,
        change: impl FnOnce(&mut Role) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        let mut role = self.role(name)?.clone();
        let result = change(&mut role)?;
        self.roles.put(&key(name), role)?;
        Ok(result)
    }

    pub(super) fn user(&self, name: &str) -> Result<&User, Fault> {
        let found = self.users.get(&key(name));
        found.ok_or_else(|| no_entity(format!("The user with name {name} cannot be found.")))
    }

    /// The managed policy of an ARN.
    ///
    /// # Errors
    /// `NoSuchEntity`; for one of AWS's that this cloud does not know, that it does not.
    pub(super) fn policy(&self, arn: &str) -> Result<Found<'_>, Fault> {
        if let Some(policy) = managed::find(arn) {
            return Ok(Found::Aws(policy));
        }
        if managed::is_of_aws(arn) {
            return Err(Fault::absent(format!("AWS's policy {arn}")));
        }
        self.customer(arn).map(Found::Customer)
    }

    /// The customer's policy of an ARN.
    pub(super) fn customer(&self, arn: &str) -> Result<&Policy, Fault> {
        self.policies.get(arn).ok_or_else(|| no_policy(arn))
    }

    /// Changes a customer's policy; nothing changes when `change` fails or it cannot be kept.
    pub(super) fn change_policy<R>(
        &mut self,
        arn: &str,
        change: impl FnOnce(&mut Policy) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        let mut policy = self.customer(arn)?.clone();
        let result = change(&mut policy)?;
        self.policies.put(arn, policy)?;
        Ok(result)
    }

    /// How many roles a policy is attached to, and is the boundary of.
    pub(super) fn uses(&self, arn: &str) -> (usize, usize) {
        let roles = || self.roles.iter().map(|(_, role)| role);
        let attached = roles().filter(|role| role.attached.contains(arn)).count();
        let boundary = roles().filter(|role| role.boundary.as_deref() == Some(arn));
        (attached, boundary.count())
    }

    /// Checks a trust policy: its grammar, its size, and that the roles and users in it are there.
    pub(super) fn check_trust(&self, text: &str) -> Result<(), Fault> {
        document::check(text, Purpose::Trust, |arn| self.is_known(arn))?;
        if document::size(text) > 4096 {
            return Err(limit("Cannot exceed quota for ACLSizePerRole: 4096"));
        }
        Ok(())
    }

    /// Whether the role or user of an ARN is there; those of other accounts always are.
    fn is_known(&self, arn: &str) -> bool {
        let own = format!("arn:aws:iam::{ACCOUNT}:");
        let Some(name) = arn.strip_prefix(&own) else {
            return !arn.contains(&format!(":{ACCOUNT}:")) || arn.contains(":assumed-role/");
        };
        let last = name.rsplit('/').next().unwrap_or_default();
        if name.starts_with("role/") {
            self.role_by_arn(arn).is_some()
        } else if name.starts_with("user/") {
            self.users
                .get(&key(last))
                .is_some_and(|user| user.arn() == arn)
        } else {
            false
        }
    }
}
