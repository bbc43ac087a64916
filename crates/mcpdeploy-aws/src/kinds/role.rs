//! `aws.iam.role`: an IAM role with its inline and attached policies.
//!
//! Facts, from the IAM API reference and user guide:
//! - names are unique within the account, compared without regard to case; path and name never
//!   change;
//! - CreateRole takes tags and the permissions boundary, but no policies;
//! - GetRole tells tags; inline policies are listed by name and fetched one by one;
//! - documents come back URL-encoded;
//! - a role is deleted only after its policies are detached and deleted;
//! - IAM is eventually consistent: a role just made may not be found, and Lambda cannot assume it
//!   for some seconds.
//!
//! The role owns all its policies: an inline or attached one that nobody asked for is drift.

mod inputs;
mod policies;

use std::collections::BTreeMap;

use aws_sdk_iam::types::Tag;
use mcpdeploy_engine::address::{Address, PhysicalId};
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, Identity, Kind, KindError, Observed, Op, Permission, Placement, Tags, Who,
};
use mcpdeploy_engine::value::Ref;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::inputs::DEFAULT_SESSION;
use self::policies::{
    attached, configure_inline, configure_managed, delete_inline, detach, document, inline_names,
};
use crate::clients::Clients;
use crate::fault::{Fault, fresh};
use crate::ids::{PolicyArn, RoleArn, RoleName};
use crate::policy::PolicyDocument;
use crate::{join, tags};

pub use self::inputs::RoleInputs;

/// An IAM role.
#[derive(Debug)]
pub enum Role {}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoleOutputs {
    /// Its ARN.
    pub arn: RoleArn,
    /// Its name.
    pub name: RoleName,
    /// Its id, e.g. `AROA…`: another one when a role is made again under the same name.
    pub role_id: String,
}

impl Role {
    /// Refers to the ARN of the role at `address`.
    #[must_use]
    pub fn arn(address: &Address) -> Ref<RoleArn> {
        Ref::new(address, "/arn")
    }

    /// Refers to the name of the role at `address`.
    #[must_use]
    pub fn name(address: &Address) -> Ref<RoleName> {
        Ref::new(address, "/name")
    }
}

impl Kind for Role {
    const NAME: &'static str = "aws.iam.role";
    const REPLACE_ON: &'static [&'static str] = &["/name", "/path"];
    const TAGGABLE: bool = true;
    const TYPICAL_MS: u32 = 600;

    type Clients = Clients;
    type Inputs = RoleInputs;
    type Outputs = RoleOutputs;

    fn identity(inputs: &Self::Inputs) -> Identity {
        Identity::Name(inputs.name.to_string())
    }

    fn validate(inputs: &Self::Inputs) -> Result<(), (String, String)> {
        inputs.validate()
    }

    fn permissions(op: Op, inputs: &Self::Inputs, placement: &Placement) -> Vec<Permission> {
        let actions: &[&str] = match op {
            Op::Read => &[
                "iam:GetRole",
                "iam:GetRolePolicy",
                "iam:ListAttachedRolePolicies",
                "iam:ListRolePolicies",
            ],
            Op::Create => &[
                "iam:AttachRolePolicy",
                "iam:CreateRole",
                "iam:GetRole",
                "iam:PutRolePermissionsBoundary",
                "iam:PutRolePolicy",
                "iam:TagRole",
            ],
            Op::Update => &[
                "iam:AttachRolePolicy",
                "iam:DeleteRolePermissionsBoundary",
                "iam:DeleteRolePolicy",
                "iam:DetachRolePolicy",
                "iam:GetRole",
                "iam:ListAttachedRolePolicies",
                "iam:ListRolePolicies",
                "iam:ListRoleTags",
                "iam:PutRolePermissionsBoundary",
                "iam:PutRolePolicy",
                "iam:TagRole",
                "iam:UntagRole",
                "iam:UpdateAssumeRolePolicy",
                "iam:UpdateRole",
            ],
            Op::Delete => &[
                "iam:DeleteRole",
                "iam:DeleteRolePolicy",
                "iam:DetachRolePolicy",
                "iam:ListAttachedRolePolicies",
                "iam:ListRolePolicies",
            ],
        };
        let arn = format!(
            "arn:{}:iam::{}:role{}{}",
            crate::ids::partition(placement.region_or_any()),
            placement.account_or_any(),
            inputs.path,
            inputs.name
        );
        Permission::all(actions, &arn)
    }

    async fn read(
        cx: &Cx<'_, Clients>,
        who: Who<'_, Self::Inputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        let name = who.id.map_or(who.inputs.name.as_str(), PhysicalId::as_str);
        let iam = cx.clients.iam();
        let role = cx.in_turn(|| async {
            iam.get_role()
                .role_name(name)
                .send()
                .await
                .found("iam", "GetRole", name)
        });
        // The policies that are expected are fetched along with the list of those that there are:
        // one round trip instead of two, as long as nothing has drifted.
        let expected = join::all(
            who.inputs
                .inline_policies
                .keys()
                .map(|policy| document(cx, name, policy)),
        );
        let (role, inline, attached, expected) =
            tokio::join!(role, inline_names(cx, name), attached(cx, name), expected);
        let Some(role) = role?.and_then(|answer| answer.role) else {
            return Ok(None);
        };
        let inline = inline?;
        let mut inline_policies: BTreeMap<String, PolicyDocument> =
            expected?.into_iter().flatten().collect();
        inline_policies.retain(|policy, _| inline.contains(policy));
        let others = inline
            .iter()
            .filter(|policy| !inline_policies.contains_key(*policy));
        let others = join::all(others.map(|policy| document(cx, name, policy))).await?;
        inline_policies.extend(others.into_iter().flatten());
        Ok(Some(Observed {
            id: PhysicalId::new(&role.role_name),
            outputs: outputs(&role),
            inputs: RoleInputs {
                name: RoleName::new(role.role_name),
                path: role.path,
                description: role.description.unwrap_or_default(),
                assume_role_policy: PolicyDocument::observed(
                    role.assume_role_policy_document
                        .as_deref()
                        .unwrap_or_default(),
                ),
                inline_policies,
                managed_policies: attached?,
                max_session_seconds: role
                    .max_session_duration
                    .and_then(|seconds| u32::try_from(seconds).ok())
                    .unwrap_or(DEFAULT_SESSION),
                permissions_boundary: role
                    .permissions_boundary
                    .and_then(|boundary| boundary.permissions_boundary_arn)
                    .map(PolicyArn::new),
                tags: from_list(role.tags.as_deref().unwrap_or_default()),
            },
            unobserved: &[],
        }))
    }

    async fn create(cx: &Cx<'_, Clients>, want: &Self::Inputs) -> Result<Created<Self>, KindError> {
        let answer = cx
            .clients
            .iam()
            .create_role()
            .role_name(&want.name)
            .path(&want.path)
            .assume_role_policy_document(want.assume_role_policy.to_text())
            .set_description(Some(want.description.clone()).filter(|text| !text.is_empty()))
            .max_session_duration(seconds(want.max_session_seconds))
            .set_permissions_boundary(want.permissions_boundary.as_ref().map(Into::into))
            .set_tags(to_list(&want.tags)?)
            .send()
            .await
            .fault("iam", "CreateRole", &want.name)?;
        Ok(match answer.role {
            Some(role) => Created::with(&want.name, outputs(&role)),
            None => Created::id(&want.name),
        })
    }

    async fn configure(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        delta: &Delta<'_>,
    ) -> Result<(), KindError> {
        fresh(delta, configure(cx, id.as_str(), want, delta).await)
    }

    async fn settle(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
        so_far: Option<Self::Outputs>,
    ) -> Result<Self::Outputs, KindError> {
        if let Some(outputs) = so_far {
            return Ok(outputs);
        }
        let answer = cx
            .clients
            .iam()
            .get_role()
            .role_name(id.as_str())
            .send()
            .await
            .fault("iam", "GetRole", id)?;
        match answer.role {
            Some(role) => Ok(outputs(&role)),
            None => Err(KindError::fatal("IAM answered without the role").on(id.as_str())),
        }
    }

    async fn delete(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
    ) -> Result<(), KindError> {
        let name = id.as_str();
        let (inline, attached) = tokio::join!(inline_names(cx, name), attached(cx, name));
        let (inline, attached) = (inline?, attached?);
        let (deleted, detached) = tokio::join!(
            join::all(inline.iter().map(|policy| delete_inline(cx, name, policy))),
            join::all(attached.iter().map(|policy| detach(cx, name, policy))),
        );
        deleted?;
        detached?;
        cx.clients
            .iam()
            .delete_role()
            .role_name(name)
            .send()
            .await
            .removed("iam", "DeleteRole", name)
    }
}

async fn configure(
    cx: &Cx<'_, Clients>,
    name: &str,
    want: &RoleInputs,
    delta: &Delta<'_>,
) -> Result<(), KindError> {
    let iam = cx.clients.iam();
    if delta.updates("/assume_role_policy") {
        iam.update_assume_role_policy()
            .role_name(name)
            .policy_document(want.assume_role_policy.to_text())
            .send()
            .await
            .fault("iam", "UpdateAssumeRolePolicy", name)?;
    }
    if delta.updates_any(&["/description", "/max_session_seconds"]) {
        iam.update_role()
            .role_name(name)
            .description(&want.description)
            .max_session_duration(seconds(want.max_session_seconds))
            .send()
            .await
            .fault("iam", "UpdateRole", name)?;
    }
    if delta.updates("/permissions_boundary") {
        configure_boundary(cx, name, want).await?;
    }
    let (inline, managed) = tokio::join!(
        configure_inline(cx, name, want, delta),
        configure_managed(cx, name, want, delta),
    );
    inline?;
    managed?;
    if delta.updates("/tags") {
        configure_tags(cx, name, want).await?;
    }
    Ok(())
}

async fn configure_boundary(
    cx: &Cx<'_, Clients>,
    name: &str,
    want: &RoleInputs,
) -> Result<(), KindError> {
    let iam = cx.clients.iam();
    match &want.permissions_boundary {
        Some(boundary) => iam
            .put_role_permissions_boundary()
            .role_name(name)
            .permissions_boundary(boundary)
            .send()
            .await
            .fault("iam", "PutRolePermissionsBoundary", name)
            .map(|_| ()),
        None => iam
            .delete_role_permissions_boundary()
            .role_name(name)
            .send()
            .await
            .removed("iam", "DeleteRolePermissionsBoundary", name),
    }
}

async fn configure_tags(
    cx: &Cx<'_, Clients>,
    name: &str,
    want: &RoleInputs,
) -> Result<(), KindError> {
    let iam = cx.clients.iam();
    let answer =
        iam.list_role_tags()
            .role_name(name)
            .send()
            .await
            .fault("iam", "ListRoleTags", name)?;
    let changes = tags::changes(&from_list(answer.tags()), &want.tags);
    if !changes.set.is_empty() {
        iam.tag_role()
            .role_name(name)
            .set_tags(to_list(&changes.set)?)
            .send()
            .await
            .fault("iam", "TagRole", name)?;
    }
    if !changes.remove.is_empty() {
        iam.untag_role()
            .role_name(name)
            .set_tag_keys(Some(changes.remove))
            .send()
            .await
            .fault("iam", "UntagRole", name)?;
    }
    Ok(())
}

fn outputs(role: &aws_sdk_iam::types::Role) -> RoleOutputs {
    RoleOutputs {
        arn: RoleArn::new(&role.arn),
        name: RoleName::new(&role.role_name),
        role_id: role.role_id.clone(),
    }
}

fn from_list(list: &[Tag]) -> Tags {
    tags::from_pairs(list.iter().map(|tag| (tag.key(), tag.value())))
}

fn to_list(tags: &Tags) -> Result<Option<Vec<Tag>>, KindError> {
    let list: Result<Vec<Tag>, _> = tags
        .iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect();
    match list {
        Ok(list) if list.is_empty() => Ok(None),
        Ok(list) => Ok(Some(list)),
        Err(error) => Err(KindError::fatal(error.to_string())),
    }
}

fn seconds(seconds: u32) -> i32 {
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role() -> RoleInputs {
        RoleInputs::new("x", PolicyDocument::trust_service("lambda.amazonaws.com"))
    }

    #[test]
    fn permissions_name_the_role_with_its_path() {
        let mut inputs = role();
        inputs.path = "/app/".into();
        let placement = Placement {
            region: Some("cn-north-1".into()),
            account: Some("123456789012".into()),
        };
        for permission in Role::permissions(Op::Create, &inputs, &placement) {
            assert_eq!(
                permission.resource,
                "arn:aws-cn:iam::123456789012:role/app/x"
            );
        }
    }
}
