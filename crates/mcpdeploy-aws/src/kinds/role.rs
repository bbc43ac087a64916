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

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::Tag;
use mcpdeploy_engine::address::{Address, PhysicalId};
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, Identity, Kind, KindError, Observed, Op, Permission, Placement, Tags, Who,
};
use mcpdeploy_engine::value::Ref;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clients::Clients;
use crate::fault::{Fault, fresh};
use crate::ids::{PolicyArn, RoleArn, RoleName};
use crate::policy::PolicyDocument;
use crate::{join, tags};

/// What CreateRole sets when nothing is said, in seconds.
const DEFAULT_SESSION: u32 = 3600;

/// An IAM role.
#[derive(Debug)]
pub enum Role {}

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
        let wrong = |at: &str, message: String| Err((at.to_owned(), message));
        if !is_name(inputs.name.as_str(), 64) {
            return wrong(
                "/name",
                format!("`{}` is no role's name: 1 to 64 letters, digits and `+=,.@-_`", inputs.name),
            );
        }
        if !inputs.path.starts_with('/') || !inputs.path.ends_with('/') {
            return wrong("/path", format!("the path `{}` must begin and end with `/`", inputs.path));
        }
        if inputs.description.chars().count() > 1000 {
            return wrong("/description", "the description has more than 1000 characters".to_owned());
        }
        if !(3600..=43200).contains(&inputs.max_session_seconds) {
            return wrong(
                "/max_session_seconds",
                format!("a session lasts 3600 to 43200 seconds at most, not {}", inputs.max_session_seconds),
            );
        }
        if let Some(name) = inputs.inline_policies.keys().find(|name| !is_name(name, 128)) {
            return wrong(
                "/inline_policies",
                format!("`{name}` is no policy's name: 1 to 128 letters, digits and `+=,.@-_`"),
            );
        }
        tags::validate(&inputs.tags)
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
        let role = async { iam.get_role().role_name(name).send().await.found("iam", "GetRole", name) };
        // The policies that are expected are fetched along with the list of those that there are:
        // one round trip instead of two, as long as nothing has drifted.
        let expected = join::all(who.inputs.inline_policies.keys().map(|policy| document(cx, name, policy)));
        let (role, inline, attached, expected) =
            tokio::join!(role, inline_names(cx, name), attached(cx, name), expected);
        let Some(role) = role?.and_then(|answer| answer.role) else {
            return Ok(None);
        };
        let inline = inline?;
        let mut inline_policies: BTreeMap<String, PolicyDocument> = expected?.into_iter().flatten().collect();
        inline_policies.retain(|policy, _| inline.contains(policy));
        let others = inline.iter().filter(|policy| !inline_policies.contains_key(*policy));
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
                    role.assume_role_policy_document.as_deref().unwrap_or_default(),
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

    async fn create(
        cx: &Cx<'_, Clients>,
        want: &Self::Inputs,
    ) -> Result<Created<Self>, KindError> {
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

async fn configure_inline(
    cx: &Cx<'_, Clients>,
    name: &str,
    want: &RoleInputs,
    delta: &Delta<'_>,
) -> Result<(), KindError> {
    if !delta.touches("/inline_policies") {
        return Ok(());
    }
    let there = match delta {
        Delta::Created => BTreeSet::new(),
        Delta::Changed(_) => inline_names(cx, name).await?,
    };
    let changed = |policy: &str| {
        let mut pointer = "/inline_policies".to_owned();
        mcpdeploy_engine::value::push_pointer(&mut pointer, policy);
        !there.contains(policy) || delta.touches(&pointer)
    };
    let puts = want
        .inline_policies
        .iter()
        .filter(|(policy, _)| changed(policy))
        .map(|(policy, document)| put_inline(cx, name, policy, document));
    join::all(puts).await?;
    let surplus = there.iter().filter(|policy| !want.inline_policies.contains_key(*policy));
    join::all(surplus.map(|policy| delete_inline(cx, name, policy))).await?;
    Ok(())
}

async fn configure_managed(
    cx: &Cx<'_, Clients>,
    name: &str,
    want: &RoleInputs,
    delta: &Delta<'_>,
) -> Result<(), KindError> {
    if !delta.touches("/managed_policies") {
        return Ok(());
    }
    let there = match delta {
        Delta::Created => BTreeSet::new(),
        Delta::Changed(_) => attached(cx, name).await?,
    };
    let missing = want.managed_policies.difference(&there);
    join::all(missing.map(|policy| attach(cx, name, policy))).await?;
    let surplus = there.difference(&want.managed_policies);
    join::all(surplus.map(|policy| detach(cx, name, policy))).await?;
    Ok(())
}

async fn configure_tags(
    cx: &Cx<'_, Clients>,
    name: &str,
    want: &RoleInputs,
) -> Result<(), KindError> {
    let iam = cx.clients.iam();
    let answer = iam
        .list_role_tags()
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

/// The names of the inline policies; none when there is no such role.
async fn inline_names(cx: &Cx<'_, Clients>, name: &str) -> Result<BTreeSet<String>, KindError> {
    let mut names = BTreeSet::new();
    let mut marker = None;
    loop {
        let answer = cx
            .clients
            .iam()
            .list_role_policies()
            .role_name(name)
            .set_marker(marker.take())
            .send()
            .await
            .found("iam", "ListRolePolicies", name)?;
        let Some(answer) = answer else {
            return Ok(names);
        };
        names.extend(answer.policy_names);
        match answer.marker.filter(|_| answer.is_truncated) {
            Some(next) => marker = Some(next),
            None => return Ok(names),
        }
    }
}

/// The ARNs of the attached policies; none when there is no such role.
async fn attached(cx: &Cx<'_, Clients>, name: &str) -> Result<BTreeSet<PolicyArn>, KindError> {
    let mut arns = BTreeSet::new();
    let mut marker = None;
    loop {
        let answer = cx
            .clients
            .iam()
            .list_attached_role_policies()
            .role_name(name)
            .set_marker(marker.take())
            .send()
            .await
            .found("iam", "ListAttachedRolePolicies", name)?;
        let Some(answer) = answer else {
            return Ok(arns);
        };
        let policies = answer.attached_policies.unwrap_or_default();
        arns.extend(policies.into_iter().filter_map(|policy| policy.policy_arn).map(PolicyArn::new));
        match answer.marker.filter(|_| answer.is_truncated) {
            Some(next) => marker = Some(next),
            None => return Ok(arns),
        }
    }
}

async fn document(
    cx: &Cx<'_, Clients>,
    name: &str,
    policy: &str,
) -> Result<Option<(String, PolicyDocument)>, KindError> {
    let answer = cx
        .clients
        .iam()
        .get_role_policy()
        .role_name(name)
        .policy_name(policy)
        .send()
        .await
        .found("iam", "GetRolePolicy", name)?;
    Ok(answer.map(|answer| (policy.to_owned(), PolicyDocument::observed(&answer.policy_document))))
}

async fn put_inline(
    cx: &Cx<'_, Clients>,
    name: &str,
    policy: &str,
    document: &PolicyDocument,
) -> Result<(), KindError> {
    cx.clients
        .iam()
        .put_role_policy()
        .role_name(name)
        .policy_name(policy)
        .policy_document(document.to_text())
        .send()
        .await
        .fault("iam", "PutRolePolicy", name)
        .map(|_| ())
}

async fn delete_inline(cx: &Cx<'_, Clients>, name: &str, policy: &str) -> Result<(), KindError> {
    cx.clients
        .iam()
        .delete_role_policy()
        .role_name(name)
        .policy_name(policy)
        .send()
        .await
        .removed("iam", "DeleteRolePolicy", name)
}

async fn attach(cx: &Cx<'_, Clients>, name: &str, policy: &PolicyArn) -> Result<(), KindError> {
    cx.clients
        .iam()
        .attach_role_policy()
        .role_name(name)
        .policy_arn(policy)
        .send()
        .await
        .fault("iam", "AttachRolePolicy", name)
        .map(|_| ())
}

async fn detach(cx: &Cx<'_, Clients>, name: &str, policy: &PolicyArn) -> Result<(), KindError> {
    cx.clients
        .iam()
        .detach_role_policy()
        .role_name(name)
        .policy_arn(policy)
        .send()
        .await
        .removed("iam", "DetachRolePolicy", name)
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

fn is_name(name: &str, most: usize) -> bool {
    !name.is_empty()
        && name.len() <= most
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "+=,.@-_".contains(c))
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
        assert!(Role::validate(&role()).is_ok());
        let check = |change: &dyn Fn(&mut RoleInputs), at: &str| {
            let mut inputs = role();
            change(&mut inputs);
            assert_eq!(Role::validate(&inputs).unwrap_err().0, at);
        };
        check(&|role| role.name = "a b".into(), "/name");
        check(&|role| role.name = "x".repeat(65).into(), "/name");
        check(&|role| role.path = "app".into(), "/path");
        check(&|role| role.max_session_seconds = 60, "/max_session_seconds");
        check(
            &|role| {
                role.inline_policies.insert("a/b".into(), role.assume_role_policy.clone());
            },
            "/inline_policies",
        );
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
            assert_eq!(permission.resource, "arn:aws-cn:iam::123456789012:role/app/x");
        }
    }
}
