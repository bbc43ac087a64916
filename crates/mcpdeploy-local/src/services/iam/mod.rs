//! IAM: roles and policies, and users as far as scripts try them.
//!
//! What a policy allows is not enforced on calls; trust policies are. Not there: groups, instance
//! profiles, identity providers, users' policies, and simulating a policy.

mod document;
mod faults;
mod input;
mod managed;
pub(crate) mod matching;
mod model;
mod policies;
mod role_policies;
mod roles;
mod state;
mod trust;
mod users;

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::json;
use time::OffsetDateTime;

use self::input::Input;
use self::model::Role;
pub(crate) use self::model::random;
use self::state::State;
pub(crate) use self::trust::Who;
use crate::cloud::Cloud;
use crate::storage::{ReadError, Storage};
use crate::wire::{Call, Fault, Reply};

/// The service.
#[derive(Debug)]
pub(crate) struct Iam {
    state: Mutex<State>,
}

/// Whether a role can be assumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Assumable {
    /// It can.
    Yes,
    /// There is no such role, or its creation has not propagated yet.
    Missing,
    /// Its trust policy does not name the principal, or does not yet.
    Untrusted,
}

/// What the token service has to know of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoleFacts {
    pub(crate) name: String,
    pub(crate) id: String,
    /// The longest session, in seconds.
    pub(crate) max_session: u32,
}

impl Iam {
    pub(crate) fn open(storage: &Storage) -> Result<Self, ReadError> {
        Ok(Self {
            state: Mutex::new(State::open(storage)?),
        })
    }

    /// Answers a call.
    pub(crate) async fn handle(&self, cloud: &Cloud, call: &mut Call) -> Result<Reply, Fault> {
        let input = &Input::read(call)?;
        let output = match call.operation.as_str() {
            "CreateRole" => self.create_role(cloud, input),
            "GetRole" => self.get_role(input),
            "ListRoles" => self.list_roles(input),
            "UpdateRole" => self.update_role(input),
            "UpdateRoleDescription" => self.update_role_description(input),
            "UpdateAssumeRolePolicy" => self.update_trust(cloud, input),
            "DeleteRole" => self.delete_role(input),
            "TagRole" => self.tag_role(input),
            "UntagRole" => self.untag_role(input),
            "ListRoleTags" => self.list_role_tags(input),
            "PutRolePermissionsBoundary" => self.put_boundary(input),
            "DeleteRolePermissionsBoundary" => self.delete_boundary(input),
            "PutRolePolicy" => self.put_role_policy(input),
            "GetRolePolicy" => self.get_role_policy(input),
            "DeleteRolePolicy" => self.delete_role_policy(input),
            "ListRolePolicies" => self.list_role_policies(input),
            "AttachRolePolicy" => self.attach_role_policy(input),
            "DetachRolePolicy" => self.detach_role_policy(input),
            "ListAttachedRolePolicies" => self.list_attached(input),
            // There are no instance profiles, which Terraform asks for before it deletes a role.
            "ListInstanceProfilesForRole" => {
                self.lock().role(input.role()?)?;
                input.page("InstanceProfiles", Vec::new())
            }
            "CreatePolicy" => self.create_policy(cloud, input),
            "GetPolicy" => self.get_policy(input),
            "ListPolicies" => self.list_policies(input),
            "DeletePolicy" => self.delete_policy(input),
            "CreatePolicyVersion" => self.create_policy_version(cloud, input),
            "GetPolicyVersion" => self.get_policy_version(input),
            "ListPolicyVersions" => self.list_policy_versions(input),
            "SetDefaultPolicyVersion" => self.set_default_version(cloud, input),
            "DeletePolicyVersion" => self.delete_policy_version(input),
            "ListEntitiesForPolicy" => self.list_entities(input),
            "TagPolicy" => self.tag_policy(input),
            "UntagPolicy" => self.untag_policy(input),
            "ListPolicyTags" => self.list_policy_tags(input),
            "CreateUser" => self.create_user(cloud, input),
            "GetUser" => self.get_user(cloud, input),
            "ListUsers" => self.list_users(input),
            "DeleteUser" => self.delete_user(input),
            "TagUser" => self.tag_user(input),
            "CreateAccessKey" => self.create_access_key(cloud, input),
            "UpdateAccessKey" => self.update_access_key(input),
            "DeleteAccessKey" => self.delete_access_key(input),
            "ListAccessKeys" => self.list_access_keys(input),
            "ListAccountAliases" => Ok(json!({ "AccountAliases": [], "IsTruncated": false })),
            other => Err(Fault::absent(format!("iam.{other}"))),
        };
        output.map(Reply::output)
    }

    /// Whether `principal` (e.g. `lambda.amazonaws.com`) may assume the role of this ARN by now:
    /// it exists, trusts the principal, and its last change is as old as `--iam-propagation` wants.
    pub(crate) fn assumable(&self, cloud: &Cloud, role: &str, principal: &str) -> Assumable {
        let propagation = cloud.switches().iam_propagation;
        let now = cloud.now();
        match self.lock().role_by_arn(role) {
            Some(role) if now >= role.created + propagation => {
                if trust::trusts(role.trust_at(now), Who::Service(principal)) {
                    Assumable::Yes
                } else {
                    Assumable::Untrusted
                }
            }
            Some(_) | None => Assumable::Missing,
        }
    }

    /// The role of this ARN, when `who` may assume it now. Roles that this account's callers assume
    /// are known at once.
    pub(crate) fn assume(&self, role: &str, who: Who<'_>) -> Option<RoleFacts> {
        let state = self.lock();
        let role = state.role_by_arn(role)?;
        trust::trusts(&role.trust, who).then(|| role.facts())
    }

    /// The role of this ARN.
    pub(crate) fn facts(&self, role: &str) -> Option<RoleFacts> {
        self.lock().role_by_arn(role).map(Role::facts)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Role {
    /// The trust policy that other services go by at this time.
    fn trust_at(&self, now: OffsetDateTime) -> &str {
        match &self.trust_before {
            Some(before) if now < before.until => &before.trust,
            Some(_) | None => &self.trust,
        }
    }

    fn facts(&self) -> RoleFacts {
        RoleFacts {
            name: self.name.clone(),
            id: self.id.clone(),
            max_session: self.max_session,
        }
    }
}
